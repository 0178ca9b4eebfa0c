package import Foundation
import Generation
import Glibc
import Hashing
import Objectives

/// Remembers pairs whose clips were decoded and whose prompts were counted. They are identified by their rows and their files' names, sizes, inode
/// numbers and times, as git identifies unchanged files.
package final class PairChecks: Sendable {
    private struct Row: Encodable {
        let id, text: String
        let answer, solution, system: String?
        let turns: [[String]]
        let files: [[String]]
    }

    private let file: LineCache?

    /// - Parameter model: The digest of the model that checked the pairs.
    package init(in folder: URL, model: String) { file = LineCache(folder.appendingPathComponent("pairs-\(model.prefix(16)).txt")) }

    package var count: Int { file?.count ?? 0 }

    /// The key of a pair in its present state; nil if a clip is not a file.
    func key(_ pair: TrainingPair, for use: RowUse) -> String? {
        guard file != nil else { return nil }
        var files: [[String]] = []
        for sound in pair.sounds {
            guard case .file(let url) = sound, let state = Self.state(url.path) else { return nil }
            files.append([url.path, state])
        }
        let row = Row(
            id: pair.id, text: pair.text, answer: pair.answer, solution: pair.solution, system: pair.system,
            turns: pair.conversation?.turns.map { [$0.role.rawValue, $0.isLearnt ? "1" : "0", $0.message.text] } ?? [], files: files)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let words = try? encoder.encode(row) else { return nil }
        return SHA256.hex(Data(use.name.utf8) + words)
    }

    func digest(_ key: String) -> [UInt8]? {
        guard let stored = file?.value(key) else { return nil }
        let digits = stored.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count == 64 else { return nil }
        return stride(from: 0, to: 64, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    func remember(_ digest: [UInt8], as key: String) {
        file?.remember(Data(digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined().utf8), as: key)
    }

    private static func state(_ path: String) -> String? {
        var status = Glibc.stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        return """
            \(status.st_dev) \(status.st_ino) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) \
            \(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec)
            """
    }
}

extension RowUse {
    /// The part of the key on which a pair's prompts depend.
    fileprivate var name: String {
        switch self {
        case .pairs(let objective): objective.reads(.gold) ? "imitated" : "pair"
        case .replay: "replay"
        }
    }
}
