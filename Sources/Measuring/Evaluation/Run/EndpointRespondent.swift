import Audio
import Files
import Foundation
package import Generation
package import Remote
import Workers

/// A server with an OpenAI-compatible interface, measured in the same way: one user turn to `POST chat/completions`, spoken questions
/// as one `input_audio` part, converted to 16 kHz mono WAV, which every server reads.
///
/// Its weights are unknown unless it is a `cord`, which names them for the report. D_t is not measured.
package struct EndpointRespondent: Respondent {
    package let endpoint: Endpoint
    package let model: String
    package let decoding: SamplingOptions
    package let maximumSeconds: Double

    package init(_ endpoint: Endpoint, model: String, decoding: SamplingOptions = .greedy, maximumSeconds: Double = 600) {
        self.endpoint = endpoint
        self.model = model
        self.decoding = decoding
        self.maximumSeconds = maximumSeconds
    }

    /// Always false: an endpoint's way of computing is unknown.
    package var usesDrafts: Bool { false }

    package func reply(to question: Asking, seed: UInt64, draft: [Int32]) async throws -> Reply {
        let start = ContinuousClock.now
        var heard: String?
        var question = question
        if case .relayed(let recording) = question {
            let text = try await transcript(of: recording)
            (heard, question) = (text, .typed(text))
        }
        let body = try await body(question, seed)
        let data = try await asked { try await endpoint.post("chat/completions", json: body) }
        let seconds = start.duration(to: .now) / .seconds(1)
        guard let answer = try? JSONDecoder().decode(Answer.self, from: data), let choice = answer.choices.first else {
            throw unexpected("chat/completions", expected: "a chat completion with a choice", data)
        }
        return Reply(text: choice.message.content ?? "", tokens: answer.usage?.completion_tokens ?? 0, seconds: seconds, heard: heard)
    }

    /// A clip's transcript by the server's `audio/transcriptions`.
    private func transcript(of recording: QuestionSet.Clip) async throws -> String {
        struct Transcript: Decodable { let text: String }
        var form = FormBody()
        form.add("model", model)
        form.add("response_format", "json")
        form.add("temperature", "0")
        form.add("file", filename: "clip.wav", type: "audio/wav", try await wav(recording))
        let data: Data
        do {
            data = try await asked { [form] in try await endpoint.post("audio/transcriptions", form: form) }
        } catch EndpointError.status(_, let code, _, _) where [404, 405, 501].contains(code) {
            throw Unaskable(code: "no_transcript", "the server has no audio/transcriptions")
        }
        guard let transcript = try? JSONDecoder().decode(Transcript.self, from: data) else {
            throw unexpected("audio/transcriptions", expected: "an object with text", data)
        }
        return transcript.text
    }

    /// A refusal by the server counts against this question. A wrong key or path, or an overload, ends the run.
    private func asked(_ exchange: @Sendable () async throws -> Data) async throws -> Data {
        do { return try await exchange() } catch let error as EndpointError {
            guard case .status(_, let code, _, _) = error, [400, 413, 415, 422].contains(code) else { throw error }
            throw Unaskable(code: "refused_\(code)", error.description)
        }
    }

    private func unexpected(_ path: String, expected: String, _ data: Data) -> EndpointError {
        EndpointError.unexpected(
            url: endpoint.base.appendingPathComponent(path).absoluteString, expected: expected,
            found: String(decoding: data.prefix(200), as: UTF8.self))
    }

    package func divergence(clip: QuestionSet.Clip, text: String, seed: UInt64) async throws -> [TokenDivergence]? { nil }

    package func identity() async throws -> RespondentIdentity {
        let weights = try await weights()
        return RespondentIdentity(
            model: "\(model) at \(endpoint.base.absoluteString)", modelHash: "unknown", weightVersion: weights.version,
            weightVersionHash: weights.hash, promptTemplateHash: "unknown", decoding: decoding.settings, machine: "unknown")
    }

    /// The weights behind the model's name, if the server lists its models with them, as `cord` does.
    private func weights() async throws -> (version: String, hash: String) {
        struct Listed: Decodable {
            struct Model: Decodable {
                let id: String
                let weight_version: String?
            }
            let data: [Model]
        }
        struct Version: Decodable { let hash: String }
        guard let models = try await told(Listed.self, "models")?.data,
            let version = models.first(where: { $0.id == model })?.weight_version
        else { return ("unknown", "unknown") }
        let hash = version == "base" ? version : try await told(Version.self, "weights/versions/\(version)")?.hash
        return (version, hash ?? "unknown")
    }

    /// The server's object at a path; nil if it has none or refuses this key.
    private func told<Value: Decodable>(_ type: Value.Type, _ path: String) async throws -> Value? {
        let body: Data
        do { body = try await endpoint.get(path) } catch let error as EndpointError {
            guard case .status(_, 400..<500, _, _) = error else { throw error }
            return nil
        }
        return try? JSONDecoder().decode(type, from: body)
    }

    private func body(_ question: Asking, _ seed: UInt64) async throws -> Data {
        let parts: [ChatQuestion.Part] =
            switch question {
            case .typed(let text): [.text(text)]
            case .nothing: [.text("")]
            case .spoken(let recording): [.sound(try await wav(recording), format: "wav")]
            case .accompanied(let recording, let text): [.sound(try await wav(recording), format: "wav"), .text(text)]
            case .relayed: preconditionFailure("a transcript is asked for before it is typed")
            }
        var asked = ChatQuestion(model: model, [.init(role: "user", parts)])
        (asked.temperature, asked.maxTokens) = (decoding.temperature, decoding.maxTokens)
        if decoding.temperature > 0 { (asked.topP, asked.seed) = (decoding.topP, Int(seed & 0x7FFF_FFFF)) }
        if !decoding.stop.isEmpty { asked.stop = decoding.stop }
        return try asked.json()
    }

    private func wav(_ recording: QuestionSet.Clip) async throws -> Data {
        let limits = AudioLimits(maxSeconds: maximumSeconds)
        return try await evaluationWork.run {
            let bytes = try recording.bytes()
            do {
                let clip = try unsafe AudioDecoder.decode(bytes.span.bytes, limits: limits)
                return Data(WAVWriter.bytes(clip.samples))
            } catch let error as AudioError {
                throw Unaskable(code: error.code, error.description)
            }
        }
    }

    private struct Answer: Decodable {
        struct Choice: Decodable { let message: Said }
        struct Said: Decodable { let content: String? }
        struct Usage: Decodable { let completion_tokens: Int? }
        let choices: [Choice]
        let usage: Usage?
    }
}
