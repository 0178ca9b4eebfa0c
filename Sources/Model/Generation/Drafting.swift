/// Whether several tokens of an answer are computed in one pass, by guessing the next ones.
///
///     answer … t₀ | guessed t₁ t₂ t₃  → one pass → logits after t₀, t₁, t₂, t₃
///     the sampler chooses after t₀; if it chooses t₁, it goes on after t₁, and so on; the first other choice ends it
///
/// Every token is chosen from the same logits and by the same random number as without guesses, so an answer keeps its bits, greedy or sampled.
/// Guesses come from a request's own ``GenerationRequest/draft``, and from what followed an earlier occurrence of the last tokens in the prompt or
/// answer (prompt lookup, Saxena, 2023).
package enum Drafting: String, Sendable, CaseIterable {
    case off
    /// As many guesses per pass as save time, given the measured cost of passes and the share of guesses that were right.
    case auto
    /// Always up to ``DraftPlan/most`` guesses, whatever they cost.
    case ngram
}

/// Guesses the next tokens of one answer.
package struct Drafter {
    /// The source of a guess; sources differ in how often they are right.
    package enum Source: Int, CaseIterable { case draft, context }

    /// An answer to a similar question.
    private let draft: [Int32]
    /// The position in `draft` that comes next if both continue alike.
    private var place = 0
    private let prompt: [Int32]
    private var repetitions: Repetitions
    /// How often guesses were right in this answer, by source.
    var rates = Source.allCases.map { _ in DraftRate() }

    package init(draft: [Int32], prompt: [Int32]) {
        self.draft = draft
        self.prompt = prompt
        repetitions = Repetitions(prompt)
    }

    /// Up to `limit` tokens that may follow `answer`, from the source that has been right more often.
    ///
    /// - Parameter rates: How often guesses were right over all answers, by source.
    package func guess(after answer: [Int32], limit: Int, rates all: [DraftRate]) -> (source: Source, tokens: [Int32]) {
        if limit <= 0 { return (.context, []) }
        let known = draft[min(place, draft.count)..<min(place + limit, draft.count)]
        if !known.isEmpty, rate(.draft, of: all) >= 0.5 { return (.draft, Array(known)) }
        let repeated = repeated(after: answer, limit: limit)
        if known.isEmpty || (!repeated.isEmpty && rate(.context, of: all) > rate(.draft, of: all)) { return (.context, repeated) }
        return (.draft, Array(known))
    }

    /// What followed the last earlier occurrence of the final three tokens, or else of the final two. Past the end it repeats itself.
    private func repeated(after answer: [Int32], limit: Int) -> [Int32] {
        let count = prompt.count + answer.count
        func token(_ index: Int) -> Int32 { index < prompt.count ? prompt[index] : answer[index - prompt.count] }
        guard answer.count >= 1, let end = repetitions.end(before: count, token) else { return [] }
        var guessed: [Int32] = []
        for index in end..<end + limit { guessed.append(index < count ? token(index) : guessed[index - count]) }
        return guessed
    }

    /// Updates the place in the draft after the answer grew by `right` guessed tokens and one more.
    ///
    /// If the answer left the draft, it is rejoined where the draft has the answer's last two tokens, nearest to the previous place. Until then
    /// both advance token by token.
    package mutating func note(_ answer: [Int32], right: Int) {
        let many = min(right + 1, answer.count)
        repetitions.note(to: prompt.count + answer.count) { $0 < prompt.count ? prompt[$0] : answer[$0 - prompt.count] }
        if draft.isEmpty || many == 0 { return }
        let before = place
        place = min(place + many, draft.count)
        if before + many <= draft.count, draft[before..<before + many].elementsEqual(answer.suffix(many)) { return }
        guard answer.count >= 2, draft.count >= 2 else { return }
        let (a, b) = (answer[answer.count - 2], answer[answer.count - 1])
        let found = (2...draft.count).filter { draft[$0 - 2] == a && draft[$0 - 1] == b }
        let stood = place
        if let nearest = found.min(by: { abs($0 - stood) < abs($1 - stood) }) { place = nearest }
    }

    /// The probability that a guess is right if all before it were, from this answer's experience and that of all answers.
    func rate(_ source: Source, of all: [DraftRate]) -> Double { rates[source.rawValue].probability(prior: all[source.rawValue].probability()) }
}

/// How often guesses were right; older ones count less.
package struct DraftRate {
    private var right = 0.0
    private var wrong = 0.0

    package init() {}

    package mutating func note(guessed: Int, right: Int) {
        self.right += Double(right)
        // Guesses after the first wrong one were never tried.
        if right < guessed { wrong += 1 }
        let memory = self.right + wrong
        if memory > 256 { (self.right, wrong) = (self.right * 256 / memory, wrong * 256 / memory) }
    }

    package func probability(prior: Double = 0.6, weight: Double = 4) -> Double { (right + weight * prior) / (right + wrong + weight) }
}

/// The measured cost of a pass in seconds, by its number of rows.
package struct DraftCosts {
    /// Ascending in rows.
    private let measured: [(rows: Int, seconds: Double)]

    /// - Parameter measured: At least two measurements, ascending in rows. A pass of fewer rows never counts as more expensive: a measurement that
    ///   other programs disturbed is too long, never too short.
    package init(_ measured: [(rows: Int, seconds: Double)]) {
        precondition(measured.count > 1, "\(measured.count) measurements give no line")
        var least = Double.infinity
        self.measured = measured.reversed().map { entry in
            least = min(least, entry.seconds)
            return (entry.rows, least)
        }.reversed()
    }

    /// Interpolates between measurements, and extrapolates the last two.
    package func seconds(rows: Int) -> Double {
        let upper = min(measured.firstIndex { $0.rows >= rows } ?? measured.count - 1, measured.count - 1)
        let (a, b) = (measured[max(0, upper - 1)], measured[max(1, upper)])
        return a.seconds + (b.seconds - a.seconds) * Double(rows - a.rows) / Double(b.rows - a.rows)
    }
}

/// Chooses the number of guesses in a pass.
package enum DraftPlan {
    /// The most guesses for one answer.
    package static let most = 16
    /// The most rows with logits in a pass that has guesses: the logits of a large vocabulary take half a megabyte per row.
    static let rows = 128

    /// The number of guesses for each answer that saves the most time compared to passes without guesses; 0 if none does.
    ///
    ///     saved(k) = right guesses · cost(answers) / answers − (cost(rows + guesses) − cost(rows))
    ///
    /// - Parameters:
    ///   - answers: For each answer, the number of possible guesses and the probability of each.
    ///   - otherRows: The rows of prompts in the same pass.
    package static func guesses(_ answers: [(guesses: Int, rate: Double)], otherRows: Int, _ costs: DraftCosts) -> Int {
        if answers.isEmpty { return 0 }
        let rows = answers.count + otherRows
        let (each, base) = (costs.seconds(rows: answers.count) / Double(answers.count), costs.seconds(rows: rows))
        var best = (guesses: 0, saved: 0.0)
        for many in [1, 2, 3, 4, 6, 8, 12, most] {
            var (guessed, right) = (0, 0.0)
            for answer in answers {
                let own = min(many, answer.guesses)
                guessed += own
                var chance = 1.0
                for _ in 0..<own {
                    chance *= answer.rate
                    right += chance
                }
            }
            let saved = right * each - (costs.seconds(rows: rows + guessed) - base)
            if saved > best.saved { best = (many, saved) }
        }
        return best.guesses
    }
}
