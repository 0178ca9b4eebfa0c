import API
import Foundation
import Generation
import HTTP
import Workshop

/// `POST /v1/responses`: OpenAI's route, as a whole response or as a stream of events. Nothing is stored.
enum ResponsesRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        router.post("/v1/responses", scope: .ask) { request in
            do {
                return try await answer(request, try server.runtime, StoredClips(server, request))
            } catch {
                throw refusal(error) ?? error
            }
        }
    }

    private static func answer(_ request: Request, _ runtime: Runtime, _ clips: StoredClips) async throws -> Response {
        let (wanted, form) = try await read(request.body, runtime)
        let telling = try await ask(wanted, form, runtime, clips)
        return wanted.stream ? stream(telling) : .json(try await whole(telling, runtime))
    }

    /// The complete answer to a batch request.
    static func answer(inBatch body: [UInt8], _ runtime: Runtime, _ clips: StoredClips) async throws -> Data {
        do {
            let (wanted, form) = try await read(body, runtime)
            return try await whole(try await ask(wanted, form, runtime, clips, isLowPriority: true), runtime)
        } catch {
            throw refusal(error) ?? error
        }
    }

    private static func read(_ body: [UInt8], _ runtime: Runtime) async throws -> (ResponsesRequest, AnswerForm) {
        let wanted = try await runtime.queues.reading(body.count) { try WireDecoder.decode(ResponsesRequest.self, from: Data(body)) }
        return (wanted, try await runtime.form(wanted.text.format, tools: wanted.tools, body: body, places: .responses))
    }

    private static func whole(_ telling: ResponseTelling, _ runtime: Runtime) async throws -> Data {
        let response = try await telling.forEach { _ in }
        let parts: [OutputPart] = response.output.flatMap { $0.content ?? [] }
        let bytes = parts.reduce(0) { $0 + $1.text.utf8.count + 1024 * ($1.logprobs?.count ?? 0) }
        return try await runtime.queues.reading(bytes) { try WireEncoder.encode(response) }
    }

    private static func ask(
        _ wanted: ResponsesRequest, _ form: AnswerForm, _ runtime: Runtime, _ clips: StoredClips, isLowPriority: Bool = false
    ) async throws -> ResponseTelling {
        var options = runtime.options(wanted.sampling, wanted.controls, logProbabilities: wanted.logprobs)
        options.structure = form.structure
        let manner = runtime.manner(wanted.reasoning.effort, wanted.text.verbosity)
        let inquiry = try await runtime.ask(
            try [SubmittedMessage](wanted, clips: clips), model: wanted.model, options: options, prefix: "resp_",
            variables: manner.variables.merging(form.variables) { $1 }, isLowPriority: isLowPriority)
        var ignored = manner.ignored.map { names[$0] ?? $0 }
        if wanted.reasoning.summary != nil { ignored.append("reasoning.summary") }
        if wanted.include.contains(.encryptedReasoning) { ignored.append(ResponsesInclusion.encryptedReasoning.rawValue) }
        return ResponseTelling(inquiry, to: wanted, form, ignored: ignored)
    }

    /// Every event's name equals its type. A failure is the last event.
    private static func stream(_ telling: ResponseTelling) -> Response {
        .events { events in
            @Sendable func tell(_ event: ResponseEvent) async throws {
                try await events.send(try WireEncoder.encode(event), event: event.type.rawValue)
            }
            do {
                _ = try await telling.forEach(tell)
            } catch {
                guard let refusal = refusal(error) else { throw error }
                for event in telling.fail(refusal) { try await tell(event) }
            }
        }
    }

    /// This route's names for members that other rooms know by the names of chat.
    private static let names = [
        "messages": "input", "max_tokens": "max_output_tokens", "reasoning_effort": "reasoning.effort", "verbosity": "text.verbosity",
    ]

    private static func refusal(_ error: any Error) -> HTTPError? {
        guard var refusal = HTTPError(refusing: error) else { return nil }
        // The request's own decoder uses the right names already.
        if error is WireError { return refusal }
        refusal.parameter = refusal.parameter.map { names[$0] ?? $0 }
        return refusal
    }
}
