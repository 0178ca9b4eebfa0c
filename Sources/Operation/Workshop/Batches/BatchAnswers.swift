package import Foundation
import JSON
import Jobs
import Synchronization

/// The answers of a batch on disk, appended as they arrive. Each line has the request's number, whether it was refused, and the line of the output
/// file.
///
/// A killed process leaves at most a partial line at the end. It is dropped, and its request is sent again.
package final class BatchAnswers: Sendable {
    package struct Line: Sendable {
        let index: Int
        let isRefused: Bool
        /// The JSON of the output line, without a line break.
        let json: Data

        /// - Parameters:
        ///   - reply: The status and JSON of the response; nil if there was none.
        package init(_ index: Int, _ customID: String?, reply: BatchReply?, error: BatchLineError? = nil) {
            self.index = index
            isRefused = reply?.status != 200
            let custom = customID.map { JSONValue.string($0).text } ?? "null"
            let response = reply.map { reply in
                let body = String(decoding: reply.body, as: UTF8.self)
                return #"{"status_code":\#(reply.status),"request_id":"\#(Runtime.identifier("req_"))","body":\#(body)}"#
            }
            let told = error.map { JSONValue.object(["code": .string($0.code), "message": .string($0.message)]).text }
            json = Data(
                #"""
                {"id":"\#(Runtime.identifier("batch_req_"))","custom_id":\#(custom),"response":\#(response ?? "null"),"error":\#(told ?? "null")}
                """#.utf8)
        }

        fileprivate init?(_ text: Data) {
            let parts = text.split(separator: UInt8(ascii: " "), maxSplits: 2)
            guard parts.count == 3, let index = Int(String(decoding: parts[0], as: UTF8.self)) else { return nil }
            (self.index, isRefused, json) = (index, parts[1].elementsEqual("1".utf8), Data(parts[2]))
        }

        fileprivate var text: Data { Data("\(index) \(isRefused ? 1 : 0) ".utf8) + json + Data("\n".utf8) }
    }

    private let file: URL
    private let handle: FileHandle
    private let state: Mutex<State>

    private struct State {
        /// The requests that were answered, and whether each was refused.
        var refused: [Int: Bool]
        /// The length of the complete lines, in bytes.
        var end: UInt64
        /// Whether a failed write may have left bytes behind the end.
        var isTorn = false
    }

    /// Opens the file and continues after its complete lines.
    package init(_ file: URL) throws {
        self.file = file
        let folder = file.deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        if !FileManager.default.fileExists(atPath: file.path) { try Data().write(to: file) }
        let old = try Data(contentsOf: file, options: .mappedIfSafe)
        let whole = old[..<((old.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1)]
        var refused: [Int: Bool] = [:]
        for text in whole.split(separator: UInt8(ascii: "\n")) {
            guard let line = Line(text) else { throw JobFailure(code: "answers_damaged", message: "The batch's answers so far cannot be read.") }
            refused[line.index] = line.isRefused
        }
        state = Mutex(State(refused: refused, end: UInt64(whole.count)))
        handle = try FileHandle(forWritingTo: file)
        try handle.truncate(atOffset: UInt64(whole.count))
        try handle.seekToEnd()
    }

    deinit { try? handle.close() }

    /// The number of requests answered, and of those refused.
    package var counts: (completed: Int, failed: Int) {
        state.withLock { state in
            let failed = state.refused.values.count { $0 }
            return (state.refused.count - failed, failed)
        }
    }

    package func has(_ index: Int) -> Bool { state.withLock { $0.refused[index] != nil } }

    /// Appends a line, which is on disk when this returns. A failed write leaves nothing.
    package func append(_ line: Line) throws {
        try state.withLock { state in
            guard state.refused[line.index] == nil else { return }
            if state.isTorn {
                try handle.truncate(atOffset: state.end)
                try handle.seekToEnd()
            }
            state.isTorn = true
            let text = line.text
            try handle.write(contentsOf: text)
            try handle.synchronize()
            state.isTorn = false
            state.end += UInt64(text.count)
            state.refused[line.index] = line.isRefused
        }
    }

    /// Passes the lines of one of the two output files to `write`, in the order of the requests.
    package func pass(refused: Bool, to write: (Data) throws -> Void) throws {
        let text = try Data(contentsOf: file, options: .mappedIfSafe)
        var places: [(index: Int, range: Range<Int>)] = []
        for part in text.split(separator: UInt8(ascii: "\n")) {
            if let line = Line(part), line.isRefused == refused { places.append((line.index, part.startIndex..<part.endIndex)) }
        }
        for place in places.sorted(by: { $0.index < $1.index }) {
            if let line = Line(text[place.range]) { try write(line.json + Data("\n".utf8)) }
        }
    }
}
