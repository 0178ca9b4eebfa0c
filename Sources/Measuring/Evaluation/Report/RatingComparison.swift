/// A candidate's changes of a judge's scores from 1 to 5, over the items that both runs rated typed and spoken.
///
/// Only means of the same judge are comparable; two judges are among the comparison's `differences`.
package struct RatingComparison: Codable, Sendable, Equatable {
    package var n: Int
    /// Mean of score(text) − score(audio), in each run.
    package var gapBefore: Double
    package var gapAfter: Double
    /// The base's gap − the candidate's: positive is better.
    package var gapClosed: RatedDifference
    /// Candidate − base: positive is better.
    package var text: RatedDifference
    package var audio: RatedDifference

    /// Nil if no item was rated in both arms of both runs.
    init?(_ items: [(base: ItemResult, candidate: ItemResult)], confidence: Double, resamples: Int, seed: UInt64) {
        let rated = items.compactMap { base, candidate -> (key: String, before: (text: Int, audio: Int), after: (text: Int, audio: Int))? in
            guard let text = base.asked(.text)?.score, let audio = base.asked(.audio)?.score,
                let newText = candidate.asked(.text)?.score, let newAudio = candidate.asked(.audio)?.score
            else { return nil }
            return (base.sourceQuestion, (text, audio), (newText, newAudio))
        }
        guard !rated.isEmpty else { return nil }
        n = rated.count
        let mean = { (sum: Int) in Double(sum) / Double(rated.count) }
        gapBefore = mean(rated.reduce(0) { $0 + $1.before.text - $1.before.audio })
        gapAfter = mean(rated.reduce(0) { $0 + $1.after.text - $1.after.audio })
        gapClosed = RatedDifference(
            rated.map { ($0.key, ($0.before.text - $0.before.audio) - ($0.after.text - $0.after.audio)) }, reach: 8, confidence: confidence,
            resamples: resamples, seed: seed)
        text = RatedDifference(
            rated.map { ($0.key, $0.after.text - $0.before.text) }, confidence: confidence, resamples: resamples, seed: seed)
        audio = RatedDifference(
            rated.map { ($0.key, $0.after.audio - $0.before.audio) }, confidence: confidence, resamples: resamples, seed: seed)
    }

    enum CodingKeys: String, CodingKey {
        case n, text, audio
        case gapBefore = "gap_before"
        case gapAfter = "gap_after"
        case gapClosed = "gap_closed"
    }
}
