import Foundation
import JSON

/// One request of a batch's file.
struct BatchLine: Sendable {
    /// The line's number, from 0, not counting empty lines.
    let index: Int
    /// The id by which its answer is found; nil if the line has none.
    let customID: String?
    /// The request's JSON, or why it cannot be sent.
    let body: Result<[UInt8], BatchLineError>
}

/// Why a line cannot be sent.
package struct BatchLineError: Error, Sendable {
    let code: String
    let message: String
}

/// The requests of a file, one per line: `{"custom_id", "method", "url", "body"}`. An invalid line is reported in its own answer and does not stop
/// the others.
struct BatchInput: Sendable {
    static let most = 50_000

    private let bytes: Data
    private let ranges: [Range<Int>]
    private let endpoint: String
    /// The lines whose `custom_id` an earlier line has already used.
    private let repeated: Set<Int>
    /// The names of the models that the lines ask.
    let models: Set<String>

    /// - Throws: What `check` throws; ``BatchLineError`` if the file as a whole is invalid.
    init(_ file: URL, endpoint: String, check: () throws -> Void) throws {
        bytes = try Data(contentsOf: file, options: .mappedIfSafe)
        self.endpoint = endpoint
        var ranges: [Range<Int>] = []
        var begin = 0
        while begin < bytes.count {
            try check()
            let end = bytes[begin...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            if bytes[begin..<end].contains(where: { $0 != 0x20 && $0 != 0x0D && $0 != 0x09 }) { ranges.append(begin..<end) }
            if ranges.count > Self.most {
                throw BatchLineError(code: "too_many_requests", message: "The file has more than \(Self.most) requests.")
            }
            begin = end + 1
        }
        guard !ranges.isEmpty else { throw BatchLineError(code: "empty_file", message: "The file has no requests.") }
        self.ranges = ranges
        var (known, repeated, models): (Set<String>, Set<Int>, Set<String>) = ([], [], [])
        for (index, range) in ranges.enumerated() {
            try check()
            let (id, value) = Self.line(bytes[range])
            if let id, !known.insert(id).inserted { repeated.insert(index) }
            if case .string(let model)? = (try? value.get())?["body"]?["model"] { models.insert(model) }
        }
        self.models = models
        self.repeated = repeated
    }

    var count: Int { ranges.count }

    func line(_ index: Int) -> BatchLine {
        let (id, value) = Self.line(bytes[ranges[index]])
        return BatchLine(index: index, customID: id, body: Result { () throws(BatchLineError) in try body(value, id, index) })
    }

    private static func line(_ bytes: Data) -> (customID: String?, value: Result<JSONValue, any Error>) {
        let value = Result { try JSONValue(parsing: bytes) }
        guard case .string(let id)? = (try? value.get())?["custom_id"], (1...512).contains(id.utf8.count) else { return (nil, value) }
        return (id, value)
    }

    private func body(_ value: Result<JSONValue, any Error>, _ id: String?, _ index: Int) throws(BatchLineError) -> [UInt8] {
        func wrong(_ code: String, _ message: String) -> BatchLineError { BatchLineError(code: code, message: "Line \(index + 1): \(message).") }
        let line: JSONValue
        do { line = try value.get() } catch { throw wrong("invalid_json_line", "expected JSON; \(error)") }
        guard case .object(let members) = line else { throw wrong("invalid_json_line", "expected an object; found \(line.summary)") }
        if let other = members.keys.first(where: { !["custom_id", "method", "url", "body"].contains($0) }) {
            throw wrong("unknown_parameter", "unknown member \"\(other.prefix(80))\"; expected custom_id, method, url and body")
        }
        guard id != nil else { throw wrong("invalid_custom_id", "custom_id: expected a string of 1 to 512 bytes") }
        if repeated.contains(index) { throw wrong("duplicate_custom_id", "custom_id: a line before has the same") }
        guard members["method"] == "POST" else { throw wrong("invalid_method", "method: expected \"POST\"") }
        guard members["url"] == .string(endpoint) else { throw wrong("invalid_url", "url: expected \"\(endpoint)\", the batch's endpoint") }
        guard case .object(let body)? = members["body"] else { throw wrong("invalid_request", "body: expected an object") }
        if body["stream"] == true { throw wrong("invalid_request", "body.stream: expected nothing; a batch has whole answers") }
        return Array(JSONValue.object(body).text.utf8)
    }
}
