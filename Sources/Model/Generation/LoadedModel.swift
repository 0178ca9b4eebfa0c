package import Audio
package import Foundation
import JSON
package import Models
package import Tensors
package import Tokenization
import Weights

/// A model in memory: weights, tokenizer and chat format. Immutable, and shared by all requests.
package final class LoadedModel: Sendable {
    /// A directory in the Hugging Face layout, or a decoder's GGUF file.
    package let directory: URL
    /// The GGUF files with their sizes: the decoder's, then the projector's. Empty for a Hugging Face directory.
    package let files: [(url: URL, byteCount: Int)]
    /// Directories of parts that the model's own directory refers to.
    package let parts: [URL]
    /// The name that clients see.
    package let name: String
    package let model: AudioLanguageModel
    package let tokenizer: Tokenizer
    package let chat: ChatFormat
    /// The precision of the weights: an option's name, or the most frequent format of a quantised file.
    package let dtype: String
    package let arithmetic: Arithmetic
    /// Tokens that end an answer.
    package let endTokens: Set<Int32>
    /// The end token that ends a turn of the chat format.
    package let turnEnd: Int32
    /// Tokens that no answer has: what the vocabulary has beside text, but for what ends an answer.
    let unwritten: [Range<Int32>]
    /// Sampling as `generation_config.json` has it.
    package let defaults: SamplingOptions
    package let parameterCount: Int
    /// The checkpoint's tensors as stored, by published name. They are memory-mapped, whatever form the model keeps.
    let stored: [String: StoredTensor]
    private let checkpoint: Checkpoint
    /// The token that stands for a clip before its slots replace it. It may lie beyond the vocabulary.
    let placeholder: Int32?
    package let loadSeconds: Double

    /// Loads a Hugging Face directory.
    package convenience init(directory: URL, name: String? = nil, precision: ModelPrecision = .auto) throws {
        try self.init(.directory(directory), name: name, precision: precision)
    }

    /// Errors name the file and the field or tensor.
    ///
    /// - Parameter requantizes: Whether `precision` may quantise weights that are already quantised.
    package convenience init(_ files: ModelFiles, name: String? = nil, precision: ModelPrecision = .auto, requantizes: Bool = false) throws {
        try self.init(since: .now, try OpenedModel(files), name: name, precision: precision, requantizes: requantizes)
    }

    package init(
        since start: ContinuousClock.Instant = .now, _ opened: OpenedModel, name: String? = nil, precision: ModelPrecision = .auto,
        requantizes: Bool = false
    ) throws {
        let checkpoint = opened.checkpoint
        self.files = opened.files
        (directory, parts, self.checkpoint) = (checkpoint.directory, checkpoint.parts.map(\.directory), checkpoint)
        self.name = name ?? (checkpoint.isDirectory ? directory : directory.deletingPathExtension()).lastPathComponent
        let width = try ModelWidth(precision, of: checkpoint, requantizes: requantizes)
        (dtype, arithmetic) = (width.name, width.arithmetic)
        model = try AudioLanguageModel(checkpoint, of: opened.family, storage: width.storage)
        stored = try checkpoint.tensors(renaming: model.names.published)
        parameterCount = model.parameters.reduce(0) { $0 + $1.shape.reduce(1, *) }
        tokenizer = opened.tokenizer
        let sound = opened.family.soundInText
        chat = ChatFormat(tokenizer: tokenizer, template: opened.template, soundInText: sound)
        placeholder = sound.flatMap(opened.tokenizer.id(of:)).map(Int32.init) ?? model.audio?.placeholder.token
        let generation = checkpoint.generationConfig
        endTokens = try Self.endTokens(model.ends, generation, tokenizer)
        unwritten = Self.without(endTokens, model.unwritten)
        turnEnd = tokenizer.id(of: model.ends.turn).map(Int32.init) ?? endTokens.min() ?? 0
        defaults = try Self.defaults(generation)
        loadSeconds = start.seconds
    }

    /// A file beside the weights in the model's directory or, if `config.json` names parts, in a part's directory. Nil if neither has it.
    package func companion(_ name: String) throws -> Data? {
        if name == "config.json", !parts.isEmpty { return Data(checkpoint.config.indentedText.utf8) }
        let file = checkpoint.folder(of: name).appending(path: name)
        return FileManager.default.fileExists(atPath: file.path) ? try Data(contentsOf: file) : nil
    }

    private static func endTokens(_ ends: EndTokens, _ generation: JSONValue, _ tokenizer: Tokenizer) throws -> Set<Int32> {
        let named = try generation.tokens("eos_token_id") + ends.ids
        let spelled = ([ends.turn] + ends.others).compactMap { tokenizer.id(of: $0) }
        return Set(
            try (named + spelled).map { id in
                guard let token = Int32(exactly: id), token >= 0 else {
                    throw ModelError("generation_config.json and config.json: eos_token_id is \(id); expected 0 to \(Int32.max)")
                }
                return token
            })
    }

    private static func without(_ tokens: Set<Int32>, _ range: Range<Int32>) -> [Range<Int32>] {
        let cuts = tokens.filter(range.contains).sorted()
        let starts = [range.lowerBound] + cuts.map { $0 + 1 }
        return zip(starts, cuts + [range.upperBound]).map { $0..<$1 }.filter { !$0.isEmpty }
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
        do throws(EngineError) {
            try options.check()
            if options.maxTokens == 0 { throw .unusableOption(name: "max_tokens", expected: "at least 1", found: "0") }
        } catch { throw ModelError("generation_config.json: \(error)") }
        return options
    }

    /// The prompt of a conversation, with every clip's placeholder repeated once per audio embedding.
    ///
    /// - Parameter variables: The chat template's variables beside the messages.
    package func prompt(_ messages: [HeardMessage], variables: [String: TemplateValue] = [:]) throws -> Prompt {
        let ids = try known(try chat.encode(messages.map(TemplateMessage.init), extra: variables))
        return try expand(ids, messages.flatMap(\.sounds))
    }

    /// The tokens of a text.
    package func tokens(_ text: String) throws -> [Int32] { try known(try tokenizer.encode(text)) }

    /// A tokenizer may have more tokens than the model has embeddings.
    func known(_ ids: [TokenID]) throws -> [Int32] {
        let size = model.vocabularySize
        if let other = ids.first(where: { ($0 < 0 || $0 >= size) && Int32(exactly: $0) != placeholder }) {
            throw EngineError.unknownToken(other, vocabulary: size)
        }
        return ids.map { Int32($0) }
    }

    /// Replaces each audio placeholder in `ids` by as many slots as its clip has embeddings.
    package func expand(_ ids: [Int32], _ clips: [AudioClip]) throws -> Prompt {
        guard let audio = model.audio else {
            guard clips.isEmpty else { throw ModelError("\(name) reads text alone; it cannot be given \(clips.count) clips") }
            return Prompt(tokens: ids)
        }
        let placeholders = ids.count { $0 == placeholder }
        guard placeholders == clips.count else {
            throw TemplateError.placeholders(found: placeholders, clips: clips.count)
        }
        let size = model.vocabularySize
        if let id = ids.first(where: { ($0 < 0 || Int($0) >= size) && $0 != placeholder }) {
            throw ModelError("tokenizer.json has the token \(id); config.json ends the vocabulary at \(size - 1)")
        }
        var tokens: [Int32] = []
        var prepared: [Prompt.Clip] = []
        for id in ids {
            guard id == placeholder else {
                tokens.append(id)
                continue
            }
            let clip = clips[prepared.count]
            let segments = try audio.segments(clip)
            let slots = audio.placeholder.write(segments.map { audio.rowCount([$0]) }, to: &tokens)
            prepared.append(Prompt.Clip(segments: segments, slots: slots, source: clip.source))
        }
        return Prompt(tokens: tokens, clips: prepared)
    }

    /// The seconds of sound that one audio token represents; infinite for a model without audio.
    package var secondsPerAudioToken: Double { model.audio?.secondsPerToken ?? .infinity }

    /// The maximum duration of one clip, in seconds.
    package var windowSeconds: Double { model.audio?.longestSeconds ?? 0 }
}
