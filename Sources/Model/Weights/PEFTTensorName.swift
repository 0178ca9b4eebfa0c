/// The parts of a key of `adapter_model.safetensors`.
///
///     base_model.model. … q_proj .lora_A .weight                       as peft saves it
///     base_model.model. … q_proj .lora_A.default .weight               as the model's own state dictionary has it
///     base_model.model. … linear .modules_to_save.default .weight      a copy that was trained
///     base_model.model. … lm_head .base_layer .weight                  the base's own
///
/// Wrappers of training (``ModuleNames/withoutWrappers(_:prefixes:)``) are left out.
struct PEFTTensorName: Equatable {
    enum Role: Equatable {
        case a, b
        /// A tensor that was trained whole, listed in `modules_to_save` or not.
        case saved
        /// The base's own, known by its key.
        case base
        /// Trained whole where `modules_to_save` lists it, else the base's own.
        case plain
    }

    let role: Role
    /// The module of a factor; the tensor otherwise.
    let name: String
    /// The adapter's name, where the key holds it.
    let adapter: String?

    /// - Parameter key: without the wrappers.
    init(_ key: String) throws {
        let parts = key.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.starts(with: ["base_model", "model"]), parts.count > 3 else {
            throw PEFTError.unexpectedTensor(key, reason: "it does not begin with base_model.model")
        }
        let path = parts.dropFirst(2)
        func joined(_ parts: some Sequence<Substring>) -> String { parts.joined(separator: ".") }
        guard let place = path.firstIndex(where: { $0.hasPrefix("lora_") || Self.markers.contains($0) }) else {
            (role, name, adapter) = (.plain, joined(path), nil)
            return
        }
        let (module, marker, rest) = (path[..<place], path[place], path[(place + 1)...])
        switch marker {
        case "lora_A", "lora_B":
            guard rest.last == "weight", rest.count <= 2 else {
                throw PEFTError.unexpectedTensor(key, reason: "a factor has a weight alone")
            }
            (role, name, adapter) = (marker == "lora_A" ? .a : .b, joined(module), rest.count == 2 ? rest.first.map(String.init) : nil)
        case "modules_to_save" where rest.count >= 2:
            (role, name, adapter) = (.saved, joined(module + rest.dropFirst()), rest.first.map(String.init))
        case "base_layer", "original_module":
            (role, name, adapter) = (.base, joined(module + rest), nil)
        case _ where marker.hasPrefix("lora_embedding_"):
            throw PEFTError.unexpectedTensor(key, reason: "adapters of embeddings are not supported")
        case _ where marker.hasPrefix("lora_magnitude_vector"):
            throw PEFTError.unexpectedTensor(key, reason: "DoRA is not supported")
        default: throw PEFTError.unexpectedTensor(key, reason: "neither a factor nor in modules_to_save")
        }
    }

    private static let markers: Set<Substring> = ["modules_to_save", "base_layer", "original_module"]
}
