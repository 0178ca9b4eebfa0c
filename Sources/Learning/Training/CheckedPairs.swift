import Audio
import Encodings
import Foundation
package import Generation
import Hashing
import Models
import Workers

/// The pairs of a manifest that a run learns from. Every clip was decoded, and every prompt fits the model.
///
///     rows ─┬─ clips decoded, prompts counted, content hashed (in parallel) ─┬─ pairs, content
///           └─ cannot be learnt from ────────────────────────────────────────┴─ skipped, or the manifest is refused
package struct CheckedPairs: Sendable {
    package let pairs: [TrainingPair]
    /// The skipped lines, by number.
    package let skipped: [PairManifest.Problem]
    /// A digest of ids, texts and clips, in order.
    package let content: String

    /// The system turn that all pairs share; nil if they differ or have none.
    package var system: String? {
        let systems = Set(pairs.map(\.system))
        return systems.count == 1 ? pairs[0].system : nil
    }
}

extension PairManifest {
    /// Decodes every clip and counts the tokens of every prompt, before a run begins.
    ///
    /// - Parameters:
    ///   - maxSkipped: How many lines may be skipped; with more, the manifest is refused.
    ///   - checks: Results of earlier checks, which hold for unchanged files; nil checks everything.
    ///   - width: The number of pairs checked in parallel.
    ///   - progress: Called with the number of checked rows and of all rows.
    /// - Throws: ``TrainingError/manifest(path:line:reason:)`` that names the lines; `CancellationError`.
    package func checked(
        by model: LoadedModel, maxSkipped: Int = 0, checks: PairChecks? = nil, width: Int = 1,
        progress: @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws -> CheckedPairs {
        let digests = try await look(model, checks, width: width, progress)
        var pairs: [TrainingPair] = []
        pairs.reserveCapacity(rows.count)
        var skipped = problems
        var content = SHA256()
        for (row, digest) in zip(rows, digests) {
            switch digest {
            case .success(let digest):
                pairs.append(row.pair)
                content.update(Data(digest))
            case .failure(let error): skipped.append(Problem(line: row.line, reason: "\(error)"))
            }
        }
        skipped.sort { $0.line < $1.line }
        if let first = skipped.first, skipped.count > maxSkipped || pairs.isEmpty || !isWhole {
            throw TrainingError.manifest(path: name, line: first.line, reason: first.reason + more(skipped.dropFirst().map(\.line), maxSkipped))
        }
        return CheckedPairs(pairs: pairs, skipped: skipped, content: content.finish())
    }

    /// The digest of each row's pair, or why it cannot be learnt from.
    private func look(
        _ model: LoadedModel, _ checks: PairChecks?, width: Int, _ progress: (_ done: Int, _ total: Int) -> Void
    ) async throws -> [Result<[UInt8], any Error>] {
        let queue = WorkQueue(name: "pairs", width: width)
        return try await withThrowingTaskGroup(of: (Int, Result<[UInt8], any Error>).self) { group in
            var results = [Result<[UInt8], any Error>](repeating: .success([]), count: rows.count)
            var done = 0
            for (index, row) in rows.enumerated() {
                // Bounded, because each task holds a decoded clip.
                if index >= 2 * width, let (index, result) = try await group.next() {
                    results[index] = result
                    done += 1
                    progress(done, rows.count)
                }
                let (use, pair) = (use, row.pair)
                group.addTask {
                    do {
                        let key = checks?.key(pair, for: use)
                        if let key, let known = checks?.digest(key) { return (index, .success(known)) }
                        let digest = try await queue.run { try pair.contentDigest(for: use, by: model, isCancelled: $0) }
                        if let key { checks?.remember(digest, as: key) }
                        return (index, .success(digest))
                    } catch let error as CancellationError {
                        throw error
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            for try await (index, result) in group {
                results[index] = result
                done += 1
                progress(done, rows.count)
            }
            return results
        }
    }

    private func more(_ lines: [Int], _ maxSkipped: Int) -> String {
        let limit = maxSkipped == 0 ? "" : "; at most \(maxSkipped) may be left out"
        if lines.isEmpty { return limit }
        let named = lines.prefix(8).map(String.init).joined(separator: ", ")
        return " (and \(lines.count) more: line\(lines.count == 1 ? "" : "s") \(named)\(lines.count > 8 ? ", …" : ""))\(limit)"
    }
}

extension TrainingPair {
    private struct Content: Encodable {
        let id, text: String
        let answer, solution, system: String?
        let targets: [String]
        let turns: [[String]]
        let clips: [String]
    }

    /// SHA-256 over everything that a step learns from, including the bytes of the clips.
    ///
    /// - Throws: Why no step could learn from the pair: a clip that cannot be read, decoded or used whole, or a prompt that exceeds the context.
    func contentDigest(for use: RowUse, by model: LoadedModel, isCancelled: Cancellation) throws -> [UInt8] {
        let prompts = try use.prompts(of: self, by: model, system: nil) { isCancelled.isCancelled }
        let context = model.model.contextLength
        // A rollout ends with the context, and its first token must fit.
        let longest =
            try prompts.targets.map { $0.prompt.tokens.count + (try model.tokens($0.answer).count) + 1 }.max()
            ?? max(prompts.student.tokens.count, prompts.teacher.tokens.count) + 1
        guard longest <= context else {
            throw RowError("prompt and answer have \(longest) tokens, the model's context \(context)")
        }
        let content = Content(
            id: id, text: text, answer: answer, solution: solution, system: system, targets: prompts.targets.map(\.answer),
            turns: conversation?.turns.map { [$0.role.rawValue, $0.isLearnt ? "1" : "0", $0.message.text] } ?? [],
            clips: prompts.student.clips.map(\.source.sha256))
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        var hash = SHA256()
        hash.update(try encoder.encode(content))
        return hash.bytes()
    }
}
