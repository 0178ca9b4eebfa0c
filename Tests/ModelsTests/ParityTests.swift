import Models
import Tensors
import TestSupport
import Testing

/// Every family against transformers, on random checkpoints of several shapes and on cord-nano.
@Suite struct ParityTests {
    /// Every position's log-probabilities against transformers in float32, within 1e-4.
    @Test(arguments: Fixture.paths)
    func logProbabilitiesAgreeWithTransformers(path: String) throws {
        let fixture = try Fixture(path)
        let model = try fixture.model()
        for item in fixture.family.cases {
            let logits = try fixture.logits([item], model)[0]
            let normalisers = logSumExpRows(logits)
            let expectedNormalisers = try fixture.golden("\(item.name)/logsumexp")
            let next = try fixture.golden("\(item.name)/next_logprob")
            let topIDs = try fixture.goldenIntegers("\(item.name)/top_ids")
            let top = try fixture.golden("\(item.name)/top_logprobs")
            var worst: Float = 0
            for row in 0..<logits.rows {
                worst = max(worst, abs(normalisers[row] - expectedNormalisers[row]))
                for column in 0..<8 {
                    let found = logits[row, topIDs[row * 8 + column]] - normalisers[row]
                    worst = max(worst, abs(found - top[row * 8 + column]))
                }
                if row + 1 < logits.rows {
                    worst = max(worst, abs(logits[row, Int(item.input_ids[row + 1])] - normalisers[row] - next[row]))
                }
            }
            #expect(worst < 1e-4, "\(path) \(item.name): off by \(worst)")
        }
    }

    /// The projected audio embeddings at the rows that the fixture keeps.
    @Test(arguments: Fixture.paths)
    func audioEmbeddingsAgreeWithTransformers(path: String) throws {
        let fixture = try Fixture(path)
        let model = try fixture.model()
        for item in fixture.family.cases where !item.clips.isEmpty {
            let embedded = try fixture.embeddings([item], model)!
            var start = 0
            for (index, clip) in item.clips.enumerated() {
                let rows = try fixture.goldenIntegers("\(item.name)/clip\(index)/rows")
                let expected = try fixture.golden("\(item.name)/clip\(index)/embeddings")
                for (place, row) in rows.enumerated() {
                    for column in 0..<embedded.columns {
                        let difference = abs(embedded[start + row, column] - expected[place * embedded.columns + column])
                        #expect(difference < 1e-4, "\(path) \(item.name) clip \(index) row \(row)")
                    }
                }
                start += model.audio!.rowCount(try fixture.segments(clip, model))
            }
        }
    }

    /// All cases of a checkpoint in one pass, clips of other lengths beside one another.
    @Test(arguments: Fixture.paths)
    func aBatchHasTheBitsOfEachCaseAlone(path: String) throws {
        let fixture = try Fixture(path)
        let model = try fixture.model()
        let together = try fixture.logits(fixture.family.cases, model)
        for (item, logits) in zip(fixture.family.cases, together) {
            #expect(try fixture.logits([item], model)[0].values == logits.values, "\(path) \(item.name)")
        }
    }
}
