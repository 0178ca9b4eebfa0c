import API
import Foundation
import Generation
import HTTP
import Models
import Tokenization
import Workers
import Workshop

/// `POST /v1/tokenize`, `POST /v1/detokenize`: what the model's tokenizer and chat format make of a text.
enum TokensRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        router.post("/v1/tokenize", scope: .ask, bodyLimit: 4 << 20) { request in
            try await refusing {
                let wanted = try WireDecoder.decode(TokenizeRequest.self, from: Data(request.body))
                let runtime = try server.runtime
                _ = try runtime.versions.entry(wanted.model)
                let tokens = try await tokens(wanted.input, runtime, StoredClips(server, request))
                let strings =
                    wanted.returnTokenStrings
                    ? tokens.map { runtime.model.tokenizer.token(for: $0) ?? "" } : nil
                return .json(
                    try WireEncoder.encode(
                        TokenizeResponse(
                            tokens: tokens, maxModelLen: runtime.model.model.contextLength, tokenStrs: strings)))
            }
        }
        router.post("/v1/detokenize", scope: .ask, bodyLimit: 4 << 20) { request in
            try await refusing {
                let wanted = try WireDecoder.decode(DetokenizeRequest.self, from: Data(request.body), maxValues: 200_000)
                let runtime = try server.runtime
                _ = try runtime.versions.entry(wanted.model)
                let tokenizer = runtime.model.tokenizer
                if let unknown = wanted.tokens.first(where: { tokenizer.token(for: $0) == nil }) {
                    throw HTTPError(
                        422, "tokens: expected ids below \(tokenizer.vocabularySize); found \(unknown).", parameter: "tokens",
                        code: "invalid_value")
                }
                return .json(try WireEncoder.encode(DetokenizeResponse(prompt: tokenizer.decode(wanted.tokens))))
            }
        }
    }

    private static func tokens(_ input: TokenizeRequest.Input, _ runtime: Runtime, _ clips: StoredClips) async throws -> [Int] {
        switch input {
        case .prompt(let text):
            return try await runtime.queues.reading.run { try runtime.model.tokenizer.encode(text) }
        case .messages(let messages, addGenerationPrompt: true):
            return try await runtime.prompt(try [SubmittedMessage](messages, clips: clips)).tokens.map { Int($0) }
        case .messages(let messages, addGenerationPrompt: false):
            let whole = try await runtime.prompt(try [SubmittedMessage](messages, clips: clips)).tokens.map { Int($0) }
            // The chat format opens the answer in the same way for every conversation.
            let start = TemplateMessage(role: "user", "")
            let format = runtime.model.chat
            let added = try format.encode([start]).count - format.encode([start], addGenerationPrompt: false).count
            return whole.dropLast(added)
        }
    }
}
