import Foundation
import TestSupport
import Tokenization

extension FuzzTarget {
    /// `tokenizer.json`, and a text through it: there and, where every byte has a token, back.
    static let tokenizers = FuzzTarget(
        name: "tokenizers", seeds: { try members("tokenization/pipelines.json", keeping: isTokenizer) },
        run: { data in
            guard let tokenizer = try? Tokenizer(data: data), let ids = try? tokenizer.encode("Hello wörld, 12 <|x|> 𝔸") else {
                return
            }
            _ = tokenizer.decode(ids)
        })

    /// Chat templates, rendered within small limits.
    static let templates = FuzzTarget(
        name: "templates",
        seeds: {
            try members("tokenization/templates.json") { ($0 as? String).map { $0.contains("{") ? Data($0.utf8) : nil } ?? nil }
        },
        run: { data in
            var limits = TemplateLimits()
            limits.steps = 50_000
            limits.elements = 50_000
            limits.characters = 500_000
            guard
                let template = try? ChatTemplate(
                    String(decoding: data, as: UTF8.self), constants: [("bos_token", "<s>")], limits: limits)
            else { return }
            let conversation = [
                TemplateMessage(role: "system", "Be brief."), TemplateMessage(role: "user", parts: [.audio, .text("What's that?")]),
                TemplateMessage(role: "assistant", "<think>a</think>b"), TemplateMessage(role: "user", "and then"),
            ]
            _ = try? template.render(conversation)
        })

    private static func isTokenizer(_ value: Any) -> Data? {
        guard let object = value as? [String: Any], object["model"] is [String: Any] else { return nil }
        return try? JSONSerialization.data(withJSONObject: object, options: .sortedKeys)
    }

    /// The values anywhere in a JSON file that `keeping` takes.
    private static func members(_ path: String, keeping: (Any) -> Data?) throws -> [Data] {
        func walk(_ value: Any) -> [Data] {
            if let kept = keeping(value) { return [kept] }
            if let array = value as? [Any] { return array.flatMap(walk) }
            if let object = value as? [String: Any] { return object.sorted { $0.key < $1.key }.flatMap { walk($0.value) } }
            return []
        }
        return walk(try JSONSerialization.jsonObject(with: try Data(contentsOf: fixtures.appending(path: path))))
    }
}
