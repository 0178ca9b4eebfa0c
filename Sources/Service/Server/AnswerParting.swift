import API
import Generation
import Judging
import Structure
import Synchronization
import Tokenization
import Workshop

/// Splits each answer of an inquiry, as it arrives, into reasoning, text and tool calls.
final class AnswerParting: Sendable {
    /// The addition of one event; for whole answers, everything.
    struct Part {
        var thought = ""
        var said = ""
        var calls: [ToolCallDelta] = []
    }

    fileprivate struct Answer {
        var stream: ReasoningStream
        var called: ToolCallStream?
        var thought = ""
        var said = ""
        var calls: [API.ToolCall] = []
        var tokens = 0
    }

    let inquiry: Inquiry
    private let answers: Mutex<[Answer]>
    /// The control tokens of calls, if calls are possible.
    private let callControls: [String]

    init(_ inquiry: Inquiry, _ form: AnswerForm) {
        self.inquiry = inquiry
        // A template may have opened a block of reasoning; its tag is short. If only calls are allowed, there is no reasoning.
        let isForced = form.calls?.text == ToolCallForm.Text.none
        let end = isForced ? "" : inquiry.tokenizer.decode(inquiry.request.prompt.tokens.suffix(16).map { Int($0) })
        callControls = form.calls?.style.controls ?? []
        let answer = Answer(stream: ReasoningStream(after: end), called: form.calls.map { ToolCallStream($0) })
        answers = Mutex(Array(repeating: answer, count: inquiry.request.options.count))
    }

    /// Takes every event of the inquiry in order.
    func take(_ event: GenerationEvent) -> Part {
        switch event {
        case .prompt, .done: return Part()
        case .token(let choice, let id, let text, _): return take(choice, text.isEmpty ? tag(id) : text)
        case .finished(let choice, _, let text): return finish(choice, text)
        }
    }

    /// Waits for the whole answers; ``parts(_:)`` has their texts.
    func complete() async throws -> Answers {
        let answers = Mutex(Answers(inquiry.request.options.count))
        try await inquiry.forEach { event in
            _ = self.take(event)
            answers.withLock { $0.take(event) }
        }
        return answers.withLock { $0 }
    }

    /// The message of an answer, as far as it has come.
    func message(_ choice: Int) -> AssistantMessage {
        answers.withLock { answers in
            let answer = answers[choice]
            return AssistantMessage(
                content: answer.said.isEmpty && !answer.calls.isEmpty ? nil : answer.said,
                reasoningContent: answer.thought.isEmpty ? nil : answer.thought, toolCalls: answer.calls.isEmpty ? nil : answer.calls)
        }
    }

    /// For answers that announce their final answer at the end: that answer, and the reasoning before it.
    var parts: [AnswerParts] {
        answers.withLock { $0.map(\.said) }.enumerated().compactMap { index, said in
            let split = AnswerSplit(said)
            guard split.isAnnouncedLast, let answer = split.answer else { return nil }
            return AnswerParts(index: index, answer: answer, reasoning: split.reasoning)
        }
    }

    /// Why an answer ended. One that ended by itself after a call waits for the function's result.
    func reason(_ choice: Int, _ reason: Generation.FinishReason) -> API.FinishReason {
        let calls = answers.withLock { !$0[choice].calls.isEmpty }
        return reason == .stop && calls ? .toolCalls : .init(reason)
    }

    /// The number of reasoning tokens, over all answers.
    var thoughtTokens: Int { answers.withLock { $0.reduce(0) { $0 + $1.stream.thoughtTokens } } }

    /// The token counts of one answer so far.
    func usage(_ choice: Int) -> Usage {
        answers.withLock { answers in
            Usage(
                inquiry.request.prompt, cached: 0, completionTokens: answers[choice].tokens, reasoning: answers[choice].stream.thoughtTokens)
        }
    }

    /// The text of a control token that separates the parts of answers (a reasoning tag, the beginning of calls) and that the tokenizer leaves out
    /// of them.
    private func tag(_ id: Int32) -> String {
        guard inquiry.tokenizer.specialIDs.contains(Int(id)), let token = inquiry.tokenizer.token(for: Int(id)) else { return "" }
        if callControls.contains(token) { return ToolCallForm.Style.text(ofControl: token) }
        return ReasoningStream.isTag(token) ? token : ""
    }

    private func take(_ choice: Int, _ text: String) -> Part {
        answers.withLock { answers in
            answers[choice].tokens += 1
            let (thought, said) = answers[choice].stream.take(text)
            return answers[choice].add(thought, said, isLast: false)
        }
    }

    private func finish(_ choice: Int, _ text: String) -> Part {
        answers.withLock { answers in
            let (held, rest) = (answers[choice].stream.append(text), answers[choice].stream.finish())
            return answers[choice].add(held.thought + rest.thought, held.said + rest.said, isLast: true)
        }
    }
}

extension AnswerParting.Answer {
    fileprivate mutating func add(_ thought: String, _ text: String, isLast: Bool) -> AnswerParting.Part {
        var part = AnswerParting.Part(thought: thought)
        if called == nil { part.said = text }
        for event in (called?.take(text) ?? []) + (isLast ? called?.finish() ?? [] : []) {
            switch event {
            case .said(let text): part.said += text
            case .call(let index, let name):
                let call = API.ToolCall(id: Runtime.identifier("call_"), name: name, arguments: "")
                calls.append(call)
                part.calls.append(ToolCallDelta(index: index, id: call.id, name: name))
            case .arguments(let index, let text):
                calls[index].function.arguments += text
                part.calls.append(ToolCallDelta(index: index, arguments: text))
            }
        }
        self.thought += thought
        said += part.said
        return part
    }
}
