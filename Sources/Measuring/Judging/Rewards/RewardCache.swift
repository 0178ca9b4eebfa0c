import Foundation
import Synchronization

/// Rewards that were given, by the digest of what was asked; in memory, and in a file of JSON lines where one is named.
///
/// Rewards in memory alone are forgotten when they are many.
final class RewardCache: Sendable {
    private struct Line: Codable {
        let key: String
        let rewards: [Float]
    }

    private struct State {
        var known: [String: [Float]] = [:]
        var file: FileHandle?
    }

    private static let limit = 1 << 16
    private let state: Mutex<State>

    init() { state = Mutex(State()) }

    /// Goes on with `file`. A line that a crash cut is dropped: its rollouts are asked about again.
    init(_ file: URL) throws {
        let newline = UInt8(ascii: "\n")
        let lines = ((try? Data(contentsOf: file)) ?? Data()).split(separator: newline).filter {
            (try? JSONDecoder().decode(Line.self, from: $0)) != nil
        }
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(lines.map { $0 + [newline] }.joined()).write(to: file, options: .atomic)
        let handle = try FileHandle(forWritingTo: file)
        try handle.seekToEnd()
        var known: [String: [Float]] = [:]
        for line in lines {
            let line = try JSONDecoder().decode(Line.self, from: line)
            known[line.key] = line.rewards
        }
        state = Mutex(State(known: known, file: handle))
    }

    subscript(key: String) -> [Float]? { state.withLock { $0.known[key] } }

    func add(_ rewards: [Float], for key: String) throws {
        let line = try JSONEncoder().encode(Line(key: key, rewards: rewards)) + [UInt8(ascii: "\n")]
        try state.withLock { state in
            if state.file == nil, state.known.count >= Self.limit { state.known = [:] }
            try state.file?.write(contentsOf: line)
            state.known[key] = rewards
        }
    }
}
