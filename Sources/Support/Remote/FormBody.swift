package import Foundation

/// A body of `multipart/form-data` (RFC 7578), for routes that take files.
package struct FormBody: Sendable {
    private var data = Data()
    private let boundary = "cord-\(UUID().uuidString)"

    package init() {}

    package mutating func add(_ name: String, _ value: String) {
        begin(name, rest: "")
        data += Data("\(value)\r\n".utf8)
    }

    /// - Parameter filename: without quotes and line ends.
    package mutating func add(_ name: String, filename: String, type: String, _ content: Data) {
        begin(name, rest: "; filename=\"\(filename)\"\r\nContent-Type: \(type)")
        data += content + Data("\r\n".utf8)
    }

    private mutating func begin(_ name: String, rest: String) {
        data += Data("--\(boundary)\r\nContent-Disposition: form-data; name=\"\(name)\"\(rest)\r\n\r\n".utf8)
    }

    var type: String { "multipart/form-data; boundary=\(boundary)" }
    var body: Data { data + Data("--\(boundary)--\r\n".utf8) }
}
