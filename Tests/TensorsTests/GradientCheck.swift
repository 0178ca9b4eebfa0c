import Tensors
import TestSupport
import Testing

/// Compares the gradient that a tape gives with finite differences, element by element.
///
///     L(x) = Σ r · f(x) for random r;   dL/dx ≈ (4 D(h/2) − D(h)) / 3,  D(h) = (L(x + h) − L(x − h)) / 2h
struct GradientCheck {
    let inputs: [Tensor]
    let function: ([Tensor], Tape?) -> Tensor
    /// Step of the differences: large, since sums are in float32.
    var step: Float = 0.02
    /// Of the largest element of a gradient.
    var tolerance: Double = 2e-3

    func run(_ name: String, sourceLocation: SourceLocation = #_sourceLocation) {
        let tape = Tape()
        let watched = inputs.map { $0.copy() }
        for input in watched { tape.watch(input) }
        let output = function(watched, tape)
        let weights = Numbers.tensor(output.rows, output.columns, seed: 99)
        tape.backward(from: output, gradient: weights)
        for (index, input) in inputs.enumerated() {
            guard let gradient = tape.gradient(of: watched[index]) else {
                Issue.record("\(name): nothing reached input \(index)", sourceLocation: sourceLocation)
                continue
            }
            let values = gradient.values
            let size = values.map { Double(abs($0)) }.max() ?? 0
            for element in 0..<input.count {
                func difference(_ h: Float) -> Double {
                    (loss(index, element, h, weights) - loss(index, element, -h, weights)) / (2 * Double(h))
                }
                let expected = (4 * difference(step / 2) - difference(step)) / 3
                let error = largestDifference([Double(values[element])], [expected])
                #expect(
                    error <= tolerance * max(size, 0.1),
                    "\(name), input \(index), element \(element): \(values[element]), differences say \(expected)",
                    sourceLocation: sourceLocation)
            }
        }
    }

    private func loss(_ index: Int, _ element: Int, _ h: Float, _ weights: Tensor) -> Double {
        var moved = inputs
        var values = inputs[index].values
        values[element] += h
        moved[index] = Tensor(values, rows: inputs[index].rows, columns: inputs[index].columns)
        return zip(function(moved, nil).values, weights.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
}

/// Seeded numbers in (−1, 1).
enum Numbers {
    static func values(_ count: Int, seed: UInt64) -> [Float] {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(Int32(truncatingIfNeeded: state >> 33)) / Float(1 << 30) - 1
        }
    }

    static func tensor(_ rows: Int, _ columns: Int, seed: UInt64) -> Tensor {
        Tensor(values(rows * columns, seed: seed), rows: rows, columns: columns)
    }
}
