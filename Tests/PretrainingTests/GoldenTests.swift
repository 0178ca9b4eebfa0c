import Foundation
import Tensors
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
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return try JSONDecoder().decode(
            Value.self, from: try Data(contentsOf: folder.appending(path: "Fixtures/pretraining/\(name).json")))
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
        for (found, expected) in zip(logits.values, golden.gradient) { #expect(abs(found - 2 * expected) < 1e-5) }
    }

    /// PyTorch orthogonalises in bfloat16: its rounding, which the quintic enlarges, is all that may differ.
    @Test func threeStepsOfMuonFollowPyTorch() throws {
        let cases: [MuonCase] = try golden("muon")
        for golden in cases {
            let parameter = Tensor(golden.start, rows: golden.rows, columns: golden.columns)
            let momentum = Tensor(zeros: golden.rows, golden.columns)
            var before = golden.start
            for (gradient, after) in zip(golden.gradients, golden.after) {
                Muon().update(
                    parameter, momentum, gradient: Tensor(gradient, rows: golden.rows, columns: golden.columns), rate: 0.02)
                let step = zip(after, before).map { abs($0 - $1) }.max()!
                for (found, expected) in zip(parameter.values, after) { #expect(abs(found - expected) < 0.1 * step) }
                before = after
            }
        }
    }
}
