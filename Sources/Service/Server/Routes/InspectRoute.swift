import API
import Audio
import Encodings
import Evaluation
import Foundation
import Generation
import HTTP
import Objectives
import Tensors
import Tokenization
import Training
import Workers
import Workshop

/// `POST /v1/gap/inspect`: one question, spoken and typed, compared along one answer.
enum InspectRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        router.post("/v1/gap/inspect", scope: .measure) { request in
            try await refusing {
                let wanted = try WireDecoder.decode(InspectRequest.self, from: Data(request.body))
                let runtime = try server.runtime
                let answer = try await runtime.inspect(
                    wanted.text, model: wanted.model, continuation: wanted.continuation, maxTokens: wanted.maxTokens ?? 200,
                    top: wanted.top, objective: wanted.objective.loss
                ) { try await prompt(wanted.audio, server) }
                return .json(try WireEncoder.encode(Inspection(answer, runtime.model.tokenizer)))
            }
        }
    }

    private static func prompt(_ audio: AudioReference, _ server: ServerState) async throws -> Prompt {
        let runtime = try server.runtime
        if case .data = audio {
            return try await runtime.prompt(try [SubmittedMessage]([ChatMessage(role: .user, content: [.inputAudio(audio, format: nil)])]))
        }
        // Uploads and paths belong to the data folder.
        let sound = try server.workshop.clips.sound(ClipReference(audio))
        let model = runtime.model
        let limits = AudioLimits(maxSeconds: runtime.limits.clipSeconds, windowSeconds: model.windowSeconds)
        return try await runtime.queues.hearing.run { cancellation in
            let clip = try sound.clip(limits: limits) { cancellation.isCancelled }
            return try model.prompt([Message(role: "user", parts: [.audio(clip)])])
        }
    }
}

extension Inspection {
    init(_ answer: InspectedAnswer, _ tokenizer: Tokenizer) {
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
        let anatomy = answer.anatomy
        let tokens = answer.tokens.enumerated().map { place, token in
            InspectedToken(
                position: place, token: Int(token.token), text: words(token.token).text, divergence: anatomy.divergences[place],
                rank: anatomy.ranks[place], weight: Double(answer.weights[place]), logprobAudio: Double(token.measures.logProbability),
                logprobText: Double(token.measures.teacherLogProbability), entropyAudio: Double(token.measures.entropy),
                entropyText: Double(token.measures.teacherEntropy), topAudio: top(token.studentTop), topText: top(token.teacherTop))
        }
        let (timings, heard) = (answer.timings, answer.preparation)
        self.init(
            id: "inspect_" + UUID().uuidString.lowercased(), model: answer.model, weightVersion: answer.version,
            continuation: tokenizer.decode(answer.tokens.map { Int($0.token) }, skipSpecial: true), tokens: tokens,
            divergenceMean: anatomy.mean, divergenceP80: anatomy.p80, positionCorrelation: anatomy.positionCorrelation,
            tokenLoss: answer.tokenLoss,
            cord: CordExtension(
                weightVersion: answer.version, audio: answer.spoken.clips.map { HeardAudio($0) },
                timings: Timings(
                    queue: timings.queued, audio: heard + timings.encoding, prefill: max(0, timings.firstToken - timings.queued),
                    decode: max(0, timings.total - timings.firstToken), firstToken: heard + timings.firstToken, total: answer.total)))
    }
}
