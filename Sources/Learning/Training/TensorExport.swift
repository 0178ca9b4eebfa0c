package import Foundation
package import Generation
package import Models
import Tensors
import Weights

/// Writes trained weights: adapters in PEFT's layout, whole tensors with the names and layout of published checkpoints.
package enum TensorExport {
    /// Writes a version as a PEFT directory, which must not exist yet. Replaced tensors are saved whole beside the adapters.
    package static func writeAdapter(
        _ version: WeightVersion, of model: AudioLanguageModel, baseModel: String?, metadata: [String: String] = [:],
        to directory: URL
    ) throws {
        let parameters = model.parameters
        let updates = version.adapters.sorted { $0.key < $1.key }.map { index, adapter in
            PEFTWriter.Update(
                module: parameters[index].moduleName, a: adapter.a, b: adapter.b, scaling: Double(adapter.scale))
        }
        let saved = version.replacements.sorted { $0.key < $1.key }.map { index, tensor in
            let parameter = parameters[index]
            return PEFTWriter.Saved(name: parameter.name, shape: parameter.shape, values: parameter.published(tensor))
        }
        try PEFTWriter.write(
            updates, saved: saved, settings: version.settings, names: model.names, baseModel: baseModel, metadata: metadata, to: directory)
    }

    /// Writes all tensors of the model under a version without adapters, as one safetensors file that can replace a checkpoint's. Trained tensors
    /// are in float32, or rounded to bfloat16; the others keep their stored format. A tied output head is written in addition to the embedding,
    /// because transformers' classes for audio language models do not tie them.
    package static func writeTensors(
        _ version: WeightVersion, of model: AudioLanguageModel, narrow: Bool = false, to file: URL
    ) throws {
        guard version.adapters.isEmpty else {
            throw TrainingError.options("version \(version.id) has adapters; write it as an adapter")
        }
        func item(_ parameter: Parameter, _ name: String) -> SafetensorsWriter.Item {
            let tensor = parameter.published(version.replacements[parameter.index] ?? parameter.stored.widened())
            return narrow ? .bfloat16(name, tensor, shape: parameter.shape) : .float32(name, tensor, shape: parameter.shape)
        }
        var items = model.parameters.map { item($0, $0.name) }
        if model.decoder.isTied { items.append(item(model.decoder.embedding.table, model.decoder.headName)) }
        try SafetensorsWriter.write(items, metadata: ["format": "pt"], to: file)
    }

    /// Files beside the weights in the Hugging Face layout that are copied if they exist.
    private static let companions = [
        "config.json", "generation_config.json", "preprocessor_config.json", "processor_config.json", "tokenizer.json",
        "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "chat_template.jinja",
        "chat_template.json", "tekken.json",
    ]

    /// Writes a version's whole weights and its model's companion files as a new directory. The weights are written last, so a directory with
    /// weights is complete.
    package static func writeModel(
        _ version: WeightVersion, of model: LoadedModel, narrow: Bool = false, to directory: URL
    ) throws {
        guard model.files.isEmpty else {
            throw TrainingError.options(
                "\(model.name) comes from GGUF files, which have no configuration to write beside weights; write the version as an adapter")
        }
        let files = FileManager.default
        try files.createDirectory(at: directory, withIntermediateDirectories: true)
        for name in companions {
            guard let data = try model.companion(name) else { continue }
            try data.write(to: directory.appendingPathComponent(name), options: .atomic)
        }
        try writeTensors(version, of: model.model, narrow: narrow, to: directory.appendingPathComponent("model.safetensors"))
    }
}
