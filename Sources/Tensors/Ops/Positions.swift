import CKernels

/// Rotary positions (Su et al., 2021) as Hugging Face applies them: element i of a head turns with element i + headSize/2.
package struct Rotary: Sendable {
    package let headSize: Int
    /// Radians per position, headSize/2 of them.
    let frequencies: Tensor

    /// - Parameter frequencies: radians per position of each pair.
    package init(frequencies: [Float]) {
        headSize = 2 * frequencies.count
        self.frequencies = Tensor(row: frequencies)
    }

    /// The frequencies θ^(−2i/headSize).
    package static func frequencies(headSize: Int, theta: Double) -> [Float] {
        (0..<headSize / 2).map { Float(1 / power(theta, Double(2 * $0) / Double(headSize))) }
    }

    /// Turns x [T, heads · headSize] to its positions, in a new tensor.
    package func callAsFunction(_ x: Tensor, positions: [Int32], _ tape: Tape? = nil) -> Tensor {
        precondition(positions.count == x.rows, "rotary: \(positions.count) positions for \(x.shape)")
        let y = x.copy()
        unsafe turn(y, positions, inverse: false)
        tape?.record(y, from: [x]) { dy, tape in
            let dx = dy.copy()
            unsafe turn(dx, positions, inverse: true)
            tape.add(dx, to: x)
        }
        return y
    }

    @unsafe private func turn(_ x: Tensor, _ positions: [Int32], inverse: Bool) {
        unsafe ck_rope(
            x.pointer, positions, frequencies.pointer, x.rows, x.columns / headSize, headSize, x.columns, inverse)
    }
}

import Glibc

private func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
