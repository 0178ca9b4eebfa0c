import Foundation
import JSON
import Jobs
import Synchronization

/// The answers of a batch on the disk, a line each as they come: number, whether it was refused, and the line of the file that it goes to.
///
/// A process that is killed leaves at most half a line at the end, which is dropped; its request is asked again.
final class BatchAnswers: Sendable {
    struct Line: Sendable {
        let index: Int
        let isRefused: Bool
        /// JSON, without the line's end.
        let json: Data

        /// - Parameters:
        ///   - reply: the status and the JSON that answered; nil where nothing did.
        init(_ index: Int, _ customID: String?, reply: BatchReply?, error: BatchLineError? = nil) {
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
    private let refused: Mutex<[Int: Bool]>

    /// Goes on with what the file has.
    init(_ file: URL) throws {
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
        self.refused = Mutex(refused)
        handle = try FileHandle(forWritingTo: file)
        try handle.truncate(atOffset: UInt64(whole.count))
        try handle.seekToEnd()
    }

    deinit { try? handle.close() }

    /// How many were answered, and how many refused.
    var counts: (completed: Int, failed: Int) {
        refused.withLock { lines in
            let failed = lines.values.count { $0 }
            return (lines.count - failed, failed)
        }
    }

    func has(_ index: Int) -> Bool { refused.withLock { $0[index] != nil } }

    /// Appends a line, which is on the disk when this returns.
    func append(_ line: Line) throws {
        try refused.withLock { lines in
            guard lines.updateValue(line.isRefused, forKey: line.index) == nil else { return }
            try handle.write(contentsOf: line.text)
            try handle.synchronize()
        }
    }

    /// Hands the lines of one of the two files to `write`, in the order of the requests.
    func pass(refused: Bool, to write: (Data) throws -> Void) throws {
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
