import API
import Foundation
import Generation
import HTTP
import Workshop

/// `POST /v1/score`: the likelihood of given continuations of a spoken or typed prompt.
enum ScoreRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        router.post("/v1/score", scope: .ask) { request in
            try await refusing {
                let runtime = try server.runtime
                let wanted = try await runtime.queues.reading(request.body.count) {
                    try WireDecoder.decode(ScoreRequest.self, from: Data(request.body), maxValues: CompletionsRoute.maxValues)
                }
                // The likeliest token at each position tells whether the continuation is the greedy one.
                let scored = try await runtime.score(
                    wanted.continuations.map { RawPrompt($0) }, model: wanted.model, alternatives: max(1, wanted.topLogprobs)
                ) { try await prompt(wanted.prompt, runtime, StoredClips(server, request)) }
                let tokens = scored.continuations.reduce(0) { $0 + $1.count }
                return .json(
                    try await runtime.queues.reading(tokens * 1024) {
                        try WireEncoder.encode(Score(scored, runtime, alternatives: wanted.topLogprobs))
                    })
            }
        }
    }

    private static func prompt(_ wanted: ScoreRequest.Prompt, _ runtime: Runtime, _ clips: StoredClips) async throws -> Prompt {
        switch wanted {
        case .messages(let messages): try await runtime.prompt(try [SubmittedMessage](messages, clips: clips))
        case .raw(let field): Prompt(tokens: try await runtime.tokens(of: RawPrompt(field), at: "prompt"))
        }
    }
}

extension Score {
    init(_ scored: ScoredContinuations, _ runtime: Runtime, alternatives: Int) {
        let (prompt, timings) = (scored.prompt, scored.timings)
        let data = scored.continuations.enumerated().map { index, tokens in
            ContinuationScore(
                index: index, logprob: tokens.reduce(0) { $0 + Double($1.logProbability) },
                isGreedy: tokens.allSatisfy { $0.token == $0.top.first?.token },
                tokens: tokens.map { TokenLogprob($0, runtime.model.tokenizer, alternatives: alternatives) })
        }
        let read = prompt.tokens.count + scored.continuations.reduce(0) { $0 + $1.count }
        self.init(
            id: Runtime.identifier("score-"), created: Int(Date().timeIntervalSince1970), model: scored.model, data: data,
            usage: Usage(prompt, read: read, cached: timings.cachedTokens), systemFingerprint: scored.version,
            cord: CordExtension(
                weightVersion: scored.version, audio: prompt.clips.map { HeardAudio($0) },
                timings: Timings(
                    queue: timings.queued, audio: scored.preparation + timings.encoding,
                    prefill: max(0, timings.total - timings.queued - timings.encoding), decode: 0,
                    firstToken: scored.preparation + timings.total, total: scored.total)))
    }
}
