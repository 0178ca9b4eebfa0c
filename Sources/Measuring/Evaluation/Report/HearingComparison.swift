import Randomness

/// The parts of the gap that a candidate closed, over the items that both runs asked in the arms text, audio and transcript.
///
///     gap closed = hearing closed + reasoning closed        base − candidate, in points: positive is better
package struct HearingComparison: Codable, Sendable, Equatable {
    package var n: Int
    package var gap: Part
    package var hearing: Part
    package var reasoning: Part
    /// The word error rates over the same items.
    package var wordErrorsBefore: Double
    package var wordErrorsAfter: Double

    /// A part of the gap in points, before and after.
    package struct Part: Codable, Sendable, Equatable {
        package var before: Double
        package var after: Double
        package var closed: GapComparison.Closing

        init(_ parts: [(key: String, before: Int, after: Int)], confidence: Double, resamples: Int, seed: UInt64) {
            let changes = ClusteredPairs(differences: parts.map { ($0.key, $0.before - $0.after) }, range: -2...2)
            // All parts share one seed, and so their resamples.
            var generator = RandomStream(seed: seed)
            before = 100 * Double(parts.reduce(0) { $0 + $1.before }) / Double(parts.count)
            after = 100 * Double(parts.reduce(0) { $0 + $1.after }) / Double(parts.count)
            closed = GapComparison.Closing(changes, confidence: confidence, resamples: resamples, using: &generator)
        }
    }

    /// Nil if no item was asked in all three ways in both runs.
    init?(_ items: [(base: ItemResult, candidate: ItemResult)], confidence: Double, resamples: Int, seed: UInt64) {
        let pairs = items.compactMap { base, candidate in
            base.threeWays.flatMap { before in candidate.threeWays.map { (key: base.sourceQuestion, before: before, after: $0) } }
        }
        guard !pairs.isEmpty else { return nil }
        typealias Ways = (text: Bool, transcript: Bool, audio: Bool)
        func part(_ difference: (Ways) -> (Bool, Bool)) -> Part {
            func points(_ ways: Ways) -> Int {
                let (first, second) = difference(ways)
                return (first ? 1 : 0) - (second ? 1 : 0)
            }
            return Part(
                pairs.map { ($0.key, points($0.before), points($0.after)) }, confidence: confidence, resamples: resamples, seed: seed)
        }
        n = pairs.count
        gap = part { ($0.text, $0.audio) }
        hearing = part { ($0.text, $0.transcript) }
        reasoning = part { ($0.transcript, $0.audio) }
        let asked = items.filter { $0.base.threeWays != nil && $0.candidate.threeWays != nil }
        func rate(_ item: (((base: ItemResult, candidate: ItemResult)) -> ItemResult)) -> Double {
            let errors = asked.compactMap { item($0).asked(.transcript)?.wordErrors }
            return Double(errors.reduce(0) { $0 + $1.count }) / Double(max(1, errors.reduce(0) { $0 + $1.words }))
        }
        wordErrorsBefore = rate(\.base)
        wordErrorsAfter = rate(\.candidate)
    }

    enum CodingKeys: String, CodingKey {
        case n, gap, hearing, reasoning
        case wordErrorsBefore = "word_error_rate_before"
        case wordErrorsAfter = "word_error_rate_after"
    }
}
