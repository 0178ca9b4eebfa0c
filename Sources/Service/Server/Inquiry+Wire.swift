import API
import Audio
package import Generation
import Judging
import Tokenization
package import Workshop

/// An inquiry's wire objects.
extension Inquiry {
    /// - Parameter reasoning: The number of reasoning tokens.
    package func usage(_ timings: GenerationTimings, reasoning: Int = 0) -> Usage {
        Usage(
            request.prompt, cached: timings.cachedTokens, completionTokens: timings.completionTokens, reasoning: reasoning)
    }

    /// - Parameters:
    ///   - ignored: Request members that the model does not use.
    ///   - answers: For a chat: its answers that announce a final answer.
    package func cord(_ timings: GenerationTimings, ignored: [String] = [], answers: [AnswerParts] = []) -> CordExtension {
        CordExtension(
            weightVersion: version, audio: request.prompt.clips.map { HeardAudio($0) },
            timings: Timings(
                queue: timings.queued, audio: preparation + timings.encoding,
                prefill: max(0, timings.firstToken - timings.queued - timings.encoding),
                decode: max(0, timings.total - timings.firstToken), firstToken: preparation + timings.firstToken,
                total: preparation + timings.total),
            seed: Int(truncatingIfNeeded: request.options.seed), ignored: ignored.isEmpty ? nil : ignored,
            answers: answers.isEmpty ? nil : answers)
    }

    package func logprob(_ value: TokenLogProbability) -> TokenLogprob { TokenLogprob(value, tokenizer) }

    /// The answer apart from its reasoning, as `/v1/answers` and the command line return it.
    package func answer(_ completion: Completion, _ timings: GenerationTimings) -> Answer {
        let split = AnswerSplit(completion.text)
        return Answer(
            id: id, created: created, model: model, weightVersion: version, answer: split.answer,
            reasoning: split.reasoning, text: completion.text, finishReason: .init(completion.finishReason),
            usage: usage(timings), cord: cord(timings))
    }
}

extension Usage {
    init(_ prompt: Prompt, read: Int? = nil, cached: Int, completionTokens: Int = 0, reasoning: Int = 0) {
        let (audio, tokens) = (prompt.audioTokens, read ?? prompt.tokens.count)
        self.init(
            promptTokens: tokens, completionTokens: completionTokens, totalTokens: tokens + completionTokens,
            promptTokensDetails: PromptTokensDetails(audioTokens: audio, cachedTokens: cached, textTokens: tokens - audio),
            completionTokensDetails: CompletionTokensDetails(reasoningTokens: reasoning))
    }
}

extension TokenLogprob {
    init(_ value: TokenLogProbability, _ tokenizer: Tokenizer, alternatives: Int = .max) {
        func words(_ id: Int32) -> (text: String, bytes: [UInt8]) {
            let bytes = Array(tokenizer.bytes(of: Int(id)))
            return (String(decoding: bytes, as: UTF8.self), bytes)
        }
        let chosen = words(value.token)
        self.init(
            token: chosen.text, logprob: Double(value.logProbability), bytes: chosen.bytes,
            topLogprobs: value.top.prefix(alternatives).map { candidate in
                let word = words(candidate.token)
                return TopLogprob(token: word.text, logprob: Double(candidate.logProbability), bytes: word.bytes)
            })
    }
}

extension API.FinishReason {
    init(_ reason: Generation.FinishReason) {
        self =
            switch reason {
            case .stop: .stop
            case .length: .length
            }
    }
}

extension HeardAudio {
    init(_ clip: Prompt.Clip) { self.init(clip.source, tokens: clip.slots.count) }
}
