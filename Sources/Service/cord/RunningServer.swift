import API
import ArgumentParser
import Foundation
import Server

/// A server that is asked over HTTP, for commands that work on what it keeps.
struct RunningServer: ParsableArguments {
    @Option(help: ArgumentHelp("The server's address.", valueName: "url"))
    var server = "http://127.0.0.1:8080"

    @OptionGroup var credentials: ServerCredentials

    @Flag(help: "Print JSON as the server sent it.")
    var json = false

    func validate() throws { _ = try ServerAddress(server, credentials) }

    /// The decoded answer; `show` prints it unless JSON was asked for.
    func call<Value: Decodable>(
        _ method: String, _ path: String, body: Data? = nil, type: String = "application/json", as: Value.Type = Value.self,
        show: (Value) -> Void
    ) async throws {
        let data = try await bytes(method, path, body: body, type: type)
        if json {
            print(String(decoding: data, as: UTF8.self))
        } else {
            show(try WireDecoder.response(Value.self, from: data))
        }
    }

    /// - Throws: the server's own words where it refuses.
    func bytes(_ method: String, _ path: String, body: Data? = nil, type: String = "application/json") async throws -> Data {
        try await ServerAddress(server, credentials).bytes(method, path, body: body, type: type)
    }

    /// The name itself, or the server's first where none is given.
    func model(_ name: String?) async throws -> String {
        if let name { name } else { try await ServerAddress(server, credentials).firstModel() }
    }

    /// A name as a part of a path.
    static func escaped(_ name: String) -> String {
        name.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(CharacterSet(charactersIn: "-_."))) ?? name
    }

    /// Columns as wide as their widest cell.
    static func table(_ rows: [[String]]) {
        guard let columns = rows.first?.count else { return }
        let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            print(cells.joined(separator: "  ").trimmingSuffix(" "))
        }
    }

    static func time(_ seconds: Int) -> String {
        Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
    }
}

extension String {
    func trimmingSuffix(_ character: Character) -> String {
        var text = Substring(self)
        while text.last == character { text = text.dropLast() }
        return String(text)
    }
}
