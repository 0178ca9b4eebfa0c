package import Judging
import Randomness
import Workers

/// A judge of answers that rules cannot score: a free-form answer against its reference, yes or no, and an open-ended one alone, from 1 to 5.
package struct FreeFormJudge: Sendable {
    /// For the reproducibility block.
    package let name: String
    let verdict: @Sendable (_ question: String, _ reference: String, _ response: String) async throws -> Verdict
    let rating: @Sendable (_ question: String, _ response: String) async throws -> Rating

    package init(
        name: String, verdict: @escaping @Sendable (_ question: String, _ reference: String, _ response: String) async throws -> Verdict,
        rating: @escaping @Sendable (_ question: String, _ response: String) async throws -> Rating
    ) {
        self.name = name
        self.verdict = verdict
        self.rating = rating
    }

    /// - Parameter name: nil for the judge's own.
    package init(_ judge: ModelJudge, name: String? = nil) {
        self.init(
            name: name ?? judge.name, verdict: { try await judge.verdict(question: $0, response: $2, reference: $1) },
            rating: { try await judge.rating(question: $0, response: $1) })
    }
}

/// A question that only a judge can score, in a run that has none.
package struct MissingJudge: Error, Equatable, CustomStringConvertible {
    package let item: String

    package var description: String {
        """
        the item \(item) has no reference and is rated by a judge, but the run has none: name one (--judge-endpoint and --judge-model, or \
        "judge" of kind "model" or "remote" in a request)
        """
    }
}

/// Compares the visible part of a reply (``VisibleText``) with the reference answer, by the rules of the item's type.
struct AnswerScoring: Sendable {
    let mode: ExtractionMode
    let judge: FreeFormJudge?

    /// - Parameter seed: The seed of the item and the arm. VoiceBench's rules draw an answer from it if they find none.
    func answer(_ reply: Reply, to item: QuestionSet.Item, seed: UInt64) async throws -> ArmAnswer {
        // VoiceBench's rules do not separate reasoning; they read the whole response.
        let visible = mode == .voiceBench ? nil : VisibleText(reply.text)
        let said = visible?.said ?? reply.text
        if visible?.isOnlyReasoning == true {
            return ArmAnswer(
                text: reply.text, extracted: nil, correct: false, score: item.type == .rating ? 1 : nil,
                failure: ExtractionFailure.onlyReasoning.rawValue, tokens: reply.tokens, seconds: reply.seconds)
        }
        if item.type == .freeForm, let judge, !said.isEmpty {
            let verdict = try await judge.verdict(item.text, item.answer, said)
            return ArmAnswer(
                text: reply.text, extracted: verdict.answer ?? said, correct: verdict.isEqual,
                failure: verdict.outcome == .unreadable ? ExtractionFailure.unreadableVerdict.rawValue : nil, tokens: reply.tokens,
                seconds: reply.seconds)
        }
        if item.type == .rating { return try await rated(reply, said, item) }
        return try await evaluationWork.run { item.type == .instructions ? try checked(reply, said, item) : read(reply, item, seed) }
    }

    private func rated(_ reply: Reply, _ said: String, _ item: QuestionSet.Item) async throws -> ArmAnswer {
        guard let judge else { throw MissingJudge(item: item.id) }
        var answer = ArmAnswer(text: reply.text, extracted: nil, correct: false, score: 1, tokens: reply.tokens, seconds: reply.seconds)
        guard said.contains(where: { !$0.isWhitespace }) else {
            answer.failure = ExtractionFailure.empty.rawValue
            return answer
        }
        if let score = try await judge.rating(item.text, said).score {
            answer.score = score
            answer.extracted = String(score)
            answer.correct = score >= 4
        } else {
            answer.failure = ExtractionFailure.unreadableVerdict.rawValue
        }
        return answer
    }

    private func checked(_ reply: Reply, _ said: String, _ item: QuestionSet.Item) throws -> ArmAnswer {
        var said = said
        if mode == .voiceBench, ["<1>", "<2>", "<3>"].contains(where: said.hasPrefix) { said = String(said.dropFirst(3)).trimmed() }
        let outcomes = InstructionOutcome.all(try (item.instructions ?? []).map(InstructionRule.init), said)
        let isEmpty = said.allSatisfy(\.isWhitespace)
        return ArmAnswer(
            text: reply.text, extracted: isEmpty ? nil : "\(outcomes.count(where: \.strict)) of \(outcomes.count)",
            correct: !outcomes.isEmpty && outcomes.allSatisfy(\.strict), instructions: outcomes,
            failure: isEmpty ? ExtractionFailure.empty.rawValue : nil, tokens: reply.tokens, seconds: reply.seconds)
    }

    private func read(_ reply: Reply, _ item: QuestionSet.Item, _ seed: UInt64) -> ArmAnswer {
        var answer = ArmAnswer(text: reply.text, extracted: nil, correct: false, tokens: reply.tokens, seconds: reply.seconds)
        var generator = RandomStream(seed: seed)
        if mode == .voiceBench, item.type == .refusal {
            answer.extracted = VoiceBenchRefusalRules.isRefusal(reply.text) ? "refused" : "answered"
        } else if mode == .voiceBench, let rules = VoiceBenchReasoningRules(item: item.id) {
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
