package import Foundation
import Hashing
import Synchronization

/// A frozen teacher's greedy answers by the digests of its prompts: in memory, or in a file shared by runs with the same teacher.
package final class TeacherAnswers: Sendable {
    /// An answer as it is stored.
    private struct Stored: Codable {
        let tokens: [Int32]
        let text: String
        let logProbabilities: [Float?]
        let isCut: Bool
    }

    private let file: LineCache?
    private let memory = Mutex<[String: SampledAnswer]>([:])

    package init() { file = nil }

    /// - Parameters:
    ///   - folder: The folder of the answers, with one file per teacher.
    ///   - model: The model's digest and precision.
    ///   - teacher: The digest of its version; nil for the base.
    ///   - maxTokens: The maximum length of an answer.
    ///   - kept: How many files to keep, the most recently written ones; nil keeps all.
    package init(in folder: URL, model: String, teacher: String?, maxTokens: Int, kept: Int? = nil, machine: RunMachine = .current) {
        let name = SHA256.hex(Data("\(model) \(teacher ?? "base") \(maxTokens) \(machine.kernels) \(machine.blas)".utf8))
        file = LineCache(folder.appendingPathComponent("teacher-\(name.prefix(16)).jsonl"))
        if let kept { Self.removeOld(folder, keeping: kept) }
    }

    private static func removeOld(_ folder: URL, keeping count: Int) {
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: [.contentModificationDateKey])) ?? []
        let dated = files.filter { $0.lastPathComponent.hasPrefix("teacher-") }.map { file in
            (file, (try? file.resourceValues(forKeys: [.contentModificationDateKey]))?.contentModificationDate ?? .distantPast)
        }
        for (file, _) in dated.sorted(by: { $0.1 > $1.1 }).dropFirst(count) { try? FileManager.default.removeItem(at: file) }
    }

    package var count: Int { file?.count ?? memory.withLock { $0.count } }

    subscript(prompt: String) -> SampledAnswer? {
        guard let file else { return memory.withLock { $0[prompt] } }
        guard let stored = file.value(prompt).flatMap({ try? JSONDecoder().decode(Stored.self, from: $0) }) else { return nil }
        return SampledAnswer(
            tokens: stored.tokens, text: stored.text, logProbabilities: stored.logProbabilities, isCut: stored.isCut)
    }

    func remember(_ answer: SampledAnswer, to prompt: String) {
        guard let file else { return memory.withLock { $0[prompt] = answer } }
        let stored = Stored(tokens: answer.tokens, text: answer.text, logProbabilities: answer.logProbabilities, isCut: answer.isCut)
        if let line = try? JSONEncoder().encode(stored) { file.remember(line, as: prompt) }
    }
}
