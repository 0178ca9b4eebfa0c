package import Judging
import Randomness

/// Judges a free-form answer: the question, the reference, the response.
package struct FreeFormJudge: Sendable {
    /// For the reproducibility block.
    package let name: String
    let verdict: @Sendable (_ question: String, _ reference: String, _ response: String) async throws -> Verdict

    package init(
        name: String, verdict: @escaping @Sendable (_ question: String, _ reference: String, _ response: String) async throws -> Verdict
    ) {
        self.name = name
        self.verdict = verdict
    }
}

/// A reply held against the reference answer, by the rules of the item's type.
struct AnswerScoring: Sendable {
    let mode: ExtractionMode
    let judge: FreeFormJudge?

    /// - Parameter seed: of the item and the arm; VoiceBench's rules draw an answer from it where they find none.
    func answer(_ reply: Reply, to item: QuestionSet.Item, seed: UInt64) async throws -> ArmAnswer {
        if item.type == .freeForm, let judge, !reply.text.isEmpty {
            let verdict = try await judge.verdict(item.text, item.answer, reply.text)
            return ArmAnswer(
                text: reply.text, extracted: verdict.answer ?? reply.text, correct: verdict.isEqual,
                failure: verdict.outcome == .unreadable ? "unreadable_verdict" : nil, tokens: reply.tokens, seconds: reply.seconds)
        }
        return try await onDispatch { read(reply, item, seed) }
    }

    private func read(_ reply: Reply, _ item: QuestionSet.Item, _ seed: UInt64) -> ArmAnswer {
        var answer = ArmAnswer(text: reply.text, extracted: nil, correct: false, tokens: reply.tokens, seconds: reply.seconds)
        var generator = RandomStream(seed: seed)
        if mode == .voiceBench, let rules = VoiceBenchReasoningRules(item: item.id) {
            let reading = rules.read(reply.text, using: &generator)
            if reading.isRandom { answer.failure = "random_answer" }
            answer.extracted = reading.answer
        } else if mode == .voiceBench, item.type == .choice {
            let reading = VoiceBenchRules.read(reply.text, using: &generator)
            if case .random = reading { answer.failure = "random_letter" }
            answer.extracted = reading.letter
        } else {
            switch AnswerExtraction.extract(reply.text, type: item.type, choices: item.choices) {
            case .success(let value): answer.extracted = value
            case .failure(let failure): answer.failure = failure.rawValue
            }
        }
        if let extracted = answer.extracted {
            answer.correct = AnswerExtraction.matches(extracted, reference: item.answer, type: item.type, choices: item.choices)
        }
        return answer
    }
}
