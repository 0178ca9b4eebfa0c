import API
import Audio
import Evaluation
import Foundation
import Generation
import HTTP
import Models
import Objectives
import Tensors
import Tokenization
import Training
import Workers

/// `POST /v1/gap/inspect`: one question spoken and typed, compared along one answer.
///
///     audio, text → two prompts → answer (given, or greedy from the audio) → both distributions at every token → D_t, w_t
enum InspectRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        router.post("/v1/gap/inspect", scope: .measure) { request in
            try await refusing {
                let wanted = try WireDecoder.decode(InspectRequest.self, from: Data(request.body))
                return .json(try WireEncoder.encode(try await inspect(wanted, server)))
            }
        }
    }

    private static func inspect(_ wanted: InspectRequest, _ server: ServerState) async throws -> Inspection {
        let start = ContinuousClock.now
        let runtime = try server.runtime
        let entry = try runtime.versions.entry(wanted.model)
        let objective = wanted.objective.loss
        let spoken = try await prompt(wanted.audio, server)
        let typed = try await runtime.prompt([ChatMessage(role: .user, text: wanted.text)])
        let heard = start.secondsUntilNow
        let (answer, timings) = try await answer(wanted, spoken, entry, runtime)
        let longest = max(spoken.tokens.count, typed.tokens.count) + answer.count
        guard longest <= runtime.model.model.contextLength else {
            throw HTTPError(
                400, "continuation: prompt and answer have \(longest) tokens; the model's context is \(runtime.model.model.contextLength).",
                parameter: "continuation", code: "context_length_exceeded")
        }
        let model = runtime.model
        let compared = try await runtime.queues.reports.run {
            model.compare(answer, student: spoken, teacher: typed, version: entry.version, teacherVersion: entry.version, top: wanted.top)
        }
        let total = start.secondsUntilNow
        return inspection(
            compared, objective, wanted, entry, runtime,
            CordExtension(
                weightVersion: entry.versionID, audio: spoken.clips.map { HeardAudio($0) },
                timings: Timings(
                    queue: timings.queued, audio: heard + timings.encoding, prefill: max(0, timings.firstToken - timings.queued),
                    decode: max(0, timings.total - timings.firstToken), firstToken: heard + timings.firstToken, total: total)))
    }

    private static func prompt(_ audio: API.AudioSource, _ server: ServerState) async throws -> Prompt {
        let runtime = try server.runtime
        if case .data(let data) = audio {
            return try await runtime.prompt([ChatMessage(role: .user, content: [.inputAudio(data, format: nil)])])
        }
        // Uploads and paths belong to the data folder.
        let sound = try server.workshop.clips.sound(audio)
        let model = runtime.model
        let limits = AudioLimits(maxSeconds: runtime.limits.clipSeconds, windowSeconds: model.windowSeconds)
        return try await runtime.queues.hearing.run {
            try model.prompt([Message(role: "user", parts: [.audio(try sound.clip(limits: limits))])])
        }
    }

    private static func answer(
        _ wanted: InspectRequest, _ spoken: Prompt, _ entry: VersionRegistry.Entry, _ runtime: Runtime
    ) async throws -> ([Int32], GenerationTimings) {
        if let text = wanted.continuation {
            try runtime.checkSize(text.utf8.count, parameter: "continuation")
            let tokens = try await runtime.queues.reading.run { try runtime.model.tokens(text) }
            guard !tokens.isEmpty else {
                throw HTTPError(400, "continuation: expected a text with a token; found an empty one.", parameter: "continuation", code: "invalid_value")
            }
            return (tokens, GenerationTimings())
        }
        var options = SamplingOptions.greedy
        options.maxTokens = wanted.maxTokens ?? 200
        let (answers, timings) = try await runtime.engine.complete(
            GenerationRequest(prompt: spoken, options: options, version: entry.version))
        guard !answers[0].tokens.isEmpty else {
            throw HTTPError(422, "The model answers nothing to this clip; give a continuation to walk along.", parameter: "continuation", code: "empty_answer")
        }
        return (answers[0].tokens, timings)
    }

    private static func inspection(
        _ compared: [TokenComparison], _ objective: Objective, _ wanted: InspectRequest, _ entry: VersionRegistry.Entry,
        _ runtime: Runtime, _ cord: CordExtension
    ) -> Inspection {
        let tokenizer = runtime.model.tokenizer
        let divergences = compared.map(\.measures.reverseKL)
        let term = objective.tokenTerm
        let weights = term.weights(divergences: divergences)
        let order = divergences.indices.sorted { (-divergences[$0], $0) < (-divergences[$1], $1) }
        var ranks = [Int](repeating: 0, count: divergences.count)
        for (rank, place) in order.enumerated() { ranks[place] = rank + 1 }
        func words(_ token: Int32) -> (text: String, bytes: [UInt8]) {
            let bytes = Array(tokenizer.bytes(of: Int(token)))
            return (String(decoding: bytes, as: UTF8.self), bytes)
        }
        func top(_ candidates: [(token: Int32, logProbability: Float)]) -> [TopLogprob] {
            candidates.map { candidate in
                let word = words(candidate.token)
                return TopLogprob(token: word.text, logprob: Double(candidate.logProbability), bytes: word.bytes)
            }
        }
        let tokens = compared.enumerated().map { place, token in
            InspectedToken(
                position: place, token: Int(token.token), text: words(token.token).text, divergence: Double(divergences[place]),
                rank: ranks[place], weight: Double(weights[place]), logprobAudio: Double(token.measures.logProbability),
                logprobText: Double(token.measures.teacherLogProbability), entropyAudio: Double(token.measures.entropy),
                entropyText: Double(token.measures.teacherEntropy), topAudio: top(token.studentTop), topText: top(token.teacherTop))
        }
        let values = divergences.map(Double.init)
        let weighted = zip(weights, divergences).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        return Inspection(
            id: "inspect_" + UUID().uuidString.lowercased(), model: entry.name, weightVersion: entry.versionID,
            continuation: tokenizer.decode(compared.map { Int($0.token) }, skipSpecial: true), tokens: tokens,
            divergenceMean: values.reduce(0, +) / Double(values.count), divergenceP80: Percentile.of(values, at: 0.8),
            positionCorrelation: Correlation.pearson(values.indices.map(Double.init), values),
            tokenLoss: weighted * Double(term.reduction.factor(divergences.count)), cord: cord)
    }
}

extension HeardAudio {
    init(_ clip: Prompt.Clip) {
        self.init(
            seconds: clip.source.seconds, sampleRate: clip.source.sampleRate, channels: clip.source.channels,
            audioTokens: clip.slots.count, sha256: clip.source.sha256, format: clip.source.format)
    }
}
