import JSON
import Weights

/// A family in the form of llama.cpp's converter: the marks of its files, its names there, and the settings that these files lack.
struct GGUFFamily {
    let family: Family
    /// `general.architecture` of the decoder.
    let architecture: String
    /// `clip.audio.projector_type`, or `clip.projector_type`, of the projector.
    let projectors: Set<String>
    let names: GGUFNames
    /// Spellings of the token that a clip replaces; the vocabulary has one of them. Empty if it has none.
    let placeholders: [String]
    /// The decoder's `model_type`, if the family has several kinds.
    var decoder: String?
    /// The published chat template, if converters write one without sound.
    var template: String?
    /// The prefix of the modules for images, which are skipped.
    var sight: String?
    /// Whether the encoder's positions are read. Otherwise they are computed, even if files contain them.
    var storesPositions = false
    /// The seconds of the extractor's window, if positions do not determine it.
    var windowSeconds = 30
    /// Members of `audio_config` beyond those of every encoder.
    var audio: @Sendable (_ projector: GGUF) throws -> JSONObject = { _ in [:] }
    /// Members of the projector's configuration.
    var projection: @Sendable (_ projector: GGUF) throws -> JSONObject = { _ in [:] }
    /// Whether models can also be written as files.
    var isWritten = true

    /// Computes `clip.audio.chunk_size` from a checkpoint's `config.json`.
    var chunk: @Sendable (_ config: JSONValue) throws -> Int? = { _ in nil }

    static let all = [qwen2Audio, qwen25Omni, qwen3ASR, qwen3Omni, voxtral, ultravoxLlama, ultravoxQwen3]

    static let qwen2Audio = GGUFFamily(
        family: .qwen2Audio, architecture: "qwen2", projectors: ["qwen2a"],
        names: GGUFNames(
            decoder: "language_model.model", head: "language_model.lm_head", tower: "audio_tower", norm: "layer_norm",
            projector: ["mm.a.fc": "multi_modal_projector.linear"]),
        placeholders: ["<|AUDIO|>"], storesPositions: true)

    /// `clip.audio.chunk_size` is in log-mel frames; converters omit it if it is the published 200.
    static let qwen25Omni = GGUFFamily(
        family: .qwen25OmniThinker, architecture: "qwen2vl", projectors: ["qwen2.5o", "qwen2a"],
        names: GGUFNames(
            decoder: "thinker.model", head: "thinker.lm_head", tower: "thinker.audio_tower", norm: "ln_post",
            projector: ["mm.a.fc": "thinker.audio_tower.proj"]),
        placeholders: ["<|AUDIO|>", "<|audio_pad|>"], sight: "thinker.visual", windowSeconds: 300,
        audio: { ["n_window": .integer(try $0.integer(chunkKey, in: 2...Claims.sizes.upperBound, default: 200) / 2)] },
        chunk: { 2 * (try ($0.value("thinker_config") ?? $0).integer("audio_config.n_window", default: 100)) })

    /// `clip.audio.chunk_size` is the number of log-mel frames that attend to each other; converters omit it if it is the published 800.
    static let qwen3ASR = GGUFFamily(
        family: .qwen3ASR, architecture: "qwen3vl", projectors: ["qwen3a"],
        names: GGUFNames(
            decoder: "model.language_model", head: "lm_head", tower: "model.audio_tower", norm: "ln_post",
            projector: ["mm.a.mlp.1": "model.multi_modal_projector.linear_1", "mm.a.mlp.2": "model.multi_modal_projector.linear_2"]),
        placeholders: ["<|audio_pad|>", "<|AUDIO|>"], template: chatML, audio: images,
        chunk: { try $0.integer("audio_config.n_window_infer", default: 800) })

    /// One tensor per layer and kind of matrix contains all experts.
    static let qwen3Omni = GGUFFamily(
        family: .qwen3OmniThinker, architecture: "qwen3vlmoe", projectors: ["qwen3a"],
        names: GGUFNames(
            decoder: "thinker.model", head: "thinker.lm_head", tower: "thinker.audio_tower", norm: "ln_post",
            projector: ["mm.a.mlp.1": "thinker.audio_tower.proj1", "mm.a.mlp.2": "thinker.audio_tower.proj2"]),
        placeholders: ["<|audio_pad|>", "<|AUDIO|>"], sight: "thinker.visual", audio: images, isWritten: false)

    /// The prompt is always mistral-common's; the decoder's template is ignored.
    static let voxtral = GGUFFamily(
        family: .voxtral, architecture: "llama", projectors: ["voxtral"],
        names: GGUFNames(
            decoder: "language_model.model", head: "language_model.lm_head", tower: "audio_tower", norm: "layer_norm",
            projector: ["mm.a.mlp.1": "multi_modal_projector.linear_1", "mm.a.mlp.2": "multi_modal_projector.linear_2"]),
        placeholders: ["[AUDIO]"], storesPositions: true, isWritten: false)

    static let ultravoxLlama = ultravox(over: "llama", architecture: "llama")
    static let ultravoxQwen3 = ultravox(over: "qwen3", architecture: "qwen3")

    /// The decoder's files are those of the base model. The converter supports releases from 0.5 on, whose projector has `ln_mid`.
    private static func ultravox(over decoder: String, architecture: String) -> GGUFFamily {
        GGUFFamily(
            family: .ultravox, architecture: architecture, projectors: ["ultravox"],
            names: GGUFNames(
                decoder: "language_model.model", head: "language_model.lm_head", tower: "audio_tower", norm: "layer_norm",
                projector: [
                    "mm.a.mlp.1": "multi_modal_projector.linear_1", "mm.a.mlp.2": "multi_modal_projector.linear_2",
                    "mm.a.norm_pre": "multi_modal_projector.ln_pre", "mm.a.norm_mid": "multi_modal_projector.ln_mid",
                ]),
            placeholders: [], decoder: decoder, storesPositions: true,
            projection: { projector in
                guard let inner = projector.tensors["mm.a.mlp.1.weight"]?.shape.first else {
                    throw ModelError("\(projector.path): expected a matrix mm.a.mlp.1.weight, found none")
                }
                return [
                    "stack_factor": .integer(try projector.integer("clip.audio.projector.stack_factor", in: 1...1024)),
                    "hidden_size": .integer(inner), "projector_ln_mid": true,
                ]
            }, isWritten: false)
    }

    /// The configuration of encoders over images of chunks.
    private static let images: @Sendable (GGUF) throws -> JSONObject = { projector in
        var members: JSONObject = ["n_window_infer": .integer(try projector.integer(chunkKey, in: Claims.sizes, default: 800))]
        members["n_window"] = .integer(50)
        if let channels = projector.tensors["a.conv2d.1.weight"]?.shape.first { members["downsample_hidden_size"] = .integer(channels) }
        return members
    }

    /// Qwen3-ASR's turns: first the system's, which may be empty; a clip stands between its two tokens.
    private static let chatML = #"""
        {%- if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n<|im_end|>\n' }}{% endif %}
        {%- for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}
        {%- if message['content'] is string %}{{ message['content'] }}
        {%- else %}{%- for part in message['content'] %}
        {%- if part['type'] == 'audio' %}{{ '<|audio_start|><|audio_pad|><|audio_end|>' }}{%- else %}{{ part['text'] }}{%- endif %}
        {%- endfor %}{%- endif %}{{ '<|im_end|>\n' }}
        {%- endfor %}{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{%- endif %}
        """#

    /// The chat template of a pair: the decoder's if it writes the placeholder, otherwise the family's.
    func chatTemplate(of decoder: GGUF) throws -> String {
        if let own = family.chatTemplate { return own }
        let source = try decoder.string("tokenizer.chat_template", default: template)
        if placeholders.isEmpty || placeholders.contains(where: source.contains) { return source }
        guard let template else {
            throw decoder.error(
                "tokenizer.chat_template", expected: "a template that writes \(placeholders.joined(separator: " or ")) for a clip",
                found: "one that knows no sound")
        }
        return template
    }

    static let chunkKey = "clip.audio.chunk_size"

    /// The family of a pair of files.
    static func of(_ decoder: GGUF, _ projector: GGUF) throws -> GGUFFamily {
        let architecture = try decoder.string("general.architecture")
        let kind = try projectorKind(projector)
        if let found = all.first(where: { $0.architecture == architecture && $0.projectors.contains(kind) }) { return found }
        let pairs = all.map { "\($0.architecture) with \($0.projectors.sorted().joined(separator: " or ")) (\($0.family.rawValue))" }
        throw ModelError(
            """
            \(decoder.path) is a decoder of the architecture \(architecture), \(projector.path) a projector of the type \(kind); \
            expected \(pairs.joined(separator: ", "))
            """)
    }

    /// The projector's kind. A file may also contain a projector for images.
    private static func projectorKind(_ file: GGUF) throws -> String {
        let architecture = try file.string("general.architecture")
        guard architecture == "clip" else {
            throw ModelError("\(file.path): expected a projector, of the architecture clip, found \(architecture); is it a decoder?")
        }
        return try file.string("clip.audio.projector_type", default: file.string("clip.projector_type", default: "none"))
    }
}

extension GGUFFamily {
    /// The layout of a family's models; nil if GGUF has none.
    init?(of family: any ModelFamily.Type) {
        guard let layout = Self.all.first(where: { ObjectIdentifier($0.family.definition) == ObjectIdentifier(family) }) else {
            return nil
        }
        self = layout
    }
}

extension Family {
    /// Whether its models can also be read from GGUF.
    package var isInGGUF: Bool { GGUFFamily(of: definition) != nil }
}
