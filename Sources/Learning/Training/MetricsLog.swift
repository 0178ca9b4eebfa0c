import Foundation

/// The metrics and validations of a run, as JSON lines and, if requested, as TensorBoard events.
struct MetricsLog {
    struct Line: Codable {
        struct Skipped: Codable {
            let id: String
            let reason: String
        }

        let step: Int
        let epoch: Int
        let metrics: StepMetrics?
        let timings: StepTimings?
        let skipped: [Skipped]?
        let problem: String?
    }

    struct ValidationLine: Codable {
        let step: Int
        let validation: Validation
    }

    private let log: StepLog
    private let validations: StepLog?
    private var events: EventFile?

    /// The metrics of the run in a directory, in order.
    static func lines(of directory: URL) throws -> [Line] { try StepLog.lines(Line.self, of: metrics(directory)) }

    /// Empty if the run has no validation.
    static func validationLines(of directory: URL) throws -> [ValidationLine] {
        let file = validations(directory)
        return FileManager.default.fileExists(atPath: file.path) ? try StepLog.lines(ValidationLine.self, of: file) : []
    }

    private static func metrics(_ directory: URL) -> URL { directory.appendingPathComponent("metrics.jsonl") }
    private static func validations(_ directory: URL) -> URL { directory.appendingPathComponent("validation.jsonl") }

    /// Continues the files of a directory after `step`.
    init(directory: URL, after step: Int, validates: Bool, writesEvents: Bool) throws {
        log = try StepLog(Self.metrics(directory), after: step)
        validations = validates ? try StepLog(Self.validations(directory), after: step) : nil
        events = writesEvents ? try EventFile(directory: directory) : nil
    }

    mutating func append(step: Int, epoch: Int, _ report: StepReport?, problem: String?) throws {
        let skipped = report.map { $0.pairs + $0.replays }?.compactMap { pair in pair.reason.map { Line.Skipped(id: pair.id, reason: $0) } } ?? []
        let line = Line(
            step: step, epoch: epoch, metrics: report?.metrics, timings: report?.timings,
            skipped: skipped.isEmpty ? nil : skipped, problem: problem)
        try log.append(line)
        guard let metrics = report?.metrics else { return }
        try events?.append(step: step, metrics.values.map { ($0.name, $0.value) })
    }

    mutating func append(step: Int, _ validation: Validation) throws {
        try validations?.append(ValidationLine(step: step, validation: validation))
        try events?.append(step: step, validation.values.map { ("validation/" + $0.name, $0.value) })
    }

    /// The pairs that steps of a run skipped, by id.
    static func leftOut(_ directory: URL) throws -> [RunResult.LeftOut] {
        var found: [String: RunResult.LeftOut] = [:]
        for skipped in try lines(of: directory).flatMap({ $0.skipped ?? [] }) {
            let times = (found[skipped.id]?.times ?? 0) + 1
            found[skipped.id] = RunResult.LeftOut(id: skipped.id, reason: skipped.reason, times: times)
        }
        return found.values.sorted { $0.id < $1.id }
    }

    /// The validation after a step; nil if there was none.
    static func validation(_ directory: URL, at step: Int) throws -> Validation? {
        try validationLines(of: directory).last { $0.step == step }?.validation
    }
}
