package import Foundation

/// A LoRA adapter in the directory layout of Python's peft: `adapter_config.json` and `adapter_model.safetensors`.
///
/// Keys of both generations of transformers are understood (``ModuleName``); modules are given by their canonical names,
/// such as `language_model.model.layers.0.self_attn.q_proj`. Every tensor of the file is in ``updates`` or ``saved``.
package struct PEFTAdapter: Sendable {
    /// The change `scaling · B A` of one linear module's weight [out, in].
    package struct Update: Sendable {
        /// A [r, in].
        package let a: StoredTensor
        /// B [out, r].
        package let b: StoredTensor
        package let scaling: Double
        package var rank: Int { a.shape[0] }
    }

    package let directory: URL
    /// By canonical module name.
    package let updates: [String: Update]
    /// Tensors that replace the base's, from `modules_to_save`, by canonical tensor name.
    package let saved: [String: StoredTensor]
    /// The base model that the adapter says it was made for.
    package let baseModel: String?

    private let untouched: @Sendable ([String]) throws -> [String]

    package init(directory: URL) throws {
        self.directory = directory
        guard let json = try Checkpoint.json("adapter_config.json", in: directory) else {
            throw CheckpointError.missingFile(directory: directory.path, file: "adapter_config.json")
        }
        let configuration = try PEFTConfiguration(json)
        baseModel = try json.value("base_model_name_or_path") == nil ? nil : json.string("base_model_name_or_path")

        let file = try Safetensors(directory.appending(path: "adapter_model.safetensors"))
        var factors: [String: (a: StoredTensor?, b: StoredTensor?)] = [:]
        var saved: [String: StoredTensor] = [:]
        var generation = ModuleName.Generation.transformers4
        for (key, tensor) in file.tensors.sorted(by: { $0.key < $1.key }) {
            guard let name = key.removing(prefix: "base_model.model.").map(String.init) else {
                throw PEFTError.unexpectedTensor(key, reason: "it does not begin with base_model.model")
            }
            if ModuleName.generation(of: name) == .transformers5 { generation = .transformers5 }
            if let module = name.removing(suffix: ".lora_A.weight") {
                factors[String(module), default: (nil, nil)].a = tensor
            } else if let module = name.removing(suffix: ".lora_B.weight") {
                factors[String(module), default: (nil, nil)].b = tensor
            } else if name.contains(".lora_embedding_") {
                throw PEFTError.unexpectedTensor(key, reason: "adapters of embeddings are not supported")
            } else if name.contains(".lora_magnitude_vector") {
                throw PEFTError.unexpectedTensor(key, reason: "DoRA is not supported")
            } else if let dot = name.lastIndex(of: "."), configuration.saves(String(name[..<dot])) {
                saved[ModuleName.canonical(name)] = tensor
            } else {
                throw PEFTError.unexpectedTensor(key, reason: "neither a factor nor in modules_to_save")
            }
        }

        var updates: [String: Update] = [:]
        for (module, factor) in factors.sorted(by: { $0.key < $1.key }) {
            guard let a = factor.a, let b = factor.b else {
                throw PEFTError.missingFactor(module: module, factor: factor.a == nil ? "lora_A" : "lora_B")
            }
            guard configuration.targets(module) else {
                throw PEFTError.unexpectedTensor(a.name, reason: "target_modules does not select \(module)")
            }
            let rank = configuration.rank(of: module)
            guard a.shape.count == 2, b.shape.count == 2, a.shape[0] == rank, b.shape[1] == rank else {
                throw PEFTError.wrongRank(module: module, expected: rank, a: a.shape, b: b.shape)
            }
            updates[ModuleName.canonical(module)] = Update(a: a, b: b, scaling: configuration.scaling(of: module))
        }
        guard !updates.isEmpty || !saved.isEmpty else { throw PEFTError.empty }
        self.updates = updates
        self.saved = saved
        let isTransformers5 = generation == .transformers5
        untouched = { [updates] modules in
            // Patterns are compiled again, since a compiled one may not travel between threads.
            let configuration = try PEFTConfiguration(json)
            return modules.filter { module in
                updates[module] == nil
                    && configuration.targets(isTransformers5 ? ModuleName.transformers5(module) : module)
            }
        }
    }

    /// Checks the adapter against the base's linear modules, given by canonical name with their weights' [out, in]: each
    /// update has its module and fits it, and each module that the configuration selects has its update.
    package func verify(against modules: [String: (outputs: Int, inputs: Int)]) throws {
        for (name, update) in updates.sorted(by: { $0.key < $1.key }) {
            guard let module = modules[name] else { throw PEFTError.noModule(name) }
            guard update.a.shape[1] == module.inputs, update.b.shape[0] == module.outputs else {
                throw PEFTError.wrongShape(
                    module: name, expected: [module.outputs, module.inputs],
                    found: [update.b.shape[0], update.a.shape[1]])
            }
        }
        if let name = try untouched(modules.keys.sorted()).first {
            throw PEFTError.missingFactor(module: name, factor: "lora_A and lora_B")
        }
    }
}

/// Why an adapter cannot be used.
package enum PEFTError: Error, Equatable, CustomStringConvertible {
    case unsupported(field: String, found: String)
    case unexpectedTensor(String, reason: String)
    case missingFactor(module: String, factor: String)
    case wrongRank(module: String, expected: Int, a: [Int], b: [Int])
    case noModule(String)
    case wrongShape(module: String, expected: [Int], found: [Int])
    case empty
    case exists(String)

    package var description: String {
        switch self {
        case .unsupported(let field, let found): "adapter_config.json: \(field) is \(found), which is not supported"
        case .unexpectedTensor(let name, let reason): "adapter tensor \(name): \(reason)"
        case .missingFactor(let module, let factor): "the adapter should change \(module), but has no \(factor) for it"
        case .wrongRank(let module, let expected, let a, let b):
            "\(module): expected factors [\(expected), in] and [out, \(expected)], found \(a) and \(b)"
        case .noModule(let name): "the adapter changes \(name), which the model has not"
        case .wrongShape(let module, let expected, let found):
            "\(module): the model's weight is \(expected), the adapter's change \(found)"
        case .empty: "the adapter changes nothing"
        case .exists(let path): "\(path) exists already; adapters are written once"
        }
    }
}
