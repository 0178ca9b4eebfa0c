import Audio
import Foundation
package import JSON
package import Weights

/// The families of models that can be served, by the `model_type` of their `config.json`.
package enum Family: String, Sendable, CaseIterable {
    case qwen2Audio = "qwen2_audio"
    case audioFlamingo3 = "audioflamingo3"
    case musicFlamingo = "musicflamingo"
    case qwen25Omni = "qwen2_5_omni"
    case qwen25OmniThinker = "qwen2_5_omni_thinker"
    case qwen3ASR = "qwen3_asr"
    case qwen3Omni = "qwen3_omni_moe"
    case qwen3OmniThinker = "qwen3_omni_moe_thinker"
    case voxtral
    case stepAudio2 = "step_audio_2"
    case ultravox

    /// The only switch over families.
    package var definition: any ModelFamily.Type {
        switch self {
        case .qwen2Audio: Qwen2Audio.self
        case .audioFlamingo3: AudioFlamingo3.self
        case .musicFlamingo: MusicFlamingo.self
        case .qwen25Omni, .qwen25OmniThinker: Qwen25Omni.self
        case .qwen3ASR: Qwen3ASR.self
        case .qwen3Omni, .qwen3OmniThinker: Qwen3Omni.self
        case .voxtral: Voxtral.self
        case .stepAudio2: StepAudio2.self
        case .ultravox: Ultravox.self
        }
    }

    /// Published models of the family.
    package var models: String { definition.models }

    /// The licence of its published models.
    package var licence: String { definition.licence }

    /// The seconds of the longest clip of its published models.
    package var longestSeconds: Int { definition.longestSeconds }

    /// Tokens that a second of sound becomes.
    package var tokensPerSecond: Double { definition.tokensPerSecond }

    /// The reference implementation of its log-probabilities, prompts, adapters and gradients, on random checkpoints.
    package var reference: String { definition.reference }

    package var names: ModuleNames { definition.names }

    /// The chat format in Jinja, if the family's checkpoints have none with sound.
    package var chatTemplate: String? { definition.chatTemplate }

    /// - Throws: An error that lists the served families, if the configuration belongs to none of them.
    package init(_ config: JSONValue) throws {
        let type = try config.string("model_type", default: "")
        guard let family = Family(rawValue: type) else {
            throw ModelError(
                "config.json: model_type is \(type.isEmpty ? "missing" : "\"\(type)\""); served families: \(Self.list)")
        }
        self = family
    }

    package static var list: String { allCases.map(\.rawValue).joined(separator: ", ") }
}

/// A family: its names on disk, and the construction of its model from the shared layers. `ADD_A_FAMILY.md` is the guide.
package protocol ModelFamily: SendableMetatype {
    /// Published models.
    static var models: String { get }
    /// Their licence.
    static var licence: String { get }
    /// The seconds of their longest clip.
    static var longestSeconds: Int { get }
    /// Their tokens per second of sound.
    static var tokensPerSecond: Double { get }
    /// The reference implementation.
    static var reference: String { get }
    static var names: ModuleNames { get }
    /// The modules of its checkpoints that are not read, such as those for images, by published path.
    static var passedOver: [String] { get }
    /// The prompt for a transcript, from its model cards or its reference.
    static var transcription: TranscriptionPrompt { get }
    /// The chat format, if its checkpoints have none with sound.
    static var chatTemplate: String? { get }
    /// The placeholder of a clip in a message's text, if its chat formats take only texts. The message's parts are then lines of one text.
    static var soundInText: String? { get }
    /// Parts that its checkpoints may name instead of containing them.
    static var parts: [CheckpointPart] { get }
    /// Reads the parts in the order that numbers their parameters: encoder, projector, decoder.
    static func build(_ reader: ModelReader) throws -> ModelParts
}

extension ModelFamily {
    package static var reference: String { "transformers" }
    package static var passedOver: [String] { [] }
    package static var chatTemplate: String? { nil }
    package static var soundInText: String? { nil }
    package static var parts: [CheckpointPart] { [] }
}

/// The parts that a family reads from a checkpoint.
package struct ModelParts {
    let audio: AudioPath?
    let decoder: Decoder
    let ends: EndTokens
    /// Tokens of the vocabulary that are not text, such as codes of speech. No answer contains them.
    let unwritten: Range<Int32>

    package init(audio: AudioPath?, decoder: Decoder, ends: EndTokens, unwritten: Range<Int32> = 0..<0) {
        (self.audio, self.decoder, self.ends, self.unwritten) = (audio, decoder, ends, unwritten)
    }
}

/// A checkpoint that a model is being read from.
package struct ModelReader {
    /// The weights, under published names.
    package let weights: WeightCursor
    private let checkpoint: Checkpoint
    private let list: ParameterList

    init(_ checkpoint: Checkpoint, weights: WeightCursor, _ storage: WeightStorage) {
        self.checkpoint = checkpoint
        self.weights = weights
        list = ParameterList(storage: storage)
    }

    package var config: JSONValue { checkpoint.config }

    var parameters: [Parameter] { list.all }

    package func table(_ part: Parameter.Part) -> ParameterTable { ParameterTable(part, in: list) }

    /// The checkpoint's log-mel features. Their bins must be the encoder's, and their window too if the encoder stores its positions.
    func extractor(
        for encoder: WhisperEncoderConfiguration, type: String = "WhisperFeatureExtractor", anyWindow: Bool = false
    ) throws -> LogMelExtractor {
        let features = try logMel(type)
        if features.melCount != encoder.mels || !anyWindow && features.windowFrames != 2 * encoder.maxPositions {
            throw ModelError(
                """
                \(features.file): \(features.melCount) mels over \(features.windowFrames) frames; config.json has \(encoder.mels) mels over \
                \(2 * encoder.maxPositions)
                """)
        }
        return LogMelExtractor(features)
    }

    private func logMel(_ type: String) throws -> LogMelConfiguration {
        let name = "preprocessor_config.json"
        guard !checkpoint.isDirectory, let features = try checkpoint.json(name) else {
            return try LogMelConfiguration(directory: checkpoint.folder(of: name), type: type)
        }
        return try LogMelConfiguration(features, file: name, type: type)
    }

    /// The same if the extractor's files may be missing: Whisper's contain no more than its encoder's configuration.
    func features(for encoder: WhisperEncoderConfiguration) throws -> LogMelConfiguration {
        let isHeld =
            try checkpoint.json("preprocessor_config.json") != nil
            || checkpoint.json("processor_config.json")?.value("feature_extractor") != nil
        return try isHeld ? extractor(for: encoder).configuration : LogMelConfiguration(melCount: encoder.mels, file: "config.json")
    }

    /// A token that `tokenizer_config.json` names by its role, such as `eos_token`, with its id.
    func special(_ office: String, vocabulary: Int) throws -> (spelling: String, id: Int32) {
        let settings = try checkpoint.json("tokenizer_config.json") ?? .object([:])
        guard case .string(let spelling)? = [settings.value(office + ".content"), settings.value(office)].compactMap(\.self).first else {
            throw ModelError("tokenizer_config.json: expected \(office), found \(settings.value(office)?.summary ?? "none")")
        }
        let tokens = try checkpoint.json("tokenizer.json")?.array("added_tokens", default: []) ?? []
        if let token = try tokens.first(where: { try $0.string("content", default: "") == spelling }) {
            return (spelling, Int32(try token.integer("id", in: 0...vocabulary - 1)))
        }
        return (spelling, try token(spelling, vocabulary: vocabulary, default: 0))
    }

    /// The id of a token by its spelling in the tokenizer's settings; `fallback` if they do not have it.
    func token(_ spelling: String, vocabulary: Int, default fallback: Int32) throws -> Int32 {
        if let id = try stated(spelling, vocabulary: vocabulary) { return id }
        guard Int(fallback) < vocabulary else {
            throw ModelError("tokenizer_config.json: added_tokens_decoder has no \(spelling), for which the vocabulary has a place")
        }
        return fallback
    }

    /// The same for a token that a vocabulary may lack; nil if it does.
    func stated(_ spelling: String, vocabulary: Int) throws -> Int32? {
        let settings = try checkpoint.json("tokenizer_config.json") ?? .object([:])
        let added = try settings.object("added_tokens_decoder", default: [:])
        for id in added.keys where try added[id]?.string("content", default: "") == spelling {
            guard let number = Int32(id), 0..<vocabulary ~= Int(number) else {
                throw ModelError("tokenizer_config.json: \(spelling) is the token \(id); config.json ends the vocabulary at \(vocabulary - 1)")
            }
            return number
        }
        return nil
    }

    /// A member of the feature extractor's file that not all extractors have.
    func feature(_ member: String, in range: ClosedRange<Int>, default fallback: Int) throws -> Int {
        let processor = try checkpoint.json("processor_config.json") ?? .object([:])
        if processor.value("feature_extractor." + member) != nil { return try processor.integer("feature_extractor." + member, in: range) }
        return try (checkpoint.json("preprocessor_config.json") ?? .object([:])).integer(member, in: range, default: fallback)
    }

    /// The number of whole windows in the processor's `max_audio_len` (seconds); `longest` if it has none.
    func windows(of extractor: LogMelExtractor, longest: Int) throws -> Int {
        let processor = try checkpoint.json("processor_config.json") ?? .object([:])
        let seconds = try processor.integer("max_audio_len", in: 1...Claims.seconds, default: longest)
        let window = extractor.configuration.windowSamples
        guard seconds * AudioClip.sampleRate >= window else {
            throw ModelError("processor_config.json: max_audio_len is \(seconds) s, less than one window")
        }
        return seconds * AudioClip.sampleRate / window
    }
}

/// The tokens that end an answer.
package struct EndTokens: Sendable, Equatable {
    /// The token that ends a turn of the chat format, as the tokenizer spells it.
    package let turn: String
    /// Further tokens that end an answer.
    package let others: [String]
    /// The ids in `config.json`, unchecked.
    package let ids: [Int]

    package init(turn: String, others: [String] = [], ids: [Int] = []) { (self.turn, self.others, self.ids) = (turn, others, ids) }

    /// The end tokens of ChatML, and those that the configuration has at `paths`.
    static func chatML(_ config: JSONValue, _ paths: String...) throws -> EndTokens {
        EndTokens(turn: "<|im_end|>", others: ["<|endoftext|>"], ids: try paths.flatMap { try config.tokens($0) })
    }
}

extension JSONValue {
    /// The ids at a path: one, several, or none if the value is absent or null.
    package func tokens(_ path: String) throws -> [Int] {
        guard let value = value(path) else { return [] }
        if case .array = value { return try integers(path) }
        return value == .null ? [] : [try integer(path)]
    }
}
