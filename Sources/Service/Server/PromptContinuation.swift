import API
import Generation
import Synchronization
import Tokenization
import Workshop

/// One prompt of `/v1/completions` and its continuations, as choices whose text may begin with the prompt.
struct PromptContinuation: Sendable {
    let inquiry: Inquiry
    let echoes: Bool
    /// The index of its first choice.
    let firstChoice: Int

    init(_ inquiry: Inquiry, echoes: Bool, firstChoice: Int) {
        self.inquiry = inquiry
        self.echoes = echoes
        self.firstChoice = firstChoice
    }

    private var tellsLogprobs: Bool { inquiry.request.options.logProbabilities != nil }

    /// The complete continuations.
    func choices(_ answers: Answers) -> [TextChoice] {
        answers.answers.enumerated().map { index, answer in
            var offset = 0
            var head = head(answers.prompt, offset: &offset)
            for token in answer.logProbabilities { head.logprobs?.append(token.token, token, inquiry.tokenizer, offset: &offset) }
            return TextChoice(
                index: firstChoice + index, text: head.text + answer.text, logprobs: head.logprobs, finishReason: .init(answer.finishReason))
        }
    }

    /// The start of each text: the prompt if it is echoed, with its scores if requested.
    private func head(_ scored: [TokenLogProbability], offset: inout Int) -> (text: String, logprobs: TextLogprobs?) {
        var logprobs = tellsLogprobs ? TextLogprobs() : nil
        guard echoes else { return ("", logprobs) }
        let tokens = inquiry.request.prompt.tokens
        for (index, token) in tokens.enumerated() {
            logprobs?.append(token, index == 0 ? nil : scored[index - 1], inquiry.tokenizer, offset: &offset)
        }
        return (inquiry.tokenizer.decode(tokens.map { Int($0) }), logprobs)
    }

    private struct Progress {
        var scored: [TokenLogProbability] = []
        /// The offset of the next token of each text, after its prompt was sent.
        var offsets: [Int]
        var isEchoed: Bool
        /// The number of tokens of each text.
        var counts: [Int]
    }

    /// Passes every piece of every continuation to `body`, with the usage of that continuation so far.
    ///
    /// - Returns: The timings of all continuations.
    func forEach(_ body: @escaping @Sendable (TextChoice, Usage) async throws -> Void) async throws -> GenerationTimings {
        let zeros = Array(repeating: 0, count: inquiry.request.options.count)
        let progress = Mutex(Progress(offsets: zeros, isEchoed: !echoes, counts: zeros))
        let timings = Mutex(GenerationTimings())
        @Sendable func send(_ choice: Int, _ text: String, _ logprobs: TextLogprobs? = nil, _ reason: API.FinishReason? = nil) async throws {
            let usage = Usage(inquiry.request.prompt, cached: 0, completionTokens: progress.withLock { $0.counts[choice] })
            try await body(TextChoice(index: firstChoice + choice, text: text, logprobs: logprobs, finishReason: reason), usage)
        }
        @Sendable func echo() async throws {
            let scored: [TokenLogProbability]? = progress.withLock { progress in
                defer { progress.isEchoed = true }
                return progress.isEchoed ? nil : progress.scored
            }
            guard let scored else { return }
            var offset = 0
            let head = head(scored, offset: &offset)
            let end = offset
            progress.withLock { progress in progress.offsets = progress.offsets.map { _ in end } }
            for choice in zeros.indices { try await send(choice, head.text, head.logprobs) }
        }
        try await inquiry.forEach { event in
            switch event {
            case .prompt(let scored): progress.withLock { $0.scored += scored }
            case .token(let choice, let token, let text, let value):
                try await echo()
                let logprobs = progress.withLock { progress in
                    progress.counts[choice] += 1
                    guard let value else { return nil as TextLogprobs? }
                    var logprobs = TextLogprobs()
                    logprobs.append(token, value, inquiry.tokenizer, offset: &progress.offsets[choice])
                    return logprobs
                }
                if !text.isEmpty || logprobs != nil { try await send(choice, text, logprobs) }
            case .finished(let choice, let reason, let text):
                try await echo()
                try await send(choice, text, nil, .init(reason))
            case .done(let measured): timings.withLock { $0 = measured }
            }
        }
        return timings.withLock { $0 }
    }
}
