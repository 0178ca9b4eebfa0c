/// Whether several tokens of an answer are computed in one pass, the next ones guessed.
///
///     answer … t₀ | guessed t₁ t₂ t₃  → one pass → logits after t₀, t₁, t₂, t₃
///     the sampler chooses after t₀; if it chooses t₁, it goes on after t₁, and so on; the first other choice ends it
///
/// Every token is chosen from the same logits, by the same random number, as without guesses, so an answer keeps its bits, greedy or
/// sampled. Guesses come from a request's own ``GenerationRequest/draft``, and from what followed the last tokens when they came
/// earlier in prompt or answer (prompt lookup, Saxena, 2023).
package enum Drafting: String, Sendable, CaseIterable {
    case off
    /// As many guesses a pass as save time, by what passes cost on this machine and by how often guesses came true.
    case auto
    /// Always ``DraftPlan/most`` guesses if there are so many, whatever they cost.
    case ngram
}

/// Guesses the next tokens of one answer.
package struct Drafter {
    /// Where guesses come from, which says how good they are.
    package enum Source: Int, CaseIterable { case draft, context }

    /// An answer to a like question.
    private let draft: [Int32]
    /// Of `draft`, what comes next if both go on alike.
    private var place = 0
    private let prompt: [Int32]
    /// How guesses fared in this answer, by their source.
    var rates = Source.allCases.map { _ in DraftRate() }

    package init(draft: [Int32], prompt: [Int32]) {
        self.draft = draft
        self.prompt = prompt
    }

    /// Up to `limit` tokens that may come after `answer`, from the source that has been right more often.
    ///
    /// - Parameter rates: how guesses fared in all answers, by their source.
    package func guess(after answer: [Int32], limit: Int, rates all: [DraftRate]) -> (source: Source, tokens: [Int32]) {
        if limit <= 0 { return (.context, []) }
        let known = draft[min(place, draft.count)..<min(place + limit, draft.count)]
        if !known.isEmpty, rate(.draft, of: all) >= 0.5 { return (.draft, Array(known)) }
        let repeated = repeated(after: answer, limit: limit)
        if known.isEmpty || (!repeated.isEmpty && rate(.context, of: all) > rate(.draft, of: all)) { return (.context, repeated) }
        return (.draft, Array(known))
    }

    /// What came after the last place that had the same three tokens as the end, or else the same two; beyond the end it repeats itself.
    private func repeated(after answer: [Int32], limit: Int) -> [Int32] {
        let count = prompt.count + answer.count
        func token(_ index: Int) -> Int32 { index < prompt.count ? prompt[index] : answer[index - prompt.count] }
        for length in [3, 2] where count > length && answer.count >= 1 {
            var end = count - 1
            while end >= length {
                if (1...length).allSatisfy({ token(end - $0) == token(count - $0) }) {
                    var guessed: [Int32] = []
                    for index in end..<end + limit { guessed.append(index < count ? token(index) : guessed[index - count]) }
                    return guessed
                }
                end -= 1
            }
        }
        return []
    }

    /// Notes that the answer has grown by `right` tokens that were guessed and one more: finds where the draft goes on.
    ///
    /// A draft that went another way is taken up where it has the answer's last two tokens, nearest to where it stood; until then token
    /// stands for token.
    package mutating func note(_ answer: [Int32], right: Int) {
        let many = min(right + 1, answer.count)
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

    /// The probability that a guess is right where all before it were, this answer's experience beside that of all.
    func rate(_ source: Source, of all: [DraftRate]) -> Double { rates[source.rawValue].probability(prior: all[source.rawValue].probability()) }
}

/// How often guesses came true, those of long ago counting less.
package struct DraftRate {
    private var right = 0.0
    private var wrong = 0.0

    package init() {}

    package mutating func note(guessed: Int, right: Int) {
        self.right += Double(right)
        // Those after the first wrong one were never tried.
        if right < guessed { wrong += 1 }
        let memory = self.right + wrong
        if memory > 256 { (self.right, wrong) = (self.right * 256 / memory, wrong * 256 / memory) }
    }

    package func probability(prior: Double = 0.6, weight: Double = 4) -> Double { (right + weight * prior) / (right + wrong + weight) }
}

/// What a pass of so many rows costs, in seconds, by measurement.
package struct DraftCosts {
    /// Ascending in rows.
    private let measured: [(rows: Int, seconds: Double)]

    /// - Parameter measured: ascending in rows, two at least. A pass of more rows counts as costing no less.
    package init(_ measured: [(rows: Int, seconds: Double)]) {
        precondition(measured.count > 1, "\(measured.count) measurements give no line")
        var most = 0.0
        self.measured = measured.map { entry in
            most = max(most, entry.seconds)
            return (entry.rows, most)
        }
    }

    /// Between measurements, and beyond the last two, on the line through them.
    package func seconds(rows: Int) -> Double {
        let upper = min(measured.firstIndex { $0.rows >= rows } ?? measured.count - 1, measured.count - 1)
        let (a, b) = (measured[max(0, upper - 1)], measured[max(1, upper)])
        return a.seconds + (b.seconds - a.seconds) * Double(rows - a.rows) / Double(b.rows - a.rows)
    }
}

/// How many guesses a pass takes.
package enum DraftPlan {
    /// Of one answer.
    package static let most = 16
    /// Rows of a pass whose logits are wanted, with guesses: logits of a large vocabulary take half a megabyte each.
    static let rows = 128

    /// The number of guesses for each answer at which a pass saves the most time over passes without, 0 where none does.
    ///
    ///     saved(k) = right guesses · cost(answers) / answers − (cost(rows + guesses) − cost(rows))
    ///
    /// - Parameters:
    ///   - answers: for each, how many tokens can be guessed and the probability of each.
    ///   - otherRows: of prompts being read in the same pass.
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
