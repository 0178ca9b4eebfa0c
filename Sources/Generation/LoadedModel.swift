package import Audio
package import Foundation
package import Models
package import Tokenization
package import Tensors
import Weights

/// How a model is kept and computed (`--dtype`).
package enum ModelPrecision: String, Sendable, CaseIterable {
    /// float32 below a billion parameters; above, bfloat16 where the checkpoint has 16 bits.
    case auto
    /// Arithmetic in float32 on the weights as stored: the numbers of transformers in float32.
    case float32
    /// Weights in bfloat16, activations rounded to bfloat16 in products.
    case bfloat16
    /// Weights in 8 bits with a scale for each 32 elements (Q8_0), activations rounded likewise in products, which are of integers.
    case int8
    /// The same with weights in 4 bits (Q4_0); the output head keeps 8.
    case int4
}

/// A model directory in memory: weights, tokenizer, chat format, feature extractor. Immutable, shared by all sessions.
package final class LoadedModel: Sendable {
    package let directory: URL
    /// The name that clients see.
    package let name: String
    package let model: AudioLanguageModel
    package let tokenizer: Tokenizer
    package let chat: ChatFormat
    package let extractor: LogMelExtractor
    package let precision: ModelPrecision
    /// Tokens that end an answer.
    package let endTokens: Set<Int32>
    /// Sampling as `generation_config.json` has it.
    package let defaults: SamplingOptions
    package let parameterCount: Int
    /// The checkpoint's tensors as stored, by published name: mapped, whatever form the model keeps.
    let stored: [String: StoredTensor]
    package let loadSeconds: Double

    package var arithmetic: Arithmetic {
        switch precision {
        case .auto, .float32: .float32
        case .bfloat16, .int8, .int4: .narrow
        }
    }

    /// Loads a Hugging Face directory. Errors name the file and the field or tensor.
    package init(directory: URL, name: String? = nil, precision: ModelPrecision = .auto) throws {
        let start = ContinuousClock.now
        self.directory = directory
        self.name = name ?? directory.lastPathComponent
        let checkpoint = try Checkpoint(directory: directory)
        let precision = Self.resolve(precision, checkpoint)
        self.precision = precision
        let storage: WeightStorage =
            switch precision {
            case .auto, .float32: .checkpoint
            case .bfloat16: .bfloat16
            case .int8: .int8
            case .int4: .int4
            }
        model = try AudioLanguageModel(checkpoint, storage: storage)
        stored = try checkpoint.canonicalTensors()
        parameterCount = model.parameters.reduce(0) { $0 + $1.shape.reduce(1, *) }
        tokenizer = try Tokenizer(directory: directory)
        chat = ChatFormat(tokenizer: tokenizer, template: try ChatTemplate(directory: directory))
        let configuration = try LogMelConfiguration(directory: directory)
        extractor = LogMelExtractor(configuration)
        try Self.check(configuration, model)
        let generation = checkpoint.generationConfig
        var ends = Set(try Self.integers(generation, "eos_token_id") + Self.integers(checkpoint.config, "text_config.eos_token_id"))
        for token in ["<|im_end|>", "<|endoftext|>"] { if let id = tokenizer.id(of: token) { ends.insert(id) } }
        endTokens = Set(
            try ends.map { id in
                guard let token = Int32(exactly: id), token >= 0 else {
                    throw ModelError("generation_config.json and config.json: eos_token_id is \(id); expected 0 to \(Int32.max)")
                }
                return token
            })
        defaults = try Self.defaults(generation)
        loadSeconds = start.seconds
    }

    private static func resolve(_ precision: ModelPrecision, _ checkpoint: Checkpoint) -> ModelPrecision {
        guard precision == .auto else { return precision }
        let count = checkpoint.tensors.values.reduce(0) { $0 + $1.count }
        let narrow = checkpoint.tensors.values.contains { $0.dtype == .bfloat16 || $0.dtype == .float16 }
        return count >= 1_000_000_000 && narrow ? .bfloat16 : .float32
    }

    private static func check(_ features: LogMelConfiguration, _ model: AudioLanguageModel) throws {
        let encoder = model.encoder.configuration
        if features.melCount != encoder.mels || features.windowFrames != 2 * encoder.maxPositions {
            throw ModelError(
                "\(features.file): \(features.melCount) mels over \(features.windowFrames) frames; config.json has \(encoder.mels) mels over \(2 * encoder.maxPositions)")
        }
    }

    private static func integers(_ json: JSONValue, _ path: String) throws -> [Int] {
        guard let value = json.value(path) else { return [] }
        if case .array = value { return try json.integers(path) }
        return value == .null ? [] : [try json.integer(path)]
    }

    private static func defaults(_ generation: JSONValue) throws -> SamplingOptions {
        var options = SamplingOptions()
        let samples = try generation.boolean("do_sample", default: false)
        options.temperature = samples ? try generation.number("temperature", default: 1) : 0
        options.topK = max(0, try generation.integer("top_k", default: 0))
        options.topP = try generation.number("top_p", default: 1)
        options.minP = try generation.number("min_p", default: 0)
        options.repetitionPenalty = try generation.number("repetition_penalty", default: 1)
        options.maxTokens = try generation.integer("max_new_tokens", default: 512)
        do throws(EngineError) { try options.check() } catch { throw ModelError("generation_config.json: \(error)") }
        return options
    }

    /// Tokens of a conversation, with every clip's placeholder repeated once per audio embedding.
    package func prompt(_ messages: [Message]) throws -> Prompt {
        let chatMessages = messages.map { message in
            ChatMessage(
                role: message.role,
                parts: message.parts.map { part in
                    switch part {
                    case .text(let text): .text(text)
                    case .audio: .audio
                    }
                })
        }
        let clips = messages.flatMap(\.parts).compactMap { part -> AudioClip? in
            if case .audio(let clip) = part { clip } else { nil }
        }
        let ids = try known(try chat.encode(chatMessages))
        return try expand(ids, clips)
    }

    /// Tokens of a text alone.
    package func tokens(_ text: String) throws -> [Int32] { try known(try tokenizer.encode(text)) }

    /// A tokenizer may have more tokens than the model has embeddings.
    private func known(_ ids: [TokenID]) throws -> [Int32] {
        let size = model.decoder.configuration.vocabularySize
        if let other = ids.first(where: { $0 < 0 || $0 >= size }) {
            throw EngineError.unknownToken(other, vocabulary: size)
        }
        return ids.map { Int32($0) }
    }

    /// Replaces each audio placeholder in `ids` by as many as its clip has embeddings.
    package func expand(_ ids: [Int32], _ clips: [AudioClip]) throws -> Prompt {
        let placeholders = ids.count { $0 == model.audioToken }
        guard placeholders == clips.count else {
            throw ModelError("the chat template gives \(placeholders) audio placeholders for \(clips.count) clips")
        }
        let size = model.decoder.configuration.vocabularySize
        if let id = ids.first(where: { $0 < 0 || Int($0) >= size }) {
            throw ModelError("tokenizer.json has the token \(id); config.json ends the vocabulary at \(size - 1)")
        }
        var tokens: [Int32] = []
        var prepared: [Prompt.Clip] = []
        for id in ids {
            guard id == model.audioToken else {
                tokens.append(id)
                continue
            }
            let clip = clips[prepared.count]
            let features = try features(clip)
            let count = model.encoder.tokenCount(frames: features.validFrames)
            guard count > 0 else {
                throw AudioError.tooShort(seconds: clip.seconds)
            }
            prepared.append(
                Prompt.Clip(features: features, slots: tokens.count..<tokens.count + count, source: clip.source))
            tokens += Array(repeating: id, count: count)
        }
        return Prompt(tokens: tokens, clips: prepared)
    }

    /// The log-mel of a clip and of the silence after it that the encoder's convolutions reach.
    private func features(_ clip: AudioClip) throws -> AudioFeatures {
        let hop = extractor.configuration.hop
        let valid = (clip.samples.count + hop - 1) / hop
        let wanted = model.encoder.featureFrames(valid: valid)
        let mel = try extractor.features(clip, extraFrames: max(0, wanted - valid))
        return AudioFeatures(
            logMel: Tensor(mel.values, rows: mel.frameCount, columns: mel.melCount), validFrames: mel.validFrames)
    }

    /// Seconds of sound behind one of its tokens.
    package var secondsPerAudioToken: Double {
        windowSeconds / Double(model.encoder.tokenCount(frames: extractor.configuration.windowFrames))
    }

    /// The most seconds of sound that one clip may have.
    package var windowSeconds: Double {
        Double(extractor.configuration.windowSamples) / Double(AudioClip.sampleRate)
    }
}
