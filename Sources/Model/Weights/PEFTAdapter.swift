package import Foundation
package import JSON

/// A LoRA adapter in the directory layout of Python's peft: `adapter_config.json` and `adapter_model.safetensors`.
///
/// It reads the keys of every generation of transformers. Modules have their published names (``ModuleNames``). Every tensor
/// of the file is in ``updates``, ``saved`` or ``copies``.
package struct PEFTAdapter: Sendable {
    /// The change `scaling · B A` of one linear module's weight [out, in].
    package struct Update: Sendable {
        /// A [r, in].
        package let a: StoredTensor
        /// B [out, r].
        package let b: StoredTensor
        /// Finite in float32.
        package let scaling: Double
        package var rank: Int { a.shape[0] }
    }

    package let directory: URL
    /// By published module name.
    package let updates: [String: Update]
    /// Tensors that replace the base's, from `modules_to_save`, by published tensor name.
    package let saved: [String: StoredTensor]
    /// Tensors that should be the base's own, which peft stores beside the factors of embeddings and output heads, by published tensor
    /// name. peft writes them over the base's, so an adapter works as trained only if they are equal.
    package let copies: [String: StoredTensor]
    /// The base model that the adapter says it was made for.
    package let baseModel: String?
    package var settings: AdapterSettings { configuration.settings }

    private let configuration: PEFTConfiguration
    private let names: ModuleNames
    /// The column of ``names`` that the adapter's keys have.
    private let column: Int

    /// - Parameter names: The names of the base's modules.
    package init(directory: URL, names: ModuleNames) throws {
        self.directory = directory
        self.names = names
        guard let json = try Checkpoint.json("adapter_config.json", in: directory, limit: 4 << 20) else {
            throw CheckpointError.missingFile(directory: directory.path, file: "adapter_config.json")
        }
        do {
            configuration = try PEFTConfiguration(json)
            baseModel = try json.value("base_model_name_or_path") == nil ? nil : json.string("base_model_name_or_path")
        } catch let error as JSONError {
            throw PEFTError.field(error)
        }

        let file = try Self.file(in: directory)
        guard file.tensors.count <= Self.tensorLimit else {
            throw PEFTError.tooMany(tensors: file.tensors.count, limit: Self.tensorLimit)
        }
        var factors: [String: (a: StoredTensor?, b: StoredTensor?)] = [:]
        var saved: [String: StoredTensor] = [:]
        var copies: [String: StoredTensor] = [:]
        var column = 0
        var adapters: Set<String> = []
        let plain = ModuleNames.withoutWrappers(file.tensors.keys, prefixes: ["module."])
        for (key, tensor) in file.tensors.sorted(by: { $0.key < $1.key }) {
            let name = try PEFTTensorName(plain[key] ?? key)
            column = max(column, names.column(of: name.name) ?? 0)
            if let adapter = name.adapter { adapters.insert(adapter) }
            let published = names.published(name.name)
            let former: StoredTensor?
            switch name.role {
            case .a:
                former = factors[name.name]?.a
                factors[name.name, default: (nil, nil)].a = tensor
            case .b:
                former = factors[name.name]?.b
                factors[name.name, default: (nil, nil)].b = tensor
            case .saved: former = saved.updateValue(tensor, forKey: published)
            case .plain where configuration.saves(Self.module(of: name.name)): former = saved.updateValue(tensor, forKey: published)
            case .plain, .base: former = copies.updateValue(tensor, forKey: published)
            }
            if let former { throw PEFTError.unexpectedTensor(key, reason: "\(former.name) is the same to the model") }
        }
        guard adapters.count <= 1 else { throw PEFTError.severalAdapters(adapters.sorted()) }

        var updates: [String: Update] = [:]
        for (module, factor) in factors.sorted(by: { $0.key < $1.key }) {
            guard let a = factor.a, let b = factor.b else {
                throw PEFTError.missingFactor(module: module, factor: factor.a == nil ? "lora_A" : "lora_B")
            }
            guard try configuration.targets(module) else {
                throw PEFTError.unexpectedTensor(a.name, reason: "target_modules does not select \(module)")
            }
            let rank = try configuration.rank(of: module)
            guard a.shape.count == 2, b.shape.count == 2, a.shape[0] == rank, b.shape[1] == rank else {
                throw PEFTError.wrongRank(module: module, expected: rank, a: a.shape, b: b.shape)
            }
            try a.requireFinite()
            try b.requireFinite()
            updates[names.published(module)] = Update(a: a, b: b, scaling: try configuration.scaling(of: module))
        }
        guard !updates.isEmpty || !saved.isEmpty else { throw PEFTError.empty }
        for tensor in saved.values { try tensor.requireFinite() }
        self.updates = updates
        self.saved = saved
        self.copies = copies
        self.column = column
    }

    /// Far more tensors than any model has modules.
    private static let tensorLimit = 1 << 14

    private static func module(of tensor: String) -> String { String(tensor[..<(tensor.lastIndex(of: ".") ?? tensor.endIndex)]) }

    /// The weights, or why there are none.
    private static func file(in directory: URL) throws -> Safetensors {
        let path = directory.appending(path: "adapter_model.safetensors")
        guard FileManager.default.fileExists(atPath: path.path) else {
            if FileManager.default.fileExists(atPath: directory.appending(path: "adapter_model.bin").path) { throw PEFTError.pickle }
            throw CheckpointError.missingFile(directory: directory.path, file: "adapter_model.safetensors")
        }
        return try Safetensors(path)
    }

    /// Checks the adapter against the base's linear modules, given by published name with their weights' [out, in]: each
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
        for name in modules.keys.sorted() where updates[name] == nil {
            if try configuration.targets(names.name(of: name, column: column)) {
                throw PEFTError.missingFactor(module: name, factor: "lora_A and lora_B")
            }
        }
    }
}

/// Why an adapter cannot be used.
package enum PEFTError: Error, Equatable, CustomStringConvertible {
    /// The configuration is malformed.
    case field(JSONError)
    case pattern(field: String, reason: String)
    case scaling(field: String, module: String, alpha: Double, rank: Int, stabilized: Bool)
    case unsupported(field: String, found: String)
    case pickle
    case severalAdapters([String])
    case unexpectedTensor(String, reason: String)
    case missingFactor(module: String, factor: String)
    case wrongRank(module: String, expected: Int, a: [Int], b: [Int])
    case noModule(String)
    case wrongShape(module: String, expected: [Int], found: [Int])
    case tooMany(tensors: Int, limit: Int)
    case empty
    case exists(String)

    package var description: String {
        switch self {
        case .field(let error): "adapter_config.json: \(error)"
        case .pattern(let field, let reason): "adapter_config.json: \(field): \(reason)"
        case .scaling(let field, let module, let alpha, let rank, let stabilized):
            "adapter_config.json: \(field) \(alpha) over \(stabilized ? "√" : "")r \(rank) scales the change of \(module) beyond float32"
        case .unsupported(let field, let found): "adapter_config.json: \(field) is \(found), which is not supported"
        case .pickle:
            "adapter_model.bin is a pickle, which can run code; convert it beside itself: "
                + CheckpointError.conversion(from: "adapter_model.bin", to: "adapter_model.safetensors")
        case .severalAdapters(let names):
            "the tensors belong to several adapters, \(names.joined(separator: ", ")); save each by itself"
        case .unexpectedTensor(let name, let reason): "adapter tensor \(name): \(reason)"
        case .missingFactor(let module, let factor): "the adapter should change \(module), but has no \(factor) for it"
        case .wrongRank(let module, let expected, let a, let b):
            "\(module): expected factors [\(expected), in] and [out, \(expected)], found \(a) and \(b)"
        case .noModule(let name): "the adapter changes \(name), which the model has not"
        case .wrongShape(let module, let expected, let found):
            "\(module): the model's weight is \(expected), the adapter's change \(found)"
        case .tooMany(let tensors, let limit): "the adapter has \(tensors) tensors, more than the \(limit) allowed"
        case .empty: "the adapter changes nothing"
        case .exists(let path): "\(path) exists already; adapters are written once"
        }
    }
}
