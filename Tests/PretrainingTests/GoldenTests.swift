import Foundation
import Tensors
import TestSupport
import Testing

/// The operations of pretraining against PyTorch's, by `Tests/Fixtures/pretraining/make.py`.
@Suite struct GoldenTests {
    private struct CTC: Decodable {
        let words: Int
        let blank: Int32
        let lengths: [Int]
        let labels: [[Int32]]
        let logits: [Float]
        let losses: [Double?]
        let gradient: [Float]
    }

    private struct MuonCase: Decodable {
        let rows: Int
        let columns: Int
        let start: [Float]
        let gradients: [[Float]]
        let after: [[Float]]
    }

    private func golden<Value: Decodable>(_ name: String) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(contentsOf: fixtures.appending(path: "pretraining/\(name).json")))
    }

    @Test func lossAndGradientOfCTCAreThoseOfPyTorch() throws {
        let golden: CTC = try golden("ctc")
        let logits = Tensor(golden.logits, rows: golden.logits.count / golden.words, columns: golden.words)
        let losses = overwriteWithCTCGradient(
            logits, lengths: golden.lengths, labels: golden.labels, blank: golden.blank, scale: 2)
        #expect(losses.count == golden.losses.count)
        for (found, expected) in zip(losses, golden.losses) {
            if let expected { #expect(abs(found - expected) < 1e-5) } else { #expect(found == .infinity) }
        }
        #expect(largestDifference(logits.values, golden.gradient.map { 2 * $0 }) < 1e-5)
    }

    /// PyTorch orthogonalises in bfloat16: its rounding, which the quintic enlarges, is all that may differ.
    @Test func threeStepsOfMuonFollowPyTorch() throws {
        let cases: [MuonCase] = try golden("muon")
        try #require(!cases.isEmpty)
        for golden in cases {
            let parameter = Tensor(golden.start, rows: golden.rows, columns: golden.columns)
            let momentum = Tensor(zeros: golden.rows, golden.columns)
            var before = golden.start
            try #require(golden.gradients.count == golden.after.count && !golden.after.isEmpty)
            for (gradient, after) in zip(golden.gradients, golden.after) {
                Muon().update(
                    parameter, momentum, gradient: Tensor(gradient, rows: golden.rows, columns: golden.columns), rate: 0.02)
                let step = largestDifference(before, after)
                #expect(largestDifference(parameter.values, after) < 0.1 * step && step.isFinite)
                before = after
            }
        }
    }
}
