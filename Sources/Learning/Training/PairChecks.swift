package import Foundation
import Generation
import Glibc
import Hashing
import Objectives

/// Remembers pairs whose clips were decoded and whose prompts were counted. They are identified by their rows and their files' names, sizes, inode
/// numbers and times, as git identifies unchanged files. Unpacked files are new every time, so they are identified by the file they come from.
package struct PairChecks: Sendable {
    private struct Row: Encodable {
        let id, text: String
        let answer, solution, system: String?
        let turns: [[String]]
        let files: [[String]]
    }

    /// A folder whose files are all of one content.
    private struct Unpacked {
        /// Its path as it was given and with all links followed, each with a slash behind it.
        let folders: [String]
        let content: String
    }

    private let file: LineCache?
    private var source: Unpacked?

    /// - Parameters:
    ///   - model: The digest of the model that checked the pairs.
    ///   - limit: The size in bytes at which the file starts anew.
    package init(in folder: URL, model: String, limit: Int = 256 << 20) {
        let place = folder.appendingPathComponent("pairs-\(model.prefix(16)).txt")
        let size = (try? FileManager.default.attributesOfItem(atPath: place.path)[.size] as? Int) ?? 0
        if size > limit { try? FileManager.default.removeItem(at: place) }
        file = LineCache(place)
    }

    /// The same checks for rows whose clips were unpacked into a folder.
    ///
    /// - Parameter content: the digest of what was unpacked.
    package func unpacked(into folder: URL, from content: String) -> PairChecks {
        var checks = self
        let folders = [folder.standardizedFileURL, folder.resolvingSymlinksInPath().standardizedFileURL].map { $0.path + "/" }
        checks.source = Unpacked(folders: folders, content: content)
        return checks
    }

    package var count: Int { file?.count ?? 0 }

    /// The key of a pair in its present state; nil if a clip is not a file.
    func key(_ pair: TrainingPair, for use: RowUse) -> String? {
        guard file != nil else { return nil }
        var files: [[String]] = []
        for sound in pair.sounds {
            guard case .file(let path) = sound, let name = name(of: path) else { return nil }
            files.append(name)
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
        let digits = stored.compactMap(LineCache.hexadecimal)
        guard digits.count == 64 else { return nil }
        return stride(from: 0, to: 64, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    func remember(_ digest: [UInt8], as key: String) {
        file?.remember(Data(digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined().utf8), as: key)
    }

    /// What says that a file is the one that was heard.
    private func name(of path: String) -> [String]? {
        if let source, let folder = source.folders.first(where: { path.utf8.starts(with: $0.utf8) }) {
            return [source.content, String(decoding: path.utf8.dropFirst(folder.utf8.count), as: UTF8.self)]
        }
        return Self.state(path).map { [path, $0] }
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
