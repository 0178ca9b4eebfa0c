import API
import Foundation
import Generation
import HTTP
import Synchronization
import Workshop

/// `POST /v1/answers`: the short way from a sound file, a form or a text to an answer and its reasoning.
enum AnswersRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        router.post("/v1/answers", scope: .ask) { request in
            try await refusing {
                let runtime = try server.runtime
                let wanted = try await runtime.queues.reading(request.body.count) { try read(request) }
                let inquiry = try await runtime.ask(
                    try [SubmittedMessage](messages(wanted), clips: StoredClips(server, request)), model: wanted.model,
                    options: runtime.options(wanted.sampling), prefix: "ans-")
                if wanted.stream { return stream(inquiry) }
                let whole = try await inquiry.complete()
                return .json(try WireEncoder.encode(inquiry.answer(whole.answers[0], whole.timings)))
            }
        }
    }

    /// The question, in whichever form it arrives, with the query's fields where the body has none: beside a sound they have no other place.
    private static func read(_ request: Request) throws -> AnswerRequest {
        let query = try WireDecoder.decode(AnswerRequest.self, form: request.query.items)
        guard query.audio == nil else {
            throw HTTPError(400, "audio: expected in the body; found in the query.", parameter: "audio", code: "invalid_value")
        }
        var wanted = try body(request)
        wanted.fill(from: query)
        return wanted
    }

    private static func body(_ request: Request) throws -> AnswerRequest {
        let type = request.mediaType
        switch type {
        case "application/json":
            return try WireDecoder.decode(AnswerRequest.self, from: Data(request.body))
        case "multipart/form-data":
            let form = try Form(request)
            var wanted = try WireDecoder.decode(AnswerRequest.self, form: form.fields.items)
            if let other = form.files.first(where: { $0.name != "file" && $0.name != "audio" }) {
                throw HTTPError(
                    400, "The form's file \"\(other.name)\" is not known; send the sound as \"file\".", parameter: other.name,
                    code: "unknown_parameter")
            }
            guard form.files.count <= 1 else {
                throw HTTPError(
                    400, "The form has \(form.files.count) files; one spoken question is expected.", parameter: "file", code: "invalid_value")
            }
            if let file = form.files.first {
                guard wanted.audio == nil else {
                    throw HTTPError(
                        400, "audio: expected nothing beside the form's file, which is the sound.", parameter: "audio", code: "invalid_value")
                }
                wanted.audio = .data(file.bytes)
            }
            return wanted
        case "application/x-www-form-urlencoded":
            // curl's media type for any body without an explicit one.
            guard String(validating: request.body, as: UTF8.self) != nil else { throw unlabelled }
            return try WireDecoder.decode(AnswerRequest.self, form: try Form(request).fields.items)
        case _
        where type.isEmpty
            || ["application/octet-stream", "application/ogg", "video/webm", "video/mp4", "video/3gpp", "video/quicktime"]
                .contains(type)
            || type.hasPrefix("audio/"):
            var wanted = AnswerRequest(system: nil, model: nil, sampling: SamplingFields())
            wanted.audio = .data(Data(request.body))
            return wanted
        default:
            throw HTTPError(
                415, "A question is expected as audio/…, multipart/form-data or application/json; found \(type).",
                code: "unsupported_media_type")
        }
    }

    private static let unlabelled = HTTPError(
        415, "The body is not a form. For a sound file say so: curl --data-binary @question.wav -H 'Content-Type: audio/wav'.",
        code: "unsupported_media_type")

    private static func messages(_ wanted: AnswerRequest) throws -> [ChatMessage] {
        var parts: [ContentPart] = []
        if let audio = wanted.audio { parts.append(.inputAudio(audio, format: nil)) }
        if let text = wanted.text, !text.isEmpty { parts.append(.text(text)) }
        guard !parts.isEmpty else {
            throw HTTPError(400, "There is no question: send a sound file or `text`.", parameter: "text", code: "missing_required_parameter")
        }
        let user = ChatMessage(role: .user, content: parts)
        return wanted.system.map { [ChatMessage(role: .system, text: $0), user] } ?? [user]
    }

    /// Pieces of the text as they arrive, then the whole answer, then the end mark.
    private static func stream(_ inquiry: Inquiry) -> Response {
        .refusing { events in
            let collected = Mutex(Answers())
            try await inquiry.forEach { event in
                collected.withLock { $0.take(event) }
                switch event {
                case .token(_, _, let text, _), .finished(_, _, let text):
                    if !text.isEmpty { try await events.send(try WireEncoder.encode(AnswerChunk(id: inquiry.id, text: text))) }
                case .done(let timings):
                    try await events.send(try WireEncoder.encode(inquiry.answer(collected.withLock { $0.answers[0] }, timings)))
                case .prompt: break
                }
            }
            try await events.done()
        }
    }
}
