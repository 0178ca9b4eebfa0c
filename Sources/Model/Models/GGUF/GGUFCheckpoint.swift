import JSON
package import Weights

extension Checkpoint {
    /// Reads two GGUF files as a checkpoint: a decoder, and a projector with the audio encoder (llama.cpp's `--mmproj`).
    ///
    ///     general.*, qwen2.*, clip.audio.*   → config.json, generation_config.json, preprocessor_config.json
    ///     blk.N.attn_q.weight, a.blk.N.ln1 … → tensors by published names
    ///
    /// - Throws: ``GGUFError`` or ``ModelError``, with the file, key or tensor, if the files belong to no served family or not to one model.
    package init(decoder: GGUF, projector: GGUF) throws {
        let family = try GGUFFamily.of(decoder, projector)
        var text = try Self.text(of: decoder, architecture: family.architecture)
        text.config["model_type"] = family.decoder.map { .string($0) }
        let audio = try Self.audio(of: projector, family)
        try Self.requirePair(decoder, text.hiddenSize, projector)
        var config: JSONObject = ["model_type": .string(family.family.rawValue), "text_config": .object(text.config)]
        config["audio_config"] = .object(audio.config)
        config["tie_word_embeddings"] = text.config["tie_word_embeddings"]
        for (member, value) in try Self.members(family.projection(projector)) { config[member] = value }
        if !family.placeholders.isEmpty {
            let slot = try JSONValue.integer(Self.placeholder(of: family, in: decoder))
            config["audio_token_index"] = slot
            config["audio_token_id"] = slot
        }
        let features: JSONObject = [
            "feature_size": .integer(audio.mels), "chunk_length": .integer(audio.seconds), "hop_length": .integer(160),
            "n_fft": .integer(400), "sampling_rate": .integer(16_000),
        ]
        self.init(
            of: decoder.files[0].url, config: .object(config), generationConfig: try Self.generation(of: decoder),
            documents: ["preprocessor_config.json": .object(features), "tokenizer_config.json": try Self.tokens(of: decoder)],
            tensors: try Self.tensors(decoder, projector, family))
    }

    private static func members(_ object: JSONObject) -> [(String, JSONValue)] {
        object.keys.compactMap { key in object[key].map { (key, $0) } }
    }

    /// The end-of-text token, in the form of `tokenizer_config.json`.
    private static func tokens(of file: GGUF) throws -> JSONValue {
        let (key, tokens) = ("tokenizer.ggml.eos_token_id", try file.strings("tokenizer.ggml.tokens"))
        guard file.metadata[key] != nil, !tokens.isEmpty else { return .object([:]) }
        let id = try file.integer(key, in: 0...tokens.count - 1)
        let added: JSONObject = ["\(id)": .object(["content": .string(tokens[id])])]
        return .object(["eos_token": .string(tokens[id]), "added_tokens_decoder": .object(added)])
    }

    /// The chat template of the pair of files.
    package static func chatTemplate(_ decoder: GGUF, _ projector: GGUF) throws -> String {
        try GGUFFamily.of(decoder, projector).chatTemplate(of: decoder)
    }

    private static func text(of file: GGUF, architecture: String) throws -> (config: JSONObject, hiddenSize: Int) {
        func size(_ key: String, in range: ClosedRange<Int> = Claims.sizes, default fallback: Int? = nil) throws -> Int {
            try file.integer(architecture + "." + key, in: range, default: fallback)
        }
        guard let embeddings = file.tensors["token_embd.weight"], embeddings.shape.count == 2 else {
            throw ModelError("\(file.path): expected a matrix token_embd.weight, found none; is it a decoder?")
        }
        let scaling = try file.string(architecture + ".rope.scaling.type", default: "none")
        guard scaling == "none" else {
            throw file.error(architecture + ".rope.scaling.type", expected: "none: scaled positions are not supported", found: scaling)
        }
        let (hidden, heads) = (try size("embedding_length"), try size("attention.head_count"))
        var config: JSONObject = [
            "vocab_size": .integer(embeddings.shape[0]), "hidden_size": .integer(hidden),
            "intermediate_size": .integer(try size("feed_forward_length")),
            "num_hidden_layers": .integer(try size("block_count", in: Claims.layers)), "num_attention_heads": .integer(heads),
            "num_key_value_heads": .integer(try size("attention.head_count_kv", default: heads)),
            "head_dim": .integer(try size("attention.key_length", default: max(1, hidden / heads))),
            "max_position_embeddings": .integer(try size("context_length")),
            "rms_norm_eps": .real(try file.number(architecture + ".attention.layer_norm_rms_epsilon", in: 0...1)),
            "rope_theta": .real(try file.number(architecture + ".rope.freq_base", in: Claims.thetas, default: 10_000)),
            "tie_word_embeddings": .boolean(file.tensors["output.weight"] == nil),
        ]
        if let factors = file.tensors["rope_freqs.weight"] {
            let numbers = try factors.floats().map { JSONValue.real(Double($0)) }
            config["rope_parameters"] = .object(["rope_type": "factors", "factors": .array(numbers)])
        }
        if file.metadata[architecture + ".expert_count"] != nil {
            config["num_experts"] = .integer(try size("expert_count"))
            config["num_experts_per_tok"] = .integer(try size("expert_used_count"))
            config["moe_intermediate_size"] = .integer(try size("expert_feed_forward_length"))
        }
        let last = Int(Int32.max)
        let ends = try ["eos", "eot"].compactMap { name in
            let key = "tokenizer.ggml.\(name)_token_id"
            return try file.metadata[key].map { _ in JSONValue.integer(try file.integer(key, in: 0...last)) }
        }
        config["eos_token_id"] = .array(ends)
        return (config, hidden)
    }

    private static func audio(of file: GGUF, _ family: GGUFFamily) throws -> (config: JSONObject, mels: Int, seconds: Int) {
        func size(_ key: String, in range: ClosedRange<Int> = Claims.sizes) throws -> Int {
            try file.integer("clip.audio." + key, in: range)
        }
        let epsilon = "clip.audio.attention.layer_norm_epsilon"
        guard try file.number(epsilon, in: 0...1, default: 1e-5) == 1e-5 else {
            throw file.error(epsilon, expected: "1e-05", found: "\(try file.number(epsilon, in: 0...1))")
        }
        var config = try family.audio(file)
        let mels = try size("num_mel_bins", in: 1...1024)
        config["num_mel_bins"] = .integer(mels)
        config["d_model"] = .integer(try size("embedding_length"))
        config["encoder_layers"] = .integer(try size("block_count", in: Claims.layers))
        config["encoder_attention_heads"] = .integer(try size("attention.head_count"))
        config["encoder_ffn_dim"] = .integer(try size("feed_forward_length"))
        guard family.storesPositions else { return (config, mels, family.windowSeconds) }
        guard let positions = file.tensors["a.position_embd.weight"], positions.shape.count == 2, positions.shape[0] % 50 == 0 else {
            let shape = file.tensors["a.position_embd.weight"].map { "\($0.shape)" } ?? "none"
            throw ModelError("\(file.path): expected a matrix a.position_embd.weight with 50 rows a second, found \(shape)")
        }
        config["max_source_positions"] = .integer(positions.shape[0])
        return (config, mels, positions.shape[0] / 50)
    }

    /// Requires that the projector's rows have the width of the decoder's embeddings, which they replace.
    private static func requirePair(_ decoder: GGUF, _ hidden: Int, _ projector: GGUF) throws {
        let width = try projector.integer("clip.audio.projection_dim", in: Claims.sizes, default: hidden)
        guard width == hidden else {
            throw ModelError(
                """
                \(projector.path) makes embeddings of \(width) elements, \(decoder.path) takes \(hidden): they are not of one model. Give the \
                projector that was converted from the decoder's checkpoint
                """)
        }
    }

    private static func placeholder(of family: GGUFFamily, in decoder: GGUF) throws -> Int {
        let tokens = try decoder.strings("tokenizer.ggml.tokens")
        for spelling in family.placeholders {
            if let id = tokens.firstIndex(of: spelling) { return id }
        }
        let names = family.placeholders.joined(separator: " or ")
        throw ModelError("\(decoder.path): expected a token \(names), in whose place sound stands, found none; is it a decoder of another model?")
    }

    /// The file's recommended sampling.
    private static func generation(of file: GGUF) throws -> JSONValue {
        var config: JSONObject = [:]
        func number(_ key: String, _ member: String, in range: ClosedRange<Double>) throws {
            guard file.metadata["general.sampling." + key] != nil else { return }
            config[member] = .real(try file.number("general.sampling." + key, in: range))
        }
        try number("temp", "temperature", in: 0...1000)
        try number("top_p", "top_p", in: 0...1)
        try number("min_p", "min_p", in: 0...1)
        try number("penalty_repeat", "repetition_penalty", in: 0...1000)
        if file.metadata["general.sampling.top_k"] != nil {
            config["top_k"] = .integer(try file.integer("general.sampling.top_k", in: 0...Claims.sizes.upperBound))
        }
        if file.metadata["cord.sampling.max_tokens"] != nil {
            config["max_new_tokens"] = .integer(try file.integer("cord.sampling.max_tokens", in: 1...Claims.sizes.upperBound))
        }
        if let temperature = config["temperature"]?.number { config["do_sample"] = .boolean(temperature > 0) }
        return .object(config)
    }

    private static func tensors(_ decoder: GGUF, _ projector: GGUF, _ family: GGUFFamily) throws -> [String: StoredTensor] {
        var tensors: [String: StoredTensor] = [:]
        for file in [decoder, projector] {
            for (name, tensor) in file.tensors {
                // Computed positions need not be read. Frequencies are read with the configuration.
                if name == "a.position_embd.weight" && !family.storesPositions || name == "rope_freqs.weight" { continue }
                let isSight = file.path == projector.path && (name.hasPrefix("v.") || name.hasPrefix("mm.") && !name.hasPrefix("mm.a."))
                let sight = isSight ? family.sight.map { $0 + "." + name } : nil
                if let experts = family.experts(name), tensor.shape.count == 3 {
                    for (index, expert) in tensor.slices().enumerated() { tensors[experts(index)] = expert }
                    continue
                }
                let published = sight ?? family.names.published(name) ?? name
                let tensor = try family.unpaired(tensor, of: decoder) ?? tensor
                guard tensors.updateValue(tensor.flattened, forKey: published) == nil else {
                    throw ModelError("\(decoder.path) and \(projector.path) both have a tensor \(name)")
                }
            }
        }
        return tensors
    }
}

extension StoredTensor {
    /// Files store the biases of convolutions as columns, [out, 1] or [out, 1, 1].
    fileprivate var flattened: StoredTensor {
        name.hasSuffix(".bias") && shape.count > 1 && shape.dropFirst().allSatisfy { $0 == 1 } ? renamed(name, shape: [shape[0]]) : self
    }
}
