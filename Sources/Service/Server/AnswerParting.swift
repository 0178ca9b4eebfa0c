import API
import Generation
import Judging
import Synchronization
import Tokenization
import Workshop

/// The answers of an inquiry, each parted while it comes in what is thought and what is said.
final class AnswerParting: Sendable {
    /// What one event added.
    typealias Part = (thought: String, said: String)

    private struct Answer {
        var stream: ReasoningStream
        var whole: Part = ("", "")
        var tokens = 0
    }

    let inquiry: Inquiry
    private let answers: Mutex<[Answer]>

    init(_ inquiry: Inquiry) {
        self.inquiry = inquiry
        // A template may have opened a block of reasoning; its tag is short.
        let end = inquiry.tokenizer.decode(inquiry.request.prompt.tokens.suffix(16).map { Int($0) })
        answers = Mutex(Array(repeating: Answer(stream: ReasoningStream(after: end)), count: inquiry.request.options.count))
    }

    /// Takes every event of the inquiry in order.
    func take(_ event: GenerationEvent) -> Part {
        switch event {
        case .prompt, .done: return ("", "")
        case .token(let choice, let id, let text, _): return take(choice, text.isEmpty ? tag(id) : text)
        case .finished(let choice, _, let text): return finish(choice, text)
        }
    }

    /// The whole answers; ``parts(_:)`` has their texts.
    func complete() async throws -> Answers {
        let answers = Mutex(Answers(inquiry.request.options.count))
        try await inquiry.forEach { event in
            _ = self.take(event)
            answers.withLock { $0.take(event) }
        }
        return answers.withLock { $0 }
    }

    /// What of an answer has come so far.
    func parts(_ choice: Int) -> Part { answers.withLock { $0[choice].whole } }

    /// Tokens that were thought, over all answers.
    var thoughtTokens: Int { answers.withLock { $0.reduce(0) { $0 + $1.stream.thoughtTokens } } }

    /// Of one answer, so far.
    func usage(_ choice: Int) -> Usage {
        answers.withLock { answers in
            Usage(
                inquiry.request.prompt, cached: 0, completionTokens: answers[choice].tokens, reasoning: answers[choice].stream.thoughtTokens)
        }
    }

    /// The text of a tag of reasoning that the tokenizer keeps out of answers.
    private func tag(_ id: Int32) -> String {
        guard inquiry.tokenizer.specialIDs.contains(Int(id)), let token = inquiry.tokenizer.token(for: Int(id)),
            ReasoningStream.isTag(token)
        else { return "" }
        return token
    }

    private func take(_ choice: Int, _ text: String) -> Part {
        answers.withLock { answers in
            answers[choice].tokens += 1
            let part = answers[choice].stream.take(text)
            answers[choice].whole.thought += part.thought
            answers[choice].whole.said += part.said
            return part
        }
    }

    private func finish(_ choice: Int, _ text: String) -> Part {
        answers.withLock { answers in
            let (held, rest) = (answers[choice].stream.append(text), answers[choice].stream.finish())
            let part = (thought: held.thought + rest.thought, said: held.said + rest.said)
            answers[choice].whole.thought += part.thought
            answers[choice].whole.said += part.said
            return part
        }
    }
}
