import ArgumentParser
@unsafe @preconcurrency import Dispatch
import Foundation
import Logging
import Synchronization

/// A server's log on standard error, a line a message, as text or as JSON.
struct ServerLog: LogHandler {
    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

    let label: String
    let format: Format
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    init(label: String, format: Format) {
        self.label = label
        self.format = format
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let time = Date()
        let metadata = metadata.merging(event.metadata ?? [:]) { $1 }
        let (level, message, source) = (event.level.rawValue, event.message.description, event.source)
        LogLines.standardError.write { dropped in
            let fields = dropped > 0 ? metadata.merging(["dropped_lines": .stringConvertible(dropped)]) { $1 } : metadata
            let stamp = time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
            let sorted = fields.sorted { $0.key < $1.key }
            switch format {
            case .text:
                let words = sorted.map { " \($0.key)=\($0.value)" }.joined()
                return "\(stamp) \(level) \(label):\(words) [\(source)] \(message)"
            case .json:
                let first = [("time", Self.json(stamp)), ("level", Self.json(level)), ("source", Self.json(source)), ("message", Self.json(message))]
                let members = first + sorted.map { ($0.key, Self.json($0.value)) }
                return "{" + members.map { "\(Self.json($0.0)):\($0.1)" }.joined(separator: ",") + "}"
            }
        }
    }

    /// Integers stay numbers; everything else is told as text.
    private static func json(_ value: Logger.Metadata.Value) -> String {
        if case .stringConvertible(let number as any BinaryInteger) = value { "\(number)" } else { json("\(value)") }
    }

    private static func json(_ text: String) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return (try? encoder.encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    }
}

/// Lines on their way to standard error.
///
///     write ─ line (bounded) ─ queue's thread ─ standard error
///
/// Requests are logged by threads that must not wait, and the reader of the log may be slow or gone. What does not fit is left out and counted.
final class LogLines: Sendable {
    static let standardError = LogLines()

    private static let limit = 10_000
    private let queue = DispatchQueue(label: "cord.log")
    private let state = Mutex((waiting: 0, dropped: 0))

    /// - Parameter line: told how many lines were left out before this one.
    func write(_ line: @escaping @Sendable (_ dropped: Int) -> String) {
        let dropped: Int? = state.withLock { state in
            guard state.waiting < Self.limit else {
                state.dropped += 1
                return nil
            }
            defer { state.dropped = 0 }
            state.waiting += 1
            return state.dropped
        }
        guard let dropped else { return }
        queue.async { [self] in
            try? FileHandle.standardError.write(contentsOf: Data((line(dropped) + "\n").utf8))
            state.withLock { $0.waiting -= 1 }
        }
    }

    /// Waits until what was written before is out, for a second at most.
    func flush() {
        let isOut = DispatchSemaphore(value: 0)
        queue.async { isOut.signal() }
        _ = isOut.wait(timeout: .now() + 1)
    }
}
