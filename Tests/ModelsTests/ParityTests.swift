import Models
import Tensors
import TestSupport
import Testing

/// Every family against transformers, on random checkpoints of several shapes and on cord-nano.
@Suite(.ownThread) struct ParityTests {
    /// Every position's log-probabilities against transformers in float32, within 1e-4.
    @Test(arguments: Fixture.paths)
    func logProbabilitiesAgreeWithTransformers(path: String) throws {
        let fixture = try Fixture(path)
        let model = try fixture.model()
        for item in fixture.reference.cases {
            let logits = try fixture.logits([item], model)[0]
            let normalisers = logSumExpRows(logits)
            let expectedNormalisers = try fixture.golden("\(item.name)/logsumexp")
            let next = try fixture.golden("\(item.name)/next_logprob")
            let topIDs = try fixture.goldenIntegers("\(item.name)/top_ids")
            let top = try fixture.golden("\(item.name)/top_logprobs")
            let rows = 0..<logits.rows
            let found =
                normalisers
                + rows.flatMap { row in (0..<8).map { logits[row, topIDs[row * 8 + $0]] - normalisers[row] } }
                + rows.dropLast().map { logits[$0, Int(item.inputIDs[$0 + 1])] - normalisers[$0] }
            let worst = largestDifference(found, expectedNormalisers + top + next)
            #expect(worst < 1e-4, "\(path) \(item.name): off by \(worst)")
        }
    }

    /// The projected audio embeddings at the rows that the fixture keeps.
    @Test(arguments: Fixture.paths)
    func audioEmbeddingsAgreeWithTransformers(path: String) throws {
        let fixture = try Fixture(path)
        let model = try fixture.model()
        let spoken = fixture.reference.cases.filter { !$0.clips.isEmpty }
        try #require(!spoken.isEmpty)
        for item in spoken {
            let embedded = try fixture.embeddings([item], model)!
            var start = 0
            for (index, clip) in item.clips.enumerated() {
                let rows = try fixture.goldenIntegers("\(item.name)/clip\(index)/rows")
                let expected = try fixture.golden("\(item.name)/clip\(index)/embeddings")
                let found = rows.flatMap { row in (0..<embedded.columns).map { embedded[start + row, $0] } }
                #expect(largestDifference(found, expected) < 1e-4, "\(path) \(item.name) clip \(index)")
                start += model.audio!.rowCount(try fixture.segments(clip, model))
            }
        }
    }

    /// All cases of a checkpoint in one pass, clips of other lengths beside one another.
    @Test(arguments: Fixture.paths)
    func aBatchHasTheBitsOfEachCaseAlone(path: String) throws {
        let fixture = try Fixture(path)
        let model = try fixture.model()
        let together = try fixture.logits(fixture.reference.cases, model)
        for (item, logits) in zip(fixture.reference.cases, together) {
            #expect(try fixture.logits([item], model)[0].values == logits.values, "\(path) \(item.name)")
        }
    }

    /// Rows of several versions share a mixture's experts, each with its own adapters.
    @Test func versionsBesideOneAnotherKeepTheirBitsInAMixtureOfExperts() throws {
        let fixture = try Fixture("qwen3_omni_moe/published")
        let model = try fixture.model()
        let item = try #require(fixture.reference.named("text"))
        var adapters: [Int: LowRank] = [:]
        for parameter in model.parameters where parameter.kind == .linear && parameter.name.contains(".experts.") {
            let (rows, columns) = (parameter.stored.rows, parameter.stored.columns)
            let (a, b) = ((0..<columns).map { Float($0 % 5) - 2 }, (0..<rows).map { Float($0 % 3) - 1 })
            adapters[parameter.index] = LowRank(a: Tensor(row: a), b: Tensor(b, rows: rows, columns: 1), scale: 0.05)
        }
        let version = WeightVersion(id: "experts", adapters: adapters)
        let count = item.inputIDs.count
        let order: [WeightVersion?] = [version, nil, version]
        let runs = order.enumerated().map { Pass.Run(rows: $0 * count..<($0 + 1) * count, version: $1) }
        let pass = Pass(runs: runs, arithmetic: .float32)
        let hidden = model.decoder.hidden(
            tokens: order.flatMap { _ in item.inputIDs }, positions: order.flatMap { _ in item.inputIDs.indices.map(Int32.init) },
            keyValues: .packed(PackedSegment.sequences(order.map { _ in count }, causal: true)), pass)
        let together = model.decoder.logits(hidden, pass)
        let alone = try order.map { try fixture.logits([item], model, version: $0)[0].values }
        #expect(alone[0] != alone[1])
        for (run, values) in zip(runs, alone) { #expect(together.rowsCopy(run.rows).values == values) }
    }
}
