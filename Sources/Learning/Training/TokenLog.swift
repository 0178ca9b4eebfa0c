package import Foundation
import Objectives
import Tensors

/// Every rollout that a run learnt from, token by token: one file of JSON lines per step, one line per rollout, arrays by position.
///
///     tokens/step-0000001.jsonl   {"step": 1, "pair": "a", "role": "token", "text": "…", "finish_reason": "stop", "tokens": [52, …],
///                                  "logprob": […], "entropy": […], "rank": [1, …], "divergence": […], "weight": […],
///                                  "teacher_logprob": […], "teacher_entropy": […], "teacher_rank": [2, …], …}
///
/// A step that is repeated after an interruption replaces its file.
package struct TokenLog {
    private struct Line: Encodable {
        let step: Int
        let pair: String
        let role: String
        let text: String
        let finishReason: String
        let reward: Double?
        let advantage: Double?
        /// Empty, like all arrays, for a rollout without advantage, which was not scored.
        let tokens: [Int32]
        /// At the temperature at which the rollout was scored.
        let logprob: [Float]
        let entropy: [Float]
        /// 1 for the likeliest token; tokens of equal probability share the better rank.
        let rank: [Int]
        /// w_t; absent where the term has no weights.
        let weight: [Float]?
        /// D_t and the teacher's values, absent if nothing was compared; in a group, relative to the initial weights. A teacher behind an address has
        /// log-probabilities alone.
        let divergence: [Float]?
        let forwardKl: [Float]?
        let teacherLogprob: [Float]?
        let teacherEntropy: [Float]?
        let teacherRank: [Int]?

        init(step: Int, pair: PairOutcome, _ rollout: RolloutOutcome) {
            let tokens = rollout.tokens
            let compared = tokens.contains(where: \.isCompared) ? tokens : nil
            let known = compared?.allSatisfy(\.measures.knowsTeacher) == true ? compared : nil
            self.step = step
            self.pair = pair.id
            role = rollout.source.role
            text = rollout.text
            finishReason = rollout.isCut ? "length" : "stop"
            reward = rollout.reward
            advantage = rollout.advantage
            self.tokens = tokens.map(\.token)
            logprob = tokens.map(\.measures.logProbability)
            entropy = tokens.map(\.measures.entropy)
            rank = tokens.map(\.measures.rank)
            weight = tokens.contains { $0.weight != nil } ? tokens.map { $0.weight ?? 1 } : nil
            divergence = known?.map(\.measures.reverseKL)
            forwardKl = known?.map(\.measures.forwardKL)
            teacherLogprob = compared?.map(\.measures.teacherLogProbability)
            teacherEntropy = known?.map(\.measures.teacherEntropy)
            teacherRank = known?.map(\.measures.teacherRank)
        }
    }

    private let folder: URL
    private let encoder = JSONEncoder()

    /// - Parameter directory: The run's directory.
    init(directory: URL) throws {
        folder = directory.appendingPathComponent("tokens", isDirectory: true)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    }

    /// The files of a run's log, in the order of its steps.
    package static func files(of directory: URL) -> [URL] {
        let folder = directory.appendingPathComponent("tokens", isDirectory: true)
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return files.filter { $0.pathExtension == "jsonl" }.sorted { $0.lastPathComponent < $1.lastPathComponent }
    }

    func write(step: Int, _ report: StepReport) throws {
        var lines = Data()
        for pair in report.pairs + report.replays {
            for rollout in pair.rollouts { lines += try encoder.encode(Line(step: step, pair: pair, rollout)) + [UInt8(ascii: "\n")] }
        }
        let digits = String(step)
        let name = "step-" + String(repeating: "0", count: max(0, 7 - digits.count)) + digits + ".jsonl"
        try lines.write(to: folder.appendingPathComponent(name), options: .atomic)
    }
}
