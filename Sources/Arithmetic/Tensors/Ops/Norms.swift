import CKernels

/// y = x / √(mean(x²) + ε) · w, row by row (Zhang and Sennrich, 2019). If w is shorter than a row, each group of as many
/// columns is normalised separately: the heads of an attention.
package func rmsNorm(_ x: Tensor, weight: Tensor, epsilon: Float, _ tape: Tape? = nil) -> Tensor {
    precondition(x.columns % weight.count == 0, "rmsNorm: weight \(weight.shape) for \(x.shape)")
    let (groups, columns) = (x.count / weight.count, weight.count)
    let y = Tensor(uninitialized: x.rows, x.columns)
    unsafe ck_rmsnorm(y.pointer, x.pointer, weight.pointer, groups, columns, epsilon)
    tape?.record(y, from: [x, weight]) { dy, tape in
        unsafe tape.accumulate(into: x) {
            unsafe ck_rmsnorm_backward(
                $0, nil, dy.pointer, x.pointer, weight.pointer, groups, columns, epsilon)
        }
        unsafe tape.accumulate(into: weight) {
            unsafe ck_rmsnorm_backward(
                nil, $0, dy.pointer, x.pointer, weight.pointer, groups, columns, epsilon)
        }
    }
    return y
}

/// y = (x − mean) / √(variance + ε) · w + b, row by row.
package func layerNorm(_ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float, _ tape: Tape? = nil) -> Tensor {
    precondition(
        weight.count == x.columns && bias.count == x.columns, "layerNorm: \(weight.shape), \(bias.shape) for \(x.shape)")
    let y = Tensor(uninitialized: x.rows, x.columns)
    unsafe ck_layernorm(y.pointer, x.pointer, weight.pointer, bias.pointer, x.rows, x.columns, epsilon)
    tape?.record(y, from: [x, weight, bias]) { dy, tape in
        unsafe tape.accumulate(into: x) {
            unsafe ck_layernorm_backward(
                $0, nil, nil, dy.pointer, x.pointer, weight.pointer, x.rows, x.columns, epsilon)
        }
        unsafe tape.accumulate(into: weight) {
            unsafe ck_layernorm_backward(
                nil, $0, nil, dy.pointer, x.pointer, weight.pointer, x.rows, x.columns, epsilon)
        }
        unsafe tape.accumulate(into: bias) {
            unsafe ck_layernorm_backward(
                nil, nil, $0, dy.pointer, x.pointer, weight.pointer, x.rows, x.columns, epsilon)
        }
    }
    return y
}
