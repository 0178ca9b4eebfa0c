import API
import ArgumentParser
import Foundation
import Remote
import Server

/// A question that a running server answers.
struct ServerQuestion {
    let parts: [ContentPart]
    let system: String?
    let model: String?
    let sampling: SamplingFields

    /// Prints the answer as it grows.
    func printText(_ server: ServerAddress) async throws {
        let name = if let model { model } else { try await server.firstModel() }
        let turns = (system.map { [ChatQuestion.Message(role: "system", [.text($0)])] } ?? []) + [.init(role: "user", parts.map(\.asked))]
        var question = ChatQuestion(model: name, turns)
        (question.temperature, question.topP, question.topK) = (sampling.temperature, sampling.topP, sampling.topK)
        (question.maxTokens, question.seed, question.stream) = (sampling.maxCompletionTokens, sampling.seed, true)
        question.stop = sampling.stop
        for try await event in try server.events("/v1/chat/completions", body: try question.json()) {
            let chunk = try WireDecoder.response(ChatCompletionChunk.self, from: event)
            try Terminal.emit(chunk.choices.first?.delta.content ?? "")
        }
        try Terminal.emit("\n")
    }

    /// Prints the whole answer, as `POST /v1/answers` gives it.
    func printJSON(_ server: ServerAddress) async throws {
        var request = AnswerRequest(system: system, model: model, sampling: sampling)
        for part in parts {
            switch part {
            case .inputAudio(let clip, _) where request.audio == nil && request.text == nil: request.audio = clip
            case .text(let text) where request.text == nil: request.text = text
            default: throw ValidationError("--json with --server: expected one sound, one text, or a sound and then a text.")
            }
        }
        let body = try WireEncoder.encode(request)
        print(String(decoding: try await server.bytes("POST", "/v1/answers", body: body), as: UTF8.self))
    }
}

extension ContentPart {
    fileprivate var asked: ChatQuestion.Part {
        switch self {
        case .text(let text): .text(text)
        case .inputAudio(.data(let file), let format): .sound(file, format: format)
        case .inputAudio, .audioURL: preconditionFailure("\(self): questions of the command line are texts and files")
        }
    }
}
