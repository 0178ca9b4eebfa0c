import Models
import Tensors

extension EngineLoop {
    /// Tokens that may come next in an answer.
    struct Guess {
        /// Those that the pass computes.
        var tokens: [Int32] = []
        var source = Drafter.Source.context
        /// The first one, whether or not it is computed: what comes of it says how good guesses are.
        var first: Int32?
    }

    /// An answer that a pass goes on with.
    struct Growing {
        let group: Group
        let drafter: Drafter
        let tokens: [Int32]
    }

    /// Guesses for each of `answers`, as many as pay.
    ///
    /// - Parameters:
    ///   - otherRows: rows of the pass beside one of each answer.
    ///   - room: rows that the pass may have more.
    func guesses(for answers: [Growing], otherRows: Int, room: Int) -> [Guess] {
        var left = min(room, DraftPlan.rows - answers.count)
        var guesses = answers.map { answer in
            let options = answer.group.request.options
            let length = answer.group.request.prompt.tokens.count + answer.tokens.count
            // The last token of an answer is chosen, not read.
            let limit = min(DraftPlan.most, options.maxTokens - answer.tokens.count - 1, model.model.contextLength - length - 1)
            let (source, tokens) = answer.drafter.guess(after: answer.tokens, limit: limit, rates: draftRates)
            return Guess(tokens: tokens, source: source, first: tokens.first)
        }
        let most =
            costs.map { costs in
                DraftPlan.guesses(
                    zip(answers, guesses).map { ($1.tokens.count, $0.drafter.rate($1.source, of: draftRates)) }, otherRows: otherRows, costs)
            } ?? DraftPlan.most
        for index in guesses.indices {
            let many = max(0, min(most, left, guesses[index].tokens.count))
            guesses[index].tokens.removeLast(guesses[index].tokens.count - many)
            left -= many
        }
        return guesses
    }

    /// Notes how a guess fared.
    func note(_ guess: Guess, right: Int, _ answer: Answer, of group: Group) {
        if drafting == .off { return }
        let guessed = guess.tokens.count
        if !answer.isFinished { answer.drafter.note(answer.tokens, right: right) }
        // Of an answer that ended within its guess nobody knows how that would have fared.
        if let first = guess.first, !answer.isFinished {
            let (tried, held) = guessed > 0 ? (guessed, right) : (1, answer.tokens.last == first ? 1 : 0)
            answer.drafter.rates[guess.source.rawValue].note(guessed: tried, right: held)
            draftRates[guess.source.rawValue].note(guessed: tried, right: held)
        }
        if guessed == 0 { return }
        statistics.drafts += 1
        statistics.draftTokens += guessed
        statistics.acceptedTokens += right
        group.timings.draftTokens += guessed
        group.timings.acceptedTokens += right
    }
}

extension DraftCosts {
    /// Measures passes of few rows to many, the best of two or three each. After one that takes half a second only the size of a pass with all
    /// guesses is measured, so that large models open soon.
    init(measuring model: LoadedModel, _ shape: KeyValueShape) {
        let decoder = model.model.decoder
        func seconds(rows: Int) -> Double {
            let start = ContinuousClock.now
            let pass = Pass(version: nil, rows: rows, arithmetic: model.arithmetic)
            var cache = KeyValueCache(shape: shape)
            cache.extend(by: rows)
            let hidden = decoder.hidden(
                tokens: Array(repeating: 0, count: rows), positions: (0..<Int32(rows)).map { $0 },
                keyValues: .cached(CachedBatch([CachedRows(rows: 0..<rows, cache: cache)])), pass)
            _ = decoder.logits(hidden, pass)
            return start.seconds
        }
        // The first pass reads weights from the disk.
        _ = seconds(rows: 1)
        var measured: [(rows: Int, seconds: Double)] = []
        for rows in [1, 2, 4, 8, DraftPlan.most, 32, 64, DraftPlan.rows] {
            if let last = measured.last, last.seconds > 0.5, rows < DraftPlan.most { continue }
            var best = seconds(rows: rows)
            for _ in 0..<(best < 0.05 ? 2 : 1) { best = min(best, seconds(rows: rows)) }
            measured.append((rows, best))
            if best > 0.5, rows >= DraftPlan.most { break }
        }
        self.init(measured)
    }
}
