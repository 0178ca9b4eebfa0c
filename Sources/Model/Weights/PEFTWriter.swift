import Files
package import Foundation
import Glibc
import JSON
package import Tensors

/// Writes adapters that Python's peft loads over the newest transformers and that ``PEFTAdapter`` reads back.
package enum PEFTWriter {
    /// The change `scaling · B A` of the linear module with this published name; A [r, in], B [out, r].
    package struct Update {
        let module: String
        let a: Tensor
        let b: Tensor
        let scaling: Double

        package init(module: String, a: Tensor, b: Tensor, scaling: Double) {
            precondition(a.rows == b.columns, "\(module): A \(a.shape) and B \(b.shape) have no rank in common")
            self.module = module
            self.a = a
            self.b = b
            self.scaling = scaling
        }
    }

    /// A tensor that replaces the base's, by published name.
    package struct Saved {
        let name: String
        let shape: [Int]
        let values: Tensor

        package init(name: String, shape: [Int], values: Tensor) {
            self.name = name
            self.shape = shape
            self.values = values
        }

        var module: String { String(name[..<(name.lastIndex(of: ".") ?? name.endIndex)]) }
    }

    /// Writes the directory, which must not exist yet and appears whole or not at all. `metadata` goes into the weight
    /// file. peft needs at least one update, even where modules are saved whole.
    package static func write(
        _ updates: [Update], saved: [Saved] = [], settings: AdapterSettings = AdapterSettings(), names: ModuleNames, baseModel: String?,
        metadata: [String: String] = [:], to directory: URL
    ) throws {
        guard let first = updates.first else { throw PEFTError.empty }
        guard !FileManager.default.fileExists(atPath: directory.path) else { throw PEFTError.exists(directory.path) }

        func alpha(_ update: Update) -> Double { settings.alpha(scaling: update.scaling, rank: update.a.rows) }
        var config: JSONObject = [
            "peft_type": "LORA", "task_type": .null,
            "base_model_name_or_path": baseModel.map { .string($0) } ?? .null,
            "r": .integer(first.a.rows), "lora_alpha": numeral(alpha(first)), "use_rslora": .boolean(settings.isRankStabilized),
            "lora_dropout": .real(settings.dropout),
            "bias": "none", "fan_in_fan_out": false, "init_lora_weights": true, "inference_mode": true,
        ]
        config["target_modules"] = .array(updates.map { .string(names.newest($0.module)) })
        var ranks = JSONObject()
        var alphas = JSONObject()
        for update in updates {
            // Patterns are regular expressions over the end of a path.
            let pattern = names.newest(update.module).split(separator: ".").joined(separator: "\\.")
            if update.a.rows != first.a.rows { ranks[pattern] = .integer(update.a.rows) }
            if alpha(update) != alpha(first) { alphas[pattern] = numeral(alpha(update)) }
        }
        config["rank_pattern"] = .object(ranks)
        config["alpha_pattern"] = .object(alphas)
        let modules = Set(saved.map { names.newest($0.module) }).sorted()
        config["modules_to_save"] = modules.isEmpty ? .null : .array(modules.map { .string($0) })

        var items: [SafetensorsWriter.Item] = []
        for update in updates {
            let prefix = "base_model.model." + names.newest(update.module)
            items.append(.float32(prefix + ".lora_A.weight", update.a))
            items.append(.float32(prefix + ".lora_B.weight", update.b))
        }
        for tensor in saved {
            items.append(
                .float32(
                    "base_model.model." + names.newest(tensor.name), tensor.values, shape: tensor.shape))
        }

        let partial = directory.deletingLastPathComponent()
            .appending(path: ".\(directory.lastPathComponent).partial-\(UInt32.random(in: 0...UInt32.max))")
        Leftovers.add(partial.path)
        defer { Leftovers.remove(partial.path) }
        try FileManager.default.createDirectory(at: partial, withIntermediateDirectories: false)
        do {
            try SafetensorsWriter.write(
                items, metadata: metadata.merging(["format": "pt"]) { own, _ in own },
                to: partial.appending(path: "adapter_model.safetensors"))
            try AtomicFile.write(
                JSONValue.object(config).indentedText, to: partial.appending(path: "adapter_config.json").path)
            guard unsafe rename(partial.path, directory.path) == 0 else {
                throw FileWriteError(path: directory.path, code: errno)
            }
        } catch {
            try? FileManager.default.removeItem(at: partial)
            throw error
        }
        try synchronizeFolder(of: directory.path)
    }

    private static func numeral(_ value: Double) -> JSONValue {
        Int(exactly: value).map { .integer($0) } ?? .real(value)
    }
}
