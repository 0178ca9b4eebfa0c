package import API
import Audio
package import Generation
import Judging
import Tokenization
package import Workshop

/// What the wire says of an inquiry.
extension Inquiry {
    package func usage(_ timings: GenerationTimings) -> Usage {
        let audio = request.prompt.audioTokens
        return Usage(
            promptTokens: timings.promptTokens, completionTokens: timings.completionTokens,
            totalTokens: timings.promptTokens + timings.completionTokens,
            promptTokensDetails: PromptTokensDetails(
                audioTokens: audio, cachedTokens: timings.cachedTokens, textTokens: timings.promptTokens - audio),
            completionTokensDetails: CompletionTokensDetails())
    }

    package func cord(_ timings: GenerationTimings) -> CordExtension {
        CordExtension(
            weightVersion: version, audio: request.prompt.clips.map { HeardAudio($0) },
            timings: Timings(
                queue: timings.queued, audio: preparation + timings.encoding,
                prefill: max(0, timings.firstToken - timings.queued - timings.encoding),
                decode: max(0, timings.total - timings.firstToken), firstToken: preparation + timings.firstToken,
                total: preparation + timings.total),
            seed: Int(truncatingIfNeeded: request.options.seed))
    }

    package func logprob(_ value: TokenLogProbability) -> TokenLogprob {
        func words(_ id: Int32) -> (text: String, bytes: [UInt8]) {
            let bytes = Array(tokenizer.bytes(of: Int(id)))
            return (String(decoding: bytes, as: UTF8.self), bytes)
        }
        let chosen = words(value.token)
        return TokenLogprob(
            token: chosen.text, logprob: Double(value.logProbability), bytes: chosen.bytes,
            topLogprobs: value.top.map { candidate in
                let word = words(candidate.token)
                return TopLogprob(token: word.text, logprob: Double(candidate.logProbability), bytes: word.bytes)
            })
    }

    /// The answer apart from its reasoning, as `/v1/answers` and the command line give it.
    package func answer(_ completion: Completion, _ timings: GenerationTimings) -> Answer {
        let split = AnswerSplit(completion.text)
        return Answer(
            id: id, created: created, model: model, weightVersion: version, answer: split.answer,
            reasoning: split.reasoning, text: completion.text, finishReason: .init(completion.finishReason),
            usage: usage(timings), cord: cord(timings))
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
