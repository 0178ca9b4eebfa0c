package import Foundation
import Remote

/// Copies a run's logs to a tracking server of MLflow, over its REST interface.
///
///     run.json                            → an experiment's run, with its parameters
///     metrics.jsonl, validation.jsonl     → metrics by step (`loss`, …, `validation/kl_mean`, …)
///     mlflow.json                         what was sent: the server, the run's id, the last steps
///
/// The logs stay the record. A server that cannot be reached loses nothing: the next call, in this process or a later one, sends what is missing,
/// and nothing twice.
package actor MLflowMirror {
    /// How a run ended, in MLflow's words.
    package enum Status: String, Sendable { case finished = "FINISHED", failed = "FAILED", killed = "KILLED" }

    private struct State: Codable {
        var server: String
        var runID: String
        var metrics = 0
        /// −1 before the validation that comes before the first step.
        var validations = -1

        private enum CodingKeys: String, CodingKey {
            case server, metrics, validations
            case runID = "run_id"
        }
    }

    private struct Metric: Encodable {
        let key: String
        let value: Double
        let timestamp: Int
        let step: Int
    }

    private struct Pair: Encodable {
        let key, value: String
    }

    /// The most that one request of MLflow takes.
    private static let (metricsOfBatch, parametersOfBatch, lengthOfValue) = (1000, 100, 6000)
    private let endpoint: Endpoint
    private let server: String
    private let experiment: String
    private let directory: URL
    private var state: State?

    /// - Parameters:
    ///   - server: The address of the tracking server, `http://localhost:5000`.
    ///   - token: Sent as Bearer token.
    ///   - directory: The run's directory.
    /// - Throws: ``TrainingError/options(_:)`` if `server` is no address.
    package init(_ server: String, token: String? = nil, experiment: String, directory: URL, timeout: Double = 10) throws(TrainingError) {
        guard let url = URL(string: server), ["http", "https"].contains(url.scheme), url.host?.isEmpty == false else {
            throw .options("MLflow: expected an address such as http://localhost:5000, found \(server)")
        }
        endpoint = Endpoint(
            base: url.appendingPathComponent("api/2.0/mlflow"), key: token, timeout: timeout, retries: RetryPolicy(attempts: 2))
        self.server = server
        self.experiment = experiment
        self.directory = directory
        state = (try? Data(contentsOf: Self.place(directory))).flatMap { try? JSONDecoder().decode(State.self, from: $0) }
        if state?.server != server { state = nil }
    }

    private static func place(_ directory: URL) -> URL { directory.appendingPathComponent("mlflow.json") }

    /// Sends what the logs hold and the server does not have yet.
    ///
    /// - Parameter status: If the run has ended, how.
    /// - Returns: The run's id on the server.
    /// - Throws: `EndpointError`; errors of the run's files.
    @discardableResult package func send(_ status: Status? = nil) async throws -> String {
        var sent = try await begun()
        let steps = try MetricsLog.lines(of: directory).filter { $0.step > sent.metrics }
        try await log(steps.flatMap { line in (line.metrics?.values ?? []).map { ($0.name, $0.value, line.step) } }, sent.runID)
        sent.metrics = steps.last?.step ?? sent.metrics
        try keep(sent)
        let validations = try MetricsLog.validationLines(of: directory).filter { $0.step > sent.validations }
        try await log(validations.flatMap { line in line.validation.values.map { ("validation/" + $0.name, $0.value, line.step) } }, sent.runID)
        sent.validations = validations.last?.step ?? sent.validations
        try keep(sent)
        if let status { try await end(sent.runID, status) }
        return sent.runID
    }

    private func keep(_ sent: State) throws {
        state = sent
        try JSONEncoder().encode(sent).write(to: Self.place(directory), options: .atomic)
    }

    private func end(_ run: String, _ status: Status) async throws {
        struct Update: Encodable {
            let run_id, status: String
            let end_time: Int
        }
        _ = try await endpoint.post("runs/update", json: JSONEncoder().encode(Update(run_id: run, status: status.rawValue, end_time: Self.now)))
    }

    private static var now: Int { Int(Date().timeIntervalSince1970 * 1000) }

    /// Values that are not numbers have no place in a curve and are left out.
    private func log(_ values: [(name: String, value: Double, step: Int)], _ run: String) async throws {
        struct Batch: Encodable {
            let run_id: String
            let metrics: [Metric]
        }
        let now = Self.now
        let metrics = values.filter(\.value.isFinite).map { Metric(key: $0.name, value: $0.value, timestamp: now, step: $0.step) }
        for start in stride(from: 0, to: metrics.count, by: Self.metricsOfBatch) {
            let batch = Batch(run_id: run, metrics: Array(metrics[start..<min(metrics.count, start + Self.metricsOfBatch)]))
            _ = try await endpoint.post("runs/log-batch", json: JSONEncoder().encode(batch))
        }
    }

    /// The run on the server, which is made if it is not there yet.
    private func begun() async throws -> State {
        if let state { return state }
        struct Run: Encodable {
            let experiment_id, run_name: String
            let start_time: Int
            let tags: [Pair]
        }
        struct Created: Decodable {
            struct Run: Decodable {
                struct Info: Decodable { let run_id: String }
                let info: Info
            }
            let run: Run
        }
        let record = RunRecord(directory: directory)
        let tags = [Pair(key: "mlflow.source.name", value: record?.subject?.software ?? "cord"), Pair(key: "cord.directory", value: directory.path)]
        let started = record.map { Int($0.started.timeIntervalSince1970 * 1000) } ?? Self.now
        let wanted = Run(
            experiment_id: try await experimentID(), run_name: directory.lastPathComponent, start_time: started, tags: tags)
        let created: Created = try await ask("runs/create", wanted)
        let begun = State(server: server, runID: created.run.info.run_id)
        try keep(begun)
        try await describe(begun.runID)
        return begun
    }

    private func experimentID() async throws -> String {
        struct Search: Encodable {
            let filter: String
            let max_results = 1
        }
        struct Found: Decodable {
            struct Experiment: Decodable { let experiment_id: String }
            let experiments: [Experiment]?
        }
        struct Creation: Encodable { let name: String }
        let quoted = experiment.replacingOccurrences(of: "'", with: "\\'")
        let found: Found = try await ask("experiments/search", Search(filter: "name = '\(quoted)'"))
        if let known = found.experiments?.first { return known.experiment_id }
        let made: Found.Experiment = try await ask("experiments/create", Creation(name: experiment))
        return made.experiment_id
    }

    /// `run.json` as parameters, a dotted name each.
    private func describe(_ run: String) async throws {
        struct Batch: Encodable {
            let run_id: String
            let params: [Pair]
        }
        guard let data = try? Data(contentsOf: directory.appendingPathComponent("run.json")),
            let record = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
        else { return }
        var parameters: [Pair] = []
        func add(_ name: String, _ value: Any) {
            if let members = value as? [String: Any] {
                for (member, value) in members.sorted(by: { $0.key < $1.key }) { add(name.isEmpty ? member : "\(name).\(member)", value) }
            } else if !(value is [Any]), name != "started" {
                parameters.append(Pair(key: name, value: String("\(value)".prefix(Self.lengthOfValue))))
            }
        }
        add("", record.filter { $0.key != "result" })
        for start in stride(from: 0, to: parameters.count, by: Self.parametersOfBatch) {
            let part = Array(parameters[start..<min(parameters.count, start + Self.parametersOfBatch)])
            _ = try await endpoint.post("runs/log-batch", json: JSONEncoder().encode(Batch(run_id: run, params: part)))
        }
    }

    private func ask<Answer: Decodable>(_ path: String, _ body: some Encodable) async throws -> Answer {
        let answer = try await endpoint.post(path, json: JSONEncoder().encode(body))
        do { return try JSONDecoder().decode(Answer.self, from: answer) } catch {
            throw EndpointError.unexpected(
                url: "\(server), \(path)", expected: "MLflow's answer", found: String(decoding: answer.prefix(200), as: UTF8.self))
        }
    }
}
