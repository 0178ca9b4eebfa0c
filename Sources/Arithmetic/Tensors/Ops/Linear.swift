import CKernels

/// The treatment of activations in products with stored weights. Sums are float32 in both cases.
package enum Arithmetic: Sendable {
    /// Activations in float32; stored weights are widened exactly.
    case float32
    /// Activations are rounded to what the weight's format multiplies fastest: to bfloat16 beside bfloat16, the usual bfloat16 inference; to
    /// 8 bits with a scale for each 32 beside blocks of integers, as llama.cpp does. Beside float32 and float16 they stay float32.
    case narrow
}

/// y [T, out] = x [T, in] · wᵀ + bias, for a stored weight w [out, in]. Each row's bits are the same in any batch.
///
/// The weight is frozen: the backward pass gives dx = dy · w, and the bias's gradient where it is tracked.
package func linear(
    _ x: Tensor, _ w: StoredMatrix, bias: Tensor? = nil, arithmetic: Arithmetic = .float32, _ tape: Tape? = nil
) -> Tensor {
    precondition(x.columns == w.columns, "linear: x \(x.shape) by w [\(w.rows), \(w.columns)]")
    precondition(bias == nil || bias?.count == w.rows, "linear: bias \(bias?.shape ?? "") for \(w.rows) outputs")
    let y = Tensor(uninitialized: x.rows, w.rows)
    unsafe storedProduct(y.pointer, x.pointer, rows: x.rows, w, bias: bias?.pointer, arithmetic)
    tape?.record(y, from: [x] + (bias.map { [$0] } ?? [])) { dy, tape in
        if let bias { addColumnSums(of: dy, to: bias, tape) }
        guard tape.isTracked(x) else { return }
        unsafe tape.accumulate(into: x) { unsafe multiply(dy, by: w, addingTo: $0) }
    }
    return y
}

/// y [T, out] = x [T, in] · wᵀ + bias, for a float32 weight that may be trained: dw = dyᵀ · x.
package func linear(_ x: Tensor, _ w: Tensor, bias: Tensor? = nil, _ tape: Tape? = nil) -> Tensor {
    precondition(x.columns == w.columns, "linear: x \(x.shape) by w \(w.shape)")
    let y = Tensor(uninitialized: x.rows, w.rows)
    unsafe storedProduct(y.pointer, x.pointer, rows: x.rows, StoredMatrix(w), bias: bias?.pointer, .float32)
    tape?.record(y, from: [x, w] + (bias.map { [$0] } ?? [])) { dy, tape in
        if let bias { addColumnSums(of: dy, to: bias, tape) }
        unsafe tape.accumulate(into: x) {
            unsafe BLAS.product($0, dy.pointer, w.pointer, m: dy.rows, n: w.columns, k: w.rows, beta: 1)
        }
        unsafe tape.accumulate(into: w) {
            unsafe BLAS.product(
                $0, dy.pointer, transposeA: true, x.pointer, m: w.rows, n: w.columns, k: dy.rows, beta: 1)
        }
    }
    return y
}

/// The forward product on raw rows, for callers that write into storage of their own.
@unsafe package func storedProduct(
    _ y: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, rows: Int, _ w: StoredMatrix,
    bias: UnsafePointer<Float>?, _ arithmetic: Arithmetic
) {
    guard rows > 0 else { return }
    switch arithmetic {
    case .float32: unsafe ck_linear(y, x, w.matrix, bias, rows)
    case .narrow: unsafe ck_linear_narrow(y, x, w.matrix, bias, rows)
    }
}

/// dx += dy · w. A narrow weight is widened block by block, so that it never exists whole in float32.
@unsafe package func multiply(_ dy: Tensor, by w: StoredMatrix, addingTo dx: UnsafeMutablePointer<Float>) {
    precondition(dy.columns == w.rows, "gradient \(dy.shape) by w [\(w.rows), \(w.columns)]")
    if let floats = unsafe w.floats {
        unsafe BLAS.product(dx, dy.pointer, floats, m: dy.rows, n: w.columns, k: w.rows, beta: 1)
        return
    }
    let block = max(1, min(w.rows, (4 << 20) / max(1, w.columns)))
    let wide = Buffer(count: block * w.columns)
    let columns = Buffer(count: dy.rows * block)
    for start in stride(from: 0, to: w.rows, by: block) {
        let range = start..<min(w.rows, start + block)
        unsafe w.widen(range, into: wide.base)
        for row in 0..<dy.rows {
            unsafe (columns.base + row * range.count).update(from: dy.row(row) + start, count: range.count)
        }
        unsafe BLAS.product(dx, columns.base, wide.base, m: dy.rows, n: w.columns, k: range.count, beta: 1)
    }
}

/// bias gradient: the sum of dy over rows.
private func addColumnSums(of dy: Tensor, to bias: Tensor, _ tape: Tape) {
    unsafe tape.accumulate(into: bias) { sums in
        for row in 0..<dy.rows { unsafe ck_axpy(sums, 1, dy.row(row), dy.columns) }
    }
}
