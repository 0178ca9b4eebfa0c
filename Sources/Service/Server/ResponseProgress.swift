import API
import Generation
import HTTP
import Workshop

/// A response while it comes: what it is so far, and the events that tell of it, in OpenAI's order.
///
///     created, in_progress
///     for what was thought, then for what is said:
///         output_item.added, content_part.added, delta …, text.done, content_part.done, output_item.done
///     then for each call of a function:
///         output_item.added, arguments.delta …, arguments.done, output_item.done
///     completed | incomplete | failed
struct ResponseProgress {
    private(set) var response: ResponseObject
    private var events: [ResponseEvent] = []
    private var eventCount = 0
    /// Log-probabilities of tokens that no event has reported yet.
    private var untold: [TokenLogprob] = []

    init(_ response: ResponseObject) {
        self.response = response
        tell(.created)
        tell(.inProgress)
    }

    /// Returns the events since the last call.
    mutating func takeEvents() -> [ResponseEvent] {
        defer { events = [] }
        return events
    }

    /// Adds what a token contributed.
    ///
    /// - Parameter thoughtTokens: The number of reasoning tokens of the answer so far; their log-probabilities are not reported.
    mutating func add(_ part: AnswerParting.Part, _ logprob: TokenLogprob?, thoughtTokens: Int) {
        if let logprob { untold.append(logprob) }
        if !part.thought.isEmpty { think(part.thought) }
        if !part.said.isEmpty { say(part.said, thoughtTokens: thoughtTokens) }
        for call in part.calls { add(call) }
    }

    /// Ends the answer. One that was cut during its reasoning has no message.
    mutating func finish(_ reason: Generation.FinishReason, thoughtTokens: Int) {
        switch reason {
        case .stop: response.status = .completed
        case .length:
            response.status = .incomplete
            response.incompleteDetails = ResponseObject.Incompletion(reason: "max_output_tokens")
        }
        switch response.output.last?.type {
        // The tokens of a call appear only in its arguments.
        case .call: break
        case .message: if !untold.isEmpty { say("", thoughtTokens: thoughtTokens) }
        case .reasoning: if reason != .length { say("", thoughtTokens: thoughtTokens) }
        case nil: say("", thoughtTokens: thoughtTokens)
        }
        close(response.status)
    }

    /// Ends the response, once its answer has ended.
    mutating func complete(at time: Int, _ usage: Usage, _ cord: CordExtension) {
        response.completedAt = response.status == .completed ? time : nil
        response.usage = ResponseUsage(usage)
        response.cord = cord
        tell(response.status == .completed ? .completed : .incomplete)
    }

    mutating func fail(_ error: HTTPError) {
        let code =
            switch error.status {
            case 429: "rate_limit_exceeded"
            case ..<500: "invalid_prompt"
            default: "server_error"
            }
        response.status = .failed
        response.error = ResponseObject.Failure(code: code, message: error.message)
        tell(.failed)
    }

    private mutating func say(_ text: String, thoughtTokens: Int) {
        if response.output.last?.type != .message { untold.removeFirst(min(thoughtTokens, untold.count)) }
        open(.message(id: Runtime.identifier("msg_")), with: .said)
        let logprobs = untold
        untold = []
        let index = response.output.count - 1
        response.output[index].content?[0].text += text
        response.output[index].content?[0].logprobs? += logprobs
        if text.isEmpty, logprobs.isEmpty { return }
        tellPart(.textDelta) { ($0.delta, $0.logprobs) = (text, logprobs) }
    }

    private mutating func think(_ text: String) {
        open(.reasoning(id: Runtime.identifier("rs_")), with: .thought)
        response.output[response.output.count - 1].content?[0].text += text
        tellPart(.reasoningDelta) { $0.delta = text }
    }

    private mutating func add(_ call: ToolCallDelta) {
        if let id = call.id, let name = call.function.name {
            close(.completed)
            response.output.append(.call(id: Runtime.identifier("fc_"), id, name: name))
            tellItem(.itemAdded)
        }
        let index = response.output.count - 1
        if call.function.arguments.isEmpty { return }
        response.output[index].arguments? += call.function.arguments
        tellNewest(.argumentsDelta) { $0.delta = call.function.arguments }
    }

    /// Begins an item of reasoning or a message, unless it has begun.
    private mutating func open(_ item: OutputItem, with part: OutputPart) {
        if response.output.last?.type == item.type { return }
        close(.completed)
        response.output.append(item)
        tellItem(.itemAdded)
        response.output[response.output.count - 1].content = [part]
        tellPart(.partAdded) { $0.part = part }
    }

    private mutating func close(_ status: ResponseObject.Status) {
        guard let item = response.output.last else { return }
        response.output[response.output.count - 1].status = status
        switch item.type {
        case .reasoning: tellPart(.reasoningDone) { $0.text = item.content?[0].text }
        case .message: tellPart(.textDone) { ($0.text, $0.logprobs) = (item.content?[0].text, item.content?[0].logprobs) }
        case .call: tellNewest(.argumentsDone) { ($0.name, $0.arguments) = (item.name, item.arguments) }
        }
        if let part = item.content?[0] { tellPart(.partDone) { $0.part = part } }
        tellItem(.itemDone)
    }

    /// An event of the whole response.
    private mutating func tell(_ kind: ResponseEvent.Kind) {
        let response = response
        tell(kind) { $0.response = response }
    }

    /// An event of the newest item.
    private mutating func tellItem(_ kind: ResponseEvent.Kind) {
        let (index, item) = (response.output.count - 1, response.output.last)
        tell(kind) { ($0.outputIndex, $0.item) = (index, item) }
    }

    /// An event of the newest item's text.
    private mutating func tellPart(_ kind: ResponseEvent.Kind, _ fill: (inout ResponseEvent) -> Void) {
        tellNewest(kind) {
            $0.contentIndex = 0
            fill(&$0)
        }
    }

    /// An event about a part of the newest item.
    private mutating func tellNewest(_ kind: ResponseEvent.Kind, _ fill: (inout ResponseEvent) -> Void) {
        let (index, item) = (response.output.count - 1, response.output.last?.id)
        tell(kind) {
            ($0.outputIndex, $0.itemId) = (index, item)
            fill(&$0)
        }
    }

    private mutating func tell(_ kind: ResponseEvent.Kind, _ fill: (inout ResponseEvent) -> Void) {
        var event = ResponseEvent(kind, number: eventCount)
        fill(&event)
        events.append(event)
        eventCount += 1
    }
}
