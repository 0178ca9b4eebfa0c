/// Muon (Jordan et al., 2024): momentum whose matrix is made orthogonal before it moves the parameter.
///
///     m ← μ m + g     u = g + μ m     O ≈ (u uᵀ)^−½ u, by Newton and Schulz
///     p ← p (1 − lr·decay) − lr · 0.2 √max(rows, columns) · O
///
/// The factor gives updates the size of AdamW's, so that both take one learning rate (Liu et al., 2025). For matrices inside a
/// network; tables, heads and vectors are AdamW's.
package struct Muon: Sendable, Equatable, Codable {
    package var momentum = 0.95
    package var weightDecay = 0.01
    private static let iterations = 5
    /// The quintic that drives every singular value near 1 from anywhere in (0, 1].
    private static let quintic: (a: Float, b: Float, c: Float) = (3.4445, -4.7750, 2.0315)

    package init() {}

    /// Updates `parameter` and the momentum `m` in place. No other thread may read the parameter meanwhile.
    package func update(_ parameter: Tensor, _ m: Tensor, gradient: Tensor, rate: Double) {
        precondition(
            m.count == parameter.count && gradient.count == parameter.count,
            "Muon: gradient \(gradient.shape) for \(parameter.shape)")
        let mu = Float(momentum)
        let direction = Tensor(uninitialized: parameter.rows, parameter.columns)
        for index in 0..<m.count {
            let g = unsafe gradient.pointer[index]
            let moved = unsafe mu * m.pointer[index] + g
            unsafe m.pointer[index] = moved
            unsafe direction.pointer[index] = g + mu * moved
        }
        let orthogonal = Self.orthogonalized(direction)
        let keep = Float(1 - rate * weightDecay)
        let step = Float(rate * 0.2 * Double(max(parameter.rows, parameter.columns)).squareRoot())
        for index in 0..<parameter.count {
            unsafe parameter.pointer[index] = keep * parameter.pointer[index] - step * orthogonal.pointer[index]
        }
    }

    /// A matrix with the singular vectors of `x` and singular values near 1.
    static func orthogonalized(_ x: Tensor) -> Tensor {
        let norm = sumOfSquares(x).squareRoot() + 1e-7
        // The product with itself is taken on the shorter side.
        let isTall = x.rows > x.columns
        let (rows, columns) = isTall ? (x.columns, x.rows) : (x.rows, x.columns)
        var y = Tensor(uninitialized: rows, columns)
        let factor = Float(1 / norm)
        for row in 0..<x.rows {
            for column in 0..<x.columns {
                let value = unsafe factor * x.pointer[row * x.columns + column]
                unsafe y.pointer[isTall ? column * x.rows + row : row * x.columns + column] = value
            }
        }
        let gram = Tensor(uninitialized: rows, rows)
        let polynomial = Tensor(uninitialized: rows, rows)
        for _ in 0..<iterations {
            // y ← a y + (b G + c G²) y, with G = y yᵀ
            unsafe BLAS.product(gram.pointer, y.pointer, y.pointer, transposeB: true, m: rows, n: rows, k: columns, beta: 0)
            for index in 0..<gram.count {
                unsafe polynomial.pointer[index] = quintic.b / quintic.c * gram.pointer[index]
            }
            unsafe BLAS.product(polynomial.pointer, gram.pointer, gram.pointer, m: rows, n: rows, k: rows, beta: 1)
            let next = y.copy()
            for index in 0..<next.count { unsafe next.pointer[index] *= quintic.a / quintic.c }
            unsafe BLAS.product(next.pointer, polynomial.pointer, y.pointer, m: rows, n: columns, k: rows, beta: 1)
            for index in 0..<next.count { unsafe next.pointer[index] *= quintic.c }
            y = next
        }
        if !isTall { return y }
        let turned = Tensor(uninitialized: x.rows, x.columns)
        for row in 0..<rows {
            for column in 0..<columns { unsafe turned.pointer[column * rows + row] = unsafe y.pointer[row * columns + column] }
        }
        return turned
    }
}
