import API
import Foundation
import Generation
import HTTP
import Synchronization
import Workshop

/// Reports the response to an inquiry while its answer arrives.
///
/// Functions that lock are not inlined, for the reason given at `TrainingMetrics` (Workshop).
final class ResponseTelling: Sendable {
    let inquiry: Inquiry
    private let parting: AnswerParting
    /// Request members that the model does not use.
    private let ignored: [String]
    private let progress: Mutex<ResponseProgress>

    init(_ inquiry: Inquiry, to request: ResponsesRequest, _ form: AnswerForm, ignored: [String]) {
        let options = inquiry.request.options
        self.inquiry = inquiry
        self.ignored = ignored
        parting = AnswerParting(inquiry, form)
        progress = Mutex(
            ResponseProgress(
                ResponseObject(
                    id: inquiry.id, createdAt: inquiry.created, model: inquiry.model, to: request, temperature: options.temperature,
                    topP: options.topP)))
    }

    /// Passes every event to `tell` until the response has ended.
    ///
    /// - Returns: The complete response.
    func forEach(_ tell: @escaping @Sendable (ResponseEvent) async throws -> Void) async throws -> ResponseObject {
        for event in events() { try await tell(event) }
        try await inquiry.forEach { event in
            self.take(event)
            for event in self.events() { try await tell(event) }
        }
        return response()
    }

    /// The events that report a failure.
    @inline(never) func fail(_ error: HTTPError) -> [ResponseEvent] {
        progress.withLock { progress in
            progress.fail(error)
            return progress.takeEvents()
        }
    }

    @inline(never) private func events() -> [ResponseEvent] { progress.withLock { $0.takeEvents() } }

    @inline(never) private func response() -> ResponseObject { progress.withLock { $0.response } }

    @inline(never) private func take(_ event: GenerationEvent) {
        let (part, thoughtTokens) = (parting.take(event), parting.thoughtTokens)
        progress.withLock { progress in
            switch event {
            case .prompt: break
            case .token(_, _, _, let logProbability):
                progress.add(part, logProbability.map(inquiry.logprob), thoughtTokens: thoughtTokens)
            case .finished(_, let reason, _):
                progress.add(part, nil, thoughtTokens: thoughtTokens)
                progress.finish(reason, thoughtTokens: thoughtTokens)
            case .done(let timings):
                progress.complete(
                    at: Int(Date().timeIntervalSince1970), inquiry.usage(timings, reasoning: thoughtTokens), inquiry.cord(timings, ignored: ignored))
            }
        }
    }
}
