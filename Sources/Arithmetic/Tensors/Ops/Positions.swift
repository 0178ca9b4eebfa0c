import CKernels

/// Rotary positions (Su et al., 2021) in Hugging Face's order: element i of a head is rotated with element i + headSize/2.
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

    /// Rotates x [T, heads · headSize] to its positions, in a new tensor.
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

/// Rotates neighbouring pairs (x[2i], x[2i + 1]) of each row, each by its own angle, in double precision. Columns after the pairs are copied.
///
/// - Parameter angles: [T, pairs], in radians.
package func turnedPairs(_ x: Tensor, by angles: Tensor, _ tape: Tape? = nil) -> Tensor {
    precondition(angles.rows == x.rows && 2 * angles.columns <= x.columns, "turnedPairs: angles \(angles.shape) for \(x.shape)")
    let y = x.copy()
    unsafe turnPairs(y, angles, inverse: false)
    tape?.record(y, from: [x]) { dy, tape in
        let dx = dy.copy()
        unsafe turnPairs(dx, angles, inverse: true)
        tape.add(dx, to: x)
    }
    return y
}

@unsafe private func turnPairs(_ x: Tensor, _ angles: Tensor, inverse: Bool) {
    for row in 0..<x.rows {
        let (values, turns) = unsafe (x.row(row), angles.row(row))
        for pair in 0..<angles.columns {
            // Sines and cosines are those of float32.
            let angle = unsafe Double(turns[pair])
            let (cosine, sine) = (Double(Float(cos(angle))), Double(Float(inverse ? -sin(angle) : sin(angle))))
            let (a, b) = unsafe (Double(values[2 * pair]), Double(values[2 * pair + 1]))
            unsafe values[2 * pair] = Float(a * cosine - b * sine)
            unsafe values[2 * pair + 1] = Float(b * cosine + a * sine)
        }
    }
}

import Glibc

private func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
