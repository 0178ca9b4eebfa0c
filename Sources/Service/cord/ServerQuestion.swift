import API
import ArgumentParser
import Foundation

/// A question that a running server answers.
struct ServerQuestion {
    let parts: [ContentPart]
    let system: String?
    let model: String?
    let sampling: SamplingFields

    /// Prints the answer as it grows.
    func printText(_ server: ServerAddress) async throws {
        var messages = [ChatMessage(role: .user, content: parts)]
        if let system { messages.insert(ChatMessage(role: .system, text: system), at: 0) }
        let name = if let model { model } else { try await server.firstModel() }
        let request = ChatCompletionRequest(model: name, messages: messages, sampling: sampling, stream: true)
        for try await event in try server.events("/v1/chat/completions", body: try WireEncoder.encode(request)) {
            let chunk = try WireDecoder.response(ChatCompletionChunk.self, from: event)
            FileHandle.standardOutput.write(Data((chunk.choices.first?.delta.content ?? "").utf8))
        }
        FileHandle.standardOutput.write(Data("\n".utf8))
    }

    /// Prints the whole answer, as `POST /v1/answers` gives it.
    func printJSON(_ server: ServerAddress) async throws {
        var request = AnswerRequest(system: system, model: model, sampling: sampling)
        for part in parts {
            switch part {
            case .inputAudio(let data, _) where request.audio == nil && request.text == nil: request.audio = Base64(data)
            case .text(let text) where request.text == nil: request.text = text
            default: throw ValidationError("--json with --server: expected one sound, one text, or a sound and then a text.")
            }
        }
        let body = try WireEncoder.encode(request)
        print(String(decoding: try await server.bytes("POST", "/v1/answers", body: body), as: UTF8.self))
    }
}
