import Audio
import Files
import Foundation
package import Generation
import Hashing
package import Models
import Tensors
import Tokenization
import Workers

/// The engine in this process, with one weight version and one way to choose tokens.
///
///     clip's bytes → decode → log-mel → prompt     on threads of their own, many at a time
///     prompt → Engine                              which batches all waiting prompts
package struct EngineRespondent: Respondent {
    package let engine: Engine
    package let version: WeightVersion?
    /// The version's name.
    package let versionName: String
    package let decoding: SamplingOptions
    /// The longest clip, in seconds.
    package let maximumSeconds: Double

    package init(
        _ engine: Engine, version: WeightVersion? = nil, versionName: String? = nil, decoding: SamplingOptions = .greedy,
        maximumSeconds: Double = 600
    ) {
        self.engine = engine
        self.version = version
        self.versionName = versionName ?? version?.id ?? "base"
        self.decoding = decoding
        self.maximumSeconds = maximumSeconds
    }

    package var usesDrafts: Bool { engine.limits.drafting != .off }

    package func reply(to question: Asking, seed: UInt64, draft: [Int32]) async throws -> Reply {
        let start = ContinuousClock.now
        var heard: String?
        var question = question
        if case .relayed(let recording) = question {
            let text = try await transcript(of: recording)
            (heard, question) = (text, .typed(text))
        }
        let (answer, tokens) = try await complete(try await prompt(question), seed: seed, draft: draft)
        return Reply(
            text: answer.text, tokens: tokens, seconds: start.duration(to: .now) / .seconds(1), heard: heard,
            draft: usesDrafts ? answer.tokens : [])
    }

    /// The model's transcript of a clip, by the prompt that its family documents. Decoding is greedy even if answers are sampled.
    private func transcript(of recording: QuestionSet.Clip) async throws -> String {
        let limits = limits
        do {
            let clip = try await evaluationWork.run { try Self.clip(recording, limits) }
            return try await Transcriber(engine, version: version, isLowPriority: true).transcript(of: clip).text
        } catch let error as AudioError {
            throw Unaskable(code: error.code, error.description)
        } catch let error as TranscriptionRefusal {
            throw Unaskable(code: "no_transcript", error.description)
        } catch EngineError.promptTooLong(let tokens, let limit) {
            throw Unaskable(code: "prompt_too_long", EngineError.promptTooLong(tokens: tokens, limit: limit).description)
        }
    }

    /// KL(audio ‖ text) at each token of the audio-conditioned answer, which both prompts continue with.
    package func divergence(clip: QuestionSet.Clip, text: String, seed: UInt64) async throws -> [TokenDivergence]? {
        let (spoken, typed) = (try await prompt(.spoken(clip)), try await prompt(.typed(text)))
        let (answer, _) = try await complete(spoken, seed: seed)
        guard !answer.tokens.isEmpty else { return [] }
        let (model, version) = (engine.model, version)
        return try await evaluationWork.run {
            let compared = model.compare(
                answer.tokens, student: spoken, teacher: typed, version: version, teacherVersion: version)
            guard compared.allSatisfy({ $0.measures.reverseKL.isFinite }) else {
                throw Unaskable(code: "no_distribution", EngineError.noDistribution.description)
            }
            return compared.enumerated().map { position, token in
                TokenDivergence(
                    item: "", position: position, token: model.tokenizer.decode([Int(token.token)]),
                    value: Double(token.measures.reverseKL))
            }
        }
    }

    package func identity() async throws -> RespondentIdentity {
        let (engine, version, versionName, decoding) = (engine, version, versionName, decoding)
        return try await evaluationWork.run {
            let model = engine.model
            var settings = decoding.settings
            settings["precision"] = model.dtype
            if engine.limits.cacheFormat != .float32 { settings["kv_cache_dtype"] = engine.limits.cacheFormat.rawValue }
            return RespondentIdentity(
                model: model.name, modelHash: try ModelFingerprint.model(model), weightVersion: versionName,
                weightVersionHash: version.map(ModelFingerprint.version) ?? "base",
                promptTemplateHash: try ModelFingerprint.template(model), decoding: settings, machine: AnsweringMachine.description)
        }
    }

    private var limits: AudioLimits { AudioLimits(maxSeconds: maximumSeconds, windowSeconds: engine.model.windowSeconds) }

    private static func clip(_ recording: QuestionSet.Clip, _ limits: AudioLimits) throws -> AudioClip {
        let bytes = try recording.bytes()
        return try unsafe AudioDecoder.decode(bytes.span.bytes, limits: limits)
    }

    func prompt(_ question: Asking) async throws -> Prompt {
        let (model, limits) = (engine.model, limits)
        return try await evaluationWork.run {
            do {
                switch question {
                case .typed(let text): return try model.prompt([Message(role: "user", parts: [.text(text)])])
                case .nothing: return try model.prompt([Message(role: "user", parts: [])])
                case .spoken(let recording), .relayed(let recording):
                    return try model.prompt([Message(role: "user", parts: [.audio(try Self.clip(recording, limits))])])
                case .accompanied(let recording, let text):
                    return try model.prompt([Message(role: "user", parts: [.audio(try Self.clip(recording, limits)), .text(text)])])
                }
            } catch let error as AudioError {
                throw Unaskable(code: error.code, error.description)
            }
        }
    }

    func complete(_ prompt: Prompt, seed: UInt64, draft: [Int32] = []) async throws -> (Completion, tokens: Int) {
        var options = decoding
        options.seed = seed
        let request = GenerationRequest(prompt: prompt, options: options, version: version, isLowPriority: true, draft: draft)
        while true {
            do {
                let (answers, timings) = try await engine.complete(request)
                return (answers[0], timings.completionTokens)
            } catch EngineError.queueFull {
                // Other requests come first: a measurement waits for them.
                try await Task.sleep(for: .milliseconds(20))
            } catch let error as EngineError {
                switch error {
                case .promptTooLong: throw Unaskable(code: "prompt_too_long", error.description)
                case .tooLargeForCache: throw Unaskable(code: "too_large_for_cache", error.description)
                case .emptyPrompt: throw Unaskable(code: "empty_prompt", error.description)
                case .unknownToken: throw Unaskable(code: "unknown_token", error.description)
                case .noDistribution: throw Unaskable(code: "no_distribution", error.description)
                case .unusableOption, .unfollowableForm, .stopped, .queueFull: throw error
                }
            }
        }
    }
}
