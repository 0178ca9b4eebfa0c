import CordBench
import CordNano
import Evaluation
import Generation
import TestSupport
import Testing

/// How far widths move a model's distributions.
@Suite(.ownThread) struct DriftTests {
    private func drift(_ precision: ModelPrecision, _ arm: Arm) async throws -> [Float] {
        func respondent(_ precision: ModelPrecision) throws -> EngineRespondent {
            EngineRespondent(Engine(try LoadedModel(directory: CordNano.directory, precision: precision)))
        }
        let drift = Drift(of: try respondent(precision), from: try respondent(.float32))
        let set = try CordBench.standard.questionSet()
        var told: [Int] = []
        let found = try await drift.measure(set, arm: arm, limit: 4, seed: 0) { done, total in told.append(done * 100 + total) }
        #expect(told == [4, 104, 204, 304, 404])
        return found
    }

    @Test(arguments: [Arm.text, .audio]) func narrowerWidthsDriftFurtherAndFloat32NotAtAll(arm: Arm) async throws {
        let none = try await drift(.float32, arm), eight = try await drift(.int8, arm), four = try await drift(.int4, arm)
        try #require(none.count > 20 && eight.count == none.count && four.count == none.count)
        #expect(none.allSatisfy { $0 == 0 })
        #expect(eight.allSatisfy { $0 > -1e-6 } && four.allSatisfy { $0 > -1e-6 })
        func mean(_ values: [Float]) -> Float { values.reduce(0, +) / Float(values.count) }
        #expect(mean(eight) > 0 && mean(four) > 3 * mean(eight) && mean(four) < 0.1, "\(mean(eight)), \(mean(four))")
    }
}
