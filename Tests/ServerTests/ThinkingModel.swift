import CordNano
import Foundation
import Testing

/// cord-nano with a template that opens a block of reasoning, and a vocabulary in which " The" is spelled "</think>".
final class ThinkingModel {
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "cord-\(UUID().uuidString)", directoryHint: .isDirectory)
        try FileManager.default.copyItem(at: CordNano.directory, to: folder)
        let template = folder.appending(path: "chat_template.jinja")
        let opened = "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% else %}<think>\n{% endif %}{% endif %}"
        let source = try String(contentsOf: template, encoding: .utf8)
        try #require(source.hasSuffix("{% endif %}"))
        try (source.dropLast("{% endif %}".count) + opened).write(to: template, atomically: true, encoding: .utf8)
        let tokenizer = folder.appending(path: "tokenizer.json")
        var file = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: tokenizer)) as? [String: Any])
        var model = try #require(file["model"] as? [String: Any])
        var vocabulary = try #require(model["vocab"] as? [String: Int])
        let the: Int = try #require(vocabulary["ĠThe"])
        vocabulary["</think>"] = the
        vocabulary["ĠThe"] = nil
        let merges = try #require(model["merges"] as? [[String]])
        model["merges"] = merges.filter { $0.joined() != "ĠThe" }
        model["vocab"] = vocabulary
        file["model"] = model
        try JSONSerialization.data(withJSONObject: file).write(to: tokenizer)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }
}
