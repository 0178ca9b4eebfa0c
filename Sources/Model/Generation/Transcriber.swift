package import Audio
import Foundation
package import Models
import Tokenization
import Workers

/// Options of a transcript.
package struct TranscriptionWish: Sendable, Equatable {
    package enum Task: Sendable { case transcribe, translate }

    package var task = Task.transcribe
    /// The spoken language in ISO 639, as in `en`; nil lets the model detect it.
    package var language: String?
    /// Names and terms that may occur.
    package var context: String?
    package var temperature = 0.0

    package init(task: Task = .transcribe, language: String? = nil, context: String? = nil, temperature: Double = 0) {
        self.task = task
        self.language = language
        self.context = context
        self.temperature = temperature
    }
}

/// The transcript of a clip.
package struct Transcript: Sendable, Equatable {
    package var text: String
    /// The language as the model names it; nil if it does not.
    package var language: String?
    /// Whether the answer reached the length limit of such a clip.
    package var isCut = false
    /// The mean log-probability that the model gave the tokens it wrote: how sure it was of them.
    package var certainty = 0.0
}

/// Why a model cannot make the requested transcript.
package enum TranscriptionRefusal: Error, Equatable, CustomStringConvertible {
    case deaf(model: String)
    case noTranslation(model: String)
    case noContext(model: String)

    package var description: String {
        switch self {
        case .deaf(let model): "\(model) reads text alone; it cannot transcribe"
        case .noTranslation(let model): "\(model) does not translate speech: its family documents no words for that"
        case .noContext(let model): "\(model) takes no names or terms beside a clip: its family documents no place for them"
        }
    }
}

/// Transcribes clips with one version of an engine's model, in the words that its family documents (``TranscriptionPrompt``).
package struct Transcriber: Sendable {
    private let engine: Engine
    private let version: WeightVersion?
    private let isLowPriority: Bool

    package init(_ engine: Engine, version: WeightVersion?, isLowPriority: Bool = false) {
        self.engine = engine
        self.version = version
        self.isLowPriority = isLowPriority
    }

    /// The maximum number of tokens per second. Nobody speaks faster, and a model that repeats itself is ended.
    private static let tokensPerSecond = 12.0
    private static let tokensBeside = 64

    /// The longest clip that is transcribed at once, in seconds: what speech recognisers are trained with, limited by the model's window.
    package static func longestClip(_ model: LoadedModel) -> Double {
        // Half of the context is reserved for the transcript.
        let context = Double(model.model.contextLength / 2) * model.secondsPerAudioToken
        return min(30, model.windowSeconds, context)
    }

    /// - Throws: ``TranscriptionRefusal`` for what the model cannot do with any clip.
    package static func check(_ wish: TranscriptionWish, _ model: LoadedModel) throws(TranscriptionRefusal) {
        guard model.model.audio != nil else { throw .deaf(model: model.name) }
        let prompt = model.model.transcription
        if wish.task == .translate && prompt.translate == nil { throw .noTranslation(model: model.name) }
        if wish.context != nil && !prompt.takesContext { throw .noContext(model: model.name) }
    }

    /// - Throws: ``TranscriptionRefusal``, ``EngineError``, or `AudioError` for a clip that is too short or too long.
    package func transcript(of clip: AudioClip, _ wish: TranscriptionWish = TranscriptionWish()) async throws -> Transcript {
        try Self.check(wish, engine.model)
        let (engine, model) = (engine, engine.model)
        let prompt = model.model.transcription
        var options = SamplingOptions.greedy
        options.temperature = wish.temperature
        options.logProbabilities = 0
        options.maxTokens = Int(clip.seconds * Self.tokensPerSecond) + Self.tokensBeside
        let request = GenerationRequest(
            prompt: try await transcriptionWork.run { try model.prompt(for: wish, clip) }, options: options,
            version: version, isLowPriority: isLowPriority)
        let answer = try await engine.complete(waiting: request)
        let beginning = prompt.reading.beginning(language: wish.namedLanguage).map { $0.text + $0.tag } ?? ""
        let (text, named) = prompt.reading.read(beginning + answer.text)
        let certainty = answer.logProbabilities.reduce(0) { $0 + Double($1.logProbability) } / Double(max(1, answer.logProbabilities.count))
        return Transcript(text: text, language: named, isCut: answer.finishReason == .length, certainty: certainty)
    }

}

extension TranscriptionWish {
    /// The language's English name and code.
    fileprivate var namedLanguage: (name: String, code: String)? {
        language.map { (Locale(identifier: "en_US").localizedString(forLanguageCode: $0) ?? $0, $0) }
    }
}

extension LoadedModel {
    /// The prompt with which the family asks for a clip's words.
    package func prompt(for wish: TranscriptionWish, _ clip: AudioClip) throws -> Prompt {
        let (prompt, language) = (model.transcription, wish.namedLanguage)
        let words = wish.task == .translate ? prompt.translate ?? prompt.transcribe : prompt.transcribe
        let user = words.user(language: language?.name)
        var parts = [HeardMessage.Part.audio(clip)]
        if !user.isEmpty { parts.insert(.text(user), at: prompt.place == .beforeClip ? 0 : 1) }
        let system = [words.system, wish.context].compactMap { $0 }.joined(separator: "\n")
        let asked = try self.prompt(
            (system.isEmpty ? [] : [HeardMessage(role: "system", system)]) + [HeardMessage(role: "user", parts: parts)])
        guard let (text, tag) = prompt.reading.beginning(language: language) else { return asked }
        let ids = try tokenizer.encode([TextPiece(text, isTemplate: false), TextPiece(tag, isTemplate: true)])
        return asked.appending(ids.map { Int32($0) })
    }
}

extension Engine {
    /// Waits for a place while the queue is full.
    fileprivate func complete(waiting request: GenerationRequest) async throws -> Completion {
        while true {
            do { return try await complete(request).answers[0] } catch EngineError.queueFull where request.isLowPriority {
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }
}

/// Computes log-mel and prompts of clips away from the engine's thread.
private let transcriptionWork = WorkQueue(name: "transcription", width: 2)
