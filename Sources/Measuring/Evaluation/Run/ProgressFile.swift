import Files
package import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// The records of a run on the disk: a line that identifies the run, then one record per line. Lines are only appended.
///
/// A killed process leaves at most half a line at the end. The next opening drops it. The questions of
/// lost lines are asked again. A file of another run is refused.
package final class ProgressFile: Sendable {
    /// The records of earlier attempts.
    package let known: [AnswerRecord]
    private let handle: FileHandle
    private let path: String

    private struct Head: Codable, Equatable {
        var run: Reproducibility
    }

    /// - Throws: ``ProgressFileError``
    package init(_ file: URL, run: Reproducibility) throws {
        path = file.path
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // The machine that continues a run does not change its answers.
        var place = run
        place.machine = ""
        let head = Head(run: place)
        let old = (try? Data(contentsOf: file)) ?? Data()
        let whole = old[..<((old.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1)]
        let lines = whole.split(separator: UInt8(ascii: "\n"))
        let decoder = JSONDecoder()
        if let first = lines.first {
            guard let found = try? decoder.decode(Head.self, from: Data(first)) else {
                throw ProgressFileError.damaged(path: file.path, line: 1)
            }
            let differences = zip(found.run.entries, head.run.entries).filter { $0.value != $1.value }.map {
                "\($0.name) is \($1.value) and was \($0.value)"
            }
            guard differences.isEmpty else { throw ProgressFileError.anotherRun(path: file.path, differences: differences) }
        }
        known = try lines.dropFirst().enumerated().map { place, line in
            guard let record = try? decoder.decode(AnswerRecord.self, from: Data(line)) else {
                throw ProgressFileError.damaged(path: file.path, line: place + 2)
            }
            return record
        }
        do {
            if !FileManager.default.fileExists(atPath: file.path) {
                try Data().write(to: file)
            }
            handle = try FileHandle(forWritingTo: file)
            try handle.truncate(atOffset: UInt64(whole.count))
            try handle.seekToEnd()
            if lines.isEmpty { try handle.write(contentsOf: try encoder.encode(head) + Data("\n".utf8)) }
        } catch {
            throw ProgressFileError.unwritable(path: file.path, reason: FileError.reason(error))
        }
    }

    deinit { try? handle.close() }

    /// Appends a record. The line survives the process from then on, and the machine after ``synchronize()``.
    package func append(_ record: AnswerRecord) throws {
        do {
            try handle.write(contentsOf: try JSONEncoder().encode(record) + Data("\n".utf8))
        } catch {
            throw ProgressFileError.unwritable(path: path, reason: FileError.reason(error))
        }
    }

    package func synchronize() throws {
        do { try handle.synchronize() } catch {
            throw ProgressFileError.unwritable(path: path, reason: FileError.reason(error))
        }
    }
}

package enum ProgressFileError: Error, Equatable, CustomStringConvertible {
    case unwritable(path: String, reason: String)
    case damaged(path: String, line: Int)
    case anotherRun(path: String, differences: [String])

    package var description: String {
        switch self {
        case .unwritable(let path, let reason):
            "keeping the run's answers in \(path) failed: \(reason); make room or choose another folder, and start again to continue"
        case .damaged(let path, let line):
            "\(path), line \(line) is not a record of a run; remove the file to begin anew"
        case .anotherRun(let path, let differences):
            """
            \(path) belongs to another run (\(differences.joined(separator: "; "))); choose another output folder, or remove the file to \
            begin anew
            """
        }
    }
}
