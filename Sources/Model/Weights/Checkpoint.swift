import Files
package import Foundation
package import JSON

/// A model directory in the Hugging Face layout: `config.json`, perhaps `generation_config.json`, and the tensors of
/// `model.safetensors` or of the shards that `model.safetensors.index.json` lists.
package struct Checkpoint: Sendable {
    package let directory: URL
    package let config: JSONValue
    /// `generation_config.json`; an empty object if the directory has none.
    package let generationConfig: JSONValue
    /// Every tensor by its stored name.
    package let tensors: [String: StoredTensor]
    /// The JSON documents of a checkpoint that is not a directory; nil for a directory.
    private let documents: [String: JSONValue]?
    /// Directories that hold parts of the model.
    package let parts: [PartDirectory]

    /// Creates a checkpoint from other files; `documents` has the contents of a directory's JSON files by name.
    package init(
        of file: URL, config: JSONValue, generationConfig: JSONValue, documents: [String: JSONValue], tensors: [String: StoredTensor]
    ) {
        directory = file
        self.config = config
        self.generationConfig = generationConfig
        self.documents = documents
        self.tensors = tensors
        parts = []
    }

    /// The checkpoint with parts from directories of their own: `config` and `tensors` are of the whole.
    init(_ own: Checkpoint, parts: [PartDirectory], config: JSONValue, tensors: [String: StoredTensor]) throws {
        let sampling = "generation_config.json"
        directory = own.directory
        documents = own.documents
        self.parts = parts
        self.config = config
        self.tensors = tensors
        generationConfig = try Self.json(sampling, in: Self.folder(of: sampling, in: directory, parts)) ?? .object([:])
    }

    package init(directory: URL) throws {
        self.directory = directory
        documents = nil
        parts = []
        guard let config = try Self.json("config.json", in: directory) else {
            throw CheckpointError.missingFile(directory: directory.path, file: "config.json")
        }
        self.config = config
        try Self.refuseQuantized(config, in: directory)
        generationConfig = try Self.json("generation_config.json", in: directory) ?? .object([:])
        if Self.exists("model.safetensors", in: directory) {
            tensors = try Safetensors(directory.appending(path: "model.safetensors")).tensors
        } else if let index = try Self.json("model.safetensors.index.json", in: directory) {
            tensors = try Self.sharded(index, in: directory)
        } else {
            throw CheckpointError.noWeights(directory: directory.path, files: Self.otherWeights(in: directory))
        }
    }

    /// A cursor over all tensors under the names that `rename` gives them, with nothing read yet.
    package func weights(renaming rename: (String) -> String = { $0 }) throws -> WeightCursor {
        WeightCursor(try tensors(renaming: rename))
    }

    /// All tensors under the names that `rename` gives them. `rename` sees names without the wrappers of training
    /// (``ModuleNames/withoutWrappers(_:prefixes:)``).
    package func tensors(renaming rename: (String) -> String) throws -> [String: StoredTensor] {
        let plain = ModuleNames.withoutWrappers(tensors.keys)
        let quantized = [".qweight", ".qzeros", ".weight_packed", ".absmax", ".SCB", ".weight_scale"]
        if let tensor = tensors.keys.filter({ name in quantized.contains { name.hasSuffix($0) } }).min() {
            throw CheckpointError.quantized(field: "tensor " + tensor, method: "GPTQ, AWQ, bitsandbytes or the like")
        }
        if let factor = tensors.keys.filter({ $0.contains(".lora_A.") || $0.contains(".base_layer.") }).min() {
            throw CheckpointError.unmerged(tensor: factor)
        }
        var renamed: [String: StoredTensor] = [:]
        for (stored, tensor) in tensors {
            let name = plain[stored] ?? stored
            if let other = renamed.updateValue(tensor, forKey: rename(name)) {
                throw CheckpointError.ambiguousName(
                    rename(name), first: min(name, other.name), second: max(name, other.name))
            }
        }
        return renamed
    }

    /// Another JSON file of the directory, such as `preprocessor_config.json`; nil if there is none.
    package func json(_ file: String) throws -> JSONValue? { try documents.map { $0[file] } ?? Self.json(file, in: folder(of: file)) }

    /// The directory of a file beside the weights: the checkpoint's own, or that of the part that the file belongs to.
    package func folder(of file: String) -> URL {
        Self.folder(of: file, in: directory, parts)
    }

    private static func folder(of file: String, in directory: URL, _ parts: [PartDirectory]) -> URL {
        if exists(file, in: directory) { return directory }
        return parts.first { $0.part.files.contains(file) && exists(file, in: $0.directory) }?.directory ?? directory
    }

    /// Whether the checkpoint is a directory in the Hugging Face layout.
    package var isDirectory: Bool { documents == nil }

    /// Refuses a quantised checkpoint, whose tensors cannot be read as weights, with the name of its scheme.
    private static func refuseQuantized(_ config: JSONValue, in directory: URL) throws {
        for (field, settings) in quantizations(config, at: "") {
            let method = try? settings.string("quant_method", default: settings.string("quant_type", default: "an unnamed method"))
            let bits = (try? settings.integer("bits")).map { " in \($0) bits" } ?? ""
            throw CheckpointError.quantized(field: "config.json: " + field, method: (method ?? settings.summary) + bits)
        }
        // Tools older than that member write separate files.
        for file in ["quantize_config.json", "quant_config.json"] where exists(file, in: directory) {
            throw CheckpointError.quantized(field: file, method: file == "quant_config.json" ? "awq" : "gptq")
        }
    }

    /// Settings of quantised weights, of the whole or of parts of it, by their paths.
    private static func quantizations(_ config: JSONValue, at path: String) -> [(field: String, settings: JSONValue)] {
        guard case .object(let members) = config else { return [] }
        return members.keys.flatMap { key -> [(field: String, settings: JSONValue)] in
            guard let value = members[key], value != .null else { return [] }
            let isQuantized = key == "quantization_config" || key == "compression_config"
            return isQuantized ? [(path + key, value)] : quantizations(value, at: path + key + ".")
        }
    }

    /// Weight files in formats that are not read, sorted.
    private static func otherWeights(in directory: URL) -> [String] {
        let endings = [".bin", ".pt", ".pth", ".ckpt", ".gguf", ".h5", ".msgpack", ".safetensors", ".onnx", ".index.json"]
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        return names.filter { name in name != "training_args.bin" && endings.contains { name.hasSuffix($0) } }.sorted()
    }

    static func exists(_ file: String, in directory: URL) -> Bool {
        FileManager.default.fileExists(atPath: directory.appending(path: file).path)
    }

    /// - Parameter limit: The largest size in bytes.
    static func json(_ file: String, in directory: URL, limit: Int = 256 << 20) throws -> JSONValue? {
        guard exists(file, in: directory) else { return nil }
        do {
            let data = try Data(reading: directory.appending(path: file), options: .mappedIfSafe)
            guard data.count <= limit else {
                throw CheckpointError.unreadable(
                    directory: directory.path, file: file, reason: "it has \(data.count) bytes, more than the \(limit) allowed")
            }
            return try JSONValue(parsing: data)
        } catch let error as CheckpointError {
            throw error
        } catch let error as FileError {
            throw CheckpointError.unreadable(directory: directory.path, file: file, reason: error.reason)
        } catch {
            throw CheckpointError.unreadable(directory: directory.path, file: file, reason: "\(error)")
        }
    }

    /// The tensors of all shards that the index names. As in transformers, names without a tensor do not matter (a needed tensor is missed
    /// when it is read), and unlisted tensors of a shard are present. Of a tensor in several shards, the listed one counts.
    private static func sharded(_ index: JSONValue, in directory: URL) throws -> [String: StoredTensor] {
        func failed(_ reason: String) -> CheckpointError {
            .unreadable(directory: directory.path, file: "model.safetensors.index.json", reason: reason)
        }
        let map = try index.object("weight_map")
        var shards: [String: String] = [:]
        for name in map.keys {
            guard case .string(let shard)? = map[name] else {
                throw failed(
                    "\"weight_map\": expected a file name for \(name), found \(map[name]?.summary ?? "nothing")")
            }
            // The name comes from the checkpoint's author: it may not lead out of the directory.
            guard !shard.utf8.contains(UInt8(ascii: "/")), !shard.utf8.contains(0),
                shard.hasSuffix(".safetensors"), shard.utf8.first != UInt8(ascii: ".")
            else {
                throw failed("expected the name of a safetensors file in the same directory, found \"\(shard)\"")
            }
            shards[name] = shard
        }
        var tensors: [String: StoredTensor] = [:]
        for shard in Set(shards.values).sorted() {
            let file = try Safetensors(directory.appending(path: shard))
            for (name, tensor) in file.tensors where tensors[name] == nil || shards[name] == shard {
                tensors[name] = tensor
            }
        }
        return tensors
    }
}

/// Why a model directory could not be read.
package enum CheckpointError: Error, Equatable, CustomStringConvertible {
    case missingFile(directory: String, file: String)
    case unreadable(directory: String, file: String, reason: String)
    case ambiguousName(String, first: String, second: String)
    case noWeights(directory: String, files: [String])
    case quantized(field: String, method: String)
    case unmerged(tensor: String)
    /// A part whose directory cannot be read.
    case unreadablePart(member: String, directory: String, reason: String)
    /// A part that `config.json` names was not found in any of the possible places.
    case missingPart(member: String, name: String, places: [String])

    package var description: String {
        switch self {
        case .missingFile(let directory, let file) where file.hasPrefix("adapter_"):
            "\(directory) is no adapter: it has no \(file); peft's save_pretrained writes it"
        case .missingFile(let directory, let file):
            "\(directory) is no model directory: it has no \(file); copy it from the published model, or save the model and its processor there with save_pretrained"
        case .noWeights(let directory, let files):
            "\(directory) has neither model.safetensors nor model.safetensors.index.json\(Self.advice(directory, files))"
        case .quantized(let field, let method):
            "\(field): the checkpoint is quantised by \(method), which is not supported; take the model in bfloat16, float16 or float32 (--dtype int8 keeps it in 8 bits)"
        case .unmerged(let tensor):
            "the checkpoint has the tensor \(tensor), of a LoRA adapter that is not merged; save the model after peft's merge_and_unload(), or load the adapter by itself"
        case .missingPart(let member, let name, let places):
            """
            config.json: \(member) is "\(name)", a part of the model with weights and tokenizer of its own; expected its directory as one of \
            \(places.joined(separator: ", ")). Copy or link it there, as by: hf download \(name) --local-dir \(places[0]); or write its path in \
            config.json
            """
        case .unreadablePart(let member, let directory, let reason): "\(member), \(directory): \(reason)"
        case .unreadable(let directory, let file, let reason): "reading \(file) in \(directory): \(reason)"
        case .ambiguousName(let name, let first, let second):
            "tensors \(first) and \(second) are both \(name) to the model"
        }
    }

    /// The files found instead of safetensors, and how to convert them.
    private static func advice(_ directory: String, _ files: [String]) -> String {
        guard !files.isEmpty else { return "" }
        let found = "; it has " + files.prefix(4).joined(separator: ", ") + (files.count > 4 ? ", …" : "")
        if files.contains("pytorch_model.bin") {
            return found + ". Convert it in that directory: " + conversion(from: "pytorch_model.bin", to: "model.safetensors")
        }
        return found
            + ". Convert it: python -c \"import transformers as t; m = t.AutoConfig.from_pretrained('\(directory)').architectures[0]; getattr(t, m).from_pretrained('\(directory)').save_pretrained('OUT')\""
    }

    /// A line of Python that turns pickled tensors into safetensors. Copies part tensors that share memory, which the format does not allow.
    static func conversion(from pickle: String, to file: String) -> String {
        "python -c \"import torch, safetensors.torch as s; s.save_file({k: v.clone().contiguous() for k, v in torch.load('\(pickle)', map_location='cpu', weights_only=True).items()}, '\(file)', metadata={'format': 'pt'})\""
    }
}
