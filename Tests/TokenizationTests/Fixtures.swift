import Foundation
import TestSupport
import Tokenization

/// The files that `Tests/Fixtures/tokenization/make.py` writes.
enum Fixtures {
    static let folder = fixtures.appending(path: "tokenization")

    static func object(_ name: String) throws -> [String: Any] {
        let data = try Data(contentsOf: folder.appendingPathComponent(name))
        return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    }

    /// `tokenizer.json` of one pipeline, with changes at the top level or in the model.
    static func file(_ name: String, changing: [String: Any] = [:], model changes: [String: Any] = [:]) throws -> Data {
        let all = try object("pipelines.json")
        let tokenizers = all["tokenizers"] as? [String: [String: Any]] ?? [:]
        var file = tokenizers[name]?["file"] as? [String: Any] ?? [:]
        var model = file["model"] as? [String: Any] ?? [:]
        model["vocab"] = all["vocab"]
        model["merges"] = all["merges"]
        model.merge(changes) { $1 }
        file["model"] = model
        file.merge(changing) { $1 }
        return try JSONSerialization.data(withJSONObject: file)
    }

    /// The texts, by `JSONDecoder`: `JSONSerialization` drops a byte order mark at a string's beginning.
    static func texts() throws -> [String] {
        struct Texts: Decodable { var texts: [String] }
        return try JSONDecoder().decode(Texts.self, from: Data(contentsOf: folder.appendingPathComponent("pipelines.json"))).texts
    }

    static func ids(_ text: String) -> [Int] { text.split(separator: " ").compactMap { Int($0) } }
}

/// JSON of the project's own fixtures as template values, with the order of keys kept.
struct OrderedJSON {
    private let bytes: [UInt8]
    private var index = 0

    static func parse(_ data: Data) -> TemplateValue {
        var parser = OrderedJSON(bytes: Array(data))
        return parser.value()
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func skip() { while bytes[index] == 0x20 || bytes[index] == 0x0A { index += 1 } }

    private mutating func value() -> TemplateValue {
        skip()
        switch bytes[index] {
        case UInt8(ascii: "{"):
            var members: [(key: String, value: TemplateValue)] = []
            index += 1
            skip()
            while bytes[index] != UInt8(ascii: "}") {
                if bytes[index] == UInt8(ascii: ",") { index += 1 }
                skip()
                let key = string()
                skip()
                index += 1
                members.append((key, value()))
                skip()
            }
            index += 1
            return .object(members)
        case UInt8(ascii: "["):
            var items: [TemplateValue] = []
            index += 1
            skip()
            while bytes[index] != UInt8(ascii: "]") {
                if bytes[index] == UInt8(ascii: ",") { index += 1 }
                items.append(value())
                skip()
            }
            index += 1
            return .list(items)
        case UInt8(ascii: "\""):
            return .string(string())
        default:
            let start = index
            while index < bytes.count, !",]} \n".utf8.contains(bytes[index]) { index += 1 }
            let word = String(decoding: bytes[start..<index], as: UTF8.self)
            switch word {
            case "null": return .none
            case "true", "false": return .bool(word == "true")
            default: return Int(word).map(TemplateValue.integer) ?? .number(Double(word) ?? .nan)
            }
        }
    }

    private mutating func string() -> String {
        let start = index
        index += 1
        while bytes[index] != UInt8(ascii: "\"") { index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1 }
        index += 1
        return (try? JSONDecoder().decode(String.self, from: Data(bytes[start..<index]))) ?? ""
    }
}

extension TemplateValue {
    subscript(key: String) -> TemplateValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    var members: [(key: String, value: TemplateValue)] {
        if case .object(let members) = self { members } else { [] }
    }

    var items: [TemplateValue] { if case .list(let items) = self { items } else { [] } }
    var string: String? { if case .text(let text, _) = self { text } else { nil } }
}
