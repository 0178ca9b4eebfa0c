import Foundation
import Hashing
import Jobs
import Training

/// What an ended job leaves to be fetched, as files of the purpose `fine-tune-results`:
///
///     metrics.csv          a row per step (``MetricsTable``); the first file, as OpenAI's clients expect
///     metrics.jsonl        the same with timings and skipped pairs
///     validation.jsonl     if there was a validation file
///     run.json             the description of the run (``RunRecord``)
///     events.out.tfevents  for TensorBoard, if requested
///     tokens.jsonl         every rollout token by token, if requested
extension FineTuning {
    package static let resultPurpose = "fine-tune-results"

    /// Stores the files and returns their ids. The ids derive from the job's, so a job that continues after a crash stores none twice.
    func keepResults(of job: String) throws -> [String] {
        let folder = folder(job)
        var ids = [try keep("metrics.csv", of: job) { try $0(try MetricsTable.csv(of: folder)) }]
        let names = ["metrics.jsonl", "validation.jsonl", "run.json"] + (try events(in: folder))
        for name in names where FileManager.default.fileExists(atPath: folder.appending(path: name).path) {
            ids.append(try keep(name, of: job) { try Self.pass(folder.appending(path: name), to: $0) })
        }
        let tokens = TokenLog.files(of: folder)
        if !tokens.isEmpty {
            ids.append(try keep("tokens.jsonl", of: job) { write in for file in tokens { try Self.pass(file, to: write) } })
            try FileManager.default.removeItem(at: tokens[0].deletingLastPathComponent())
        }
        return ids
    }

    private func keep(_ name: String, of job: String, _ write: ((Data) throws -> Void) throws -> Void) throws -> String {
        let id = "file-" + SHA256.hex(Data("\(job)/\(name)".utf8)).prefix(20)
        if (try? store.file(id: id)) != nil { return id }
        let content = try store.contents.storeFile(write)
        return try store.addFile(id: id, purpose: Self.resultPurpose, filename: "\(job)-\(name)", content: content).id
    }

    private func events(in folder: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("events.out.tfevents.") }.sorted()
    }

    private static func pass(_ file: URL, to write: (Data) throws -> Void) throws {
        let handle = try FileHandle(forReadingFrom: file)
        defer { try? handle.close() }
        while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty { try write(piece) }
    }
}
