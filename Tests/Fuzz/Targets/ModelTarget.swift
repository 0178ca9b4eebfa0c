import Audio
import Foundation
import Generation
import JSON
import Models
import TestSupport
import Weights

extension FuzzTarget {
    /// `config.json` of a model directory whose tensors are those of a fixture, `preprocessor_config.json` and
    /// `generation_config.json`: the members of one object, by the file's name.
    static let modelConfigurations = FuzzTarget(
        name: "model-configurations",
        seeds: {
            try ["published", "window30"].map { name in
                let parts = try ["config", "generation_config", "preprocessor_config"].map { part in
                    let file = fixtures.appending(path: "qwen2audio/\(name)/\(part).json")
                    return "\"\(part)\":" + String(decoding: try Data(contentsOf: file), as: UTF8.self)
                }
                return Data("{\(parts.joined(separator: ","))}".utf8)
            }
        },
        run: { data in
            guard let parts = try? JSONValue(parsing: data), let scratch = try? ScratchFolder("model") else { return }
            for part in ["config", "generation_config", "preprocessor_config"] {
                guard let value = parts[part] else { continue }
                _ = try? scratch.file(part + ".json", Data(value.text.utf8))
            }
            let source = fixtures.appending(path: "qwen2audio/published")
            let tokenizer = fixtures.deletingLastPathComponent().deletingLastPathComponent()
                .appending(path: "Sources/Model/CordNano/Checkpoint/tokenizer.json")
            for file in [source.appending(path: "model.safetensors"), source.appending(path: "chat_template.jinja"), tokenizer] {
                try? FileManager.default.createSymbolicLink(
                    at: scratch.url.appending(path: file.lastPathComponent), withDestinationURL: file)
            }
            _ = try? LoadedModel(directory: scratch.url, precision: .float32)
        })
}
