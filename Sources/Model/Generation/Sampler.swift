import Glibc
import Randomness
package import Structure
package import Tensors

/// Chooses tokens from rows of logits.
///
/// The order is: penalties, biases, temperature, top-k, top-p over the remaining tokens, min-p, then one draw. The choice depends only on the
/// logits, the options, the tokens seen and the random stream, so an answer does not depend on concurrent requests.
///
/// Options that passed ``SamplingOptions/check()`` give a token or an error for any logits. Logits that are NaN or +∞, or all −∞, are not a
/// distribution.
package struct Sampler {
    let options: SamplingOptions
    private let isGreedy: Bool
    private var random: RandomStream
    private var answerCounts: [Int32: Int] = [:]
    private var seen: Set<Int32> = []

    package init(_ options: SamplingOptions, prompt: [Int32], choice: Int) {
        self.options = options
        isGreedy = options.temperature < SamplingOptions.leastTemperature
        random = RandomStream(seed: options.seed, index: choice)
        if options.repetitionPenalty != 1 { seen = Set(prompt) }
    }

    /// Chooses a token from row `row` of `logits`, and counts it for the penalties.
    ///
    /// - Parameters:
    ///   - excluded: tokens that cannot be chosen.
    ///   - unwritten: others that never can.
    ///   - mask: the tokens that can, where the answer has a form.
    /// - Throws: ``EngineError/noDistribution`` where the row, penalties applied, gives no token a probability.
    package mutating func choose(
        _ logits: Tensor, row: Int, excluding excluded: Set<Int32> = [], unwritten: [Range<Int32>] = [], mask: Structure.Mask? = nil
    ) throws(EngineError) -> Int32 {
        let token = try pick(logits, row: row, excluding: excluded, unwritten: unwritten, mask: mask)
        if options.repetitionPenalty != 1 { seen.insert(token) }
        if options.frequencyPenalty != 0 || options.presencePenalty != 0 { answerCounts[token, default: 0] += 1 }
        return token
    }

    private mutating func pick(
        _ logits: Tensor, row: Int, excluding excluded: Set<Int32>, unwritten: [Range<Int32>], mask: Structure.Mask?
    ) throws(EngineError) -> Int32 {
        let isChanged = !seen.isEmpty || !answerCounts.isEmpty || !options.logitBias.isEmpty || !excluded.isEmpty
        if let few = mask?.few {
            // A row of those alone: the rest of the vocabulary is not read.
            let own = gathered(logits, row: row, few)
            if isChanged { for (place, token) in few.enumerated() { change(own, place, token, excluding: excluded) } }
            for (place, token) in few.enumerated() where unwritten.contains(where: { $0.contains(token) }) { unsafe own.pointer[place] = -.infinity }
            return few[try place(in: own, row: 0)]
        }
        guard isChanged || !unwritten.isEmpty || mask != nil else { return Int32(try place(in: logits, row: row)) }
        let own = mask.map { masked(logits, row: row, allowed: $0.words) } ?? logits.rowsCopy(row..<row + 1)
        if isChanged {
            // A checkpoint may name an end token that its vocabulary has not.
            let tokens = seen.union(answerCounts.keys).union(options.logitBias.keys).union(excluded.filter { $0 < own.columns })
            for token in tokens { change(own, Int(token), token, excluding: excluded) }
        }
        for token in unwritten.joined() { unsafe own.pointer[Int(token)] = -.infinity }
        return Int32(try place(in: own, row: 0))
    }

    /// Applies penalties and biases to the logit of a token, which lies at a place of a row of the sampler's own.
    private func change(_ row: Tensor, _ place: Int, _ token: Int32, excluding excluded: Set<Int32>) {
        var logit = excluded.contains(token) ? -.infinity : row[0, place]
        let penalty = Float(options.repetitionPenalty)
        if seen.contains(token) { logit = logit > 0 ? logit / penalty : logit * penalty }
        if let count = answerCounts[token] { logit -= Float(options.presencePenalty + Double(count) * options.frequencyPenalty) }
        if let bias = options.logitBias[token] { logit += bias }
        unsafe row.pointer[place] = logit
    }

    /// The place of the choice in a row of logits to choose from.
    private mutating func place(in logits: Tensor, row: Int) throws(EngineError) -> Int {
        guard isDistribution(logits, row: row) else { throw .noDistribution }
        if isGreedy { return argmax(logits, row: row) }
        if options.topK == 0 && options.topP >= 1 && options.minP <= 0 { return drawFromAll(logits, row: row) }
        return drawFromBest(logits, row: row)
    }

    /// Draws in two steps: a block of words by the blocks' sums, then a word of that block.
    private mutating func drawFromAll(_ logits: Tensor, row: Int) -> Int {
        let inverse = 1 / options.temperature
        let draw = DrawSums(logits, row: row, scale: Float(inverse))
        let top = Double(logits[row, draw.best])
        var left = random.unit() * draw.sums.reduce(0, +)
        for (block, sum) in draw.sums.enumerated() {
            guard left < sum else {
                left -= sum
                continue
            }
            // If rounding leaves a remainder at the end of the block, its last possible word is chosen.
            var last: Int?
            for index in block * DrawSums.block..<min(logits.columns, (block + 1) * DrawSums.block) {
                let weight = exp((Double(logits[row, index]) - top) * inverse)
                left -= weight
                if left < 0 { return index }
                if weight > 0 { last = index }
            }
            if let last { return last }
        }
        return draw.best
    }

    /// Draws among the candidates that the filters leave, most probable first.
    private mutating func drawFromBest(_ logits: Tensor, row: Int) -> Int {
        let inverse = 1 / options.temperature
        let draw = DrawSums(logits, row: row, scale: Float(inverse))
        let top = Double(logits[row, draw.best])
        var total = draw.sums.reduce(0, +)
        let values = unsafe UnsafeBufferPointer(start: logits.row(row), count: logits.columns)

        // Few tokens matter: take those within a distance of the best, and widen it until the filters are satisfied.
        var distance = 12.0
        var best: [(place: Int, weight: Double)] = []
        while true {
            best.removeAll(keepingCapacity: true)
            let floor = Float(top - distance / inverse)
            for index in 0..<values.count where unsafe values[index] >= floor || distance > 200 {
                best.append((index, exp((Double(unsafe values[index]) - top) * inverse)))
            }
            if distance > 200 || best.count == values.count { break }
            let enough =
                options.topK > 0
                ? best.count >= options.topK : best.reduce(0) { $0 + $1.weight } >= options.topP * total
            if enough && (options.topP < 1 || options.topK > 0 || distance >= 40) { break }
            distance *= 2.5
        }
        best.sort { $0.weight != $1.weight ? $0.weight > $1.weight : $0.place < $1.place }
        if options.topK > 0 && best.count > options.topK {
            best.removeLast(best.count - options.topK)
            total = best.reduce(0) { $0 + $1.weight }
        } else if options.topK > 0 {
            total = best.reduce(0) { $0 + $1.weight }
        }
        if options.topP < 1 {
            var mass = 0.0
            let kept = best.firstIndex {
                mass += $0.weight
                return mass >= options.topP * total
            }
            if let kept { best.removeLast(best.count - kept - 1) }
        }
        if options.minP > 0 { best.removeAll { $0.weight < options.minP } }
        var left = random.unit() * best.reduce(0) { $0 + $1.weight }
        for candidate in best {
            left -= candidate.weight
            if left < 0 { return candidate.place }
        }
        return best[0].place
    }
}

/// A token's log-probability under the model (temperature 1, no filters), with the likeliest alternatives.
package struct TokenLogProbability: Sendable, Equatable {
    package let token: Int32
    package let logProbability: Float
    package let top: [(token: Int32, logProbability: Float)]

    package static func == (a: Self, b: Self) -> Bool {
        a.token == b.token && a.logProbability == b.logProbability && a.top.elementsEqual(b.top, by: ==)
    }

    init(_ token: Int32, in logits: Tensor, row: Int, alternatives: Int) {
        let values = unsafe UnsafeBufferPointer(start: logits.row(row), count: logits.columns)
        let normaliser = logSumExpRows(logits.rowsCopy(row..<row + 1))[0]
        self.token = token
        unsafe logProbability = values[Int(token)] - normaliser
        guard alternatives > 0 else {
            top = []
            return
        }
        var best: [(token: Int32, logProbability: Float)] = []
        for index in 0..<values.count {
            let value = unsafe values[index]
            if best.count == alternatives, let last = best.last, value <= last.logProbability { continue }
            let place = best.firstIndex { $0.logProbability < value } ?? best.count
            best.insert((Int32(index), value), at: place)
            if best.count > alternatives { best.removeLast() }
        }
        top = best.map { ($0.token, $0.logProbability - normaliser) }
    }
}
