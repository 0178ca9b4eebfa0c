import CKernels

/// The exact GELU, x·Φ(x).
package func gelu(_ x: Tensor, _ tape: Tape? = nil) -> Tensor {
    let y = Tensor(uninitialized: x.rows, x.columns)
    unsafe ck_gelu(y.pointer, x.pointer, x.count)
    tape?.record(y, from: [x]) { dy, tape in
        unsafe tape.accumulate(into: x) { unsafe ck_gelu_backward($0, dy.pointer, x.pointer, x.count) }
    }
    return y
}

/// max(x, 0)
package func relu(_ x: Tensor, _ tape: Tape? = nil) -> Tensor {
    let y = Tensor(uninitialized: x.rows, x.columns)
    for index in 0..<x.count { unsafe y.pointer[index] = unsafe max(x.pointer[index], 0) }
    tape?.record(y, from: [x]) { dy, tape in
        unsafe tape.accumulate(into: x) { dx in
            for index in 0..<x.count where unsafe x.pointer[index] > 0 { unsafe dx[index] += dy.pointer[index] }
        }
    }
    return y
}

/// silu(gate) · up, the gate of a SwiGLU.
package func gated(_ gate: Tensor, _ up: Tensor, _ tape: Tape? = nil) -> Tensor {
    precondition(gate.rows == up.rows && gate.columns == up.columns, "gated: \(gate.shape) and \(up.shape)")
    let y = Tensor(uninitialized: gate.rows, gate.columns)
    unsafe ck_silu_mul(y.pointer, gate.pointer, up.pointer, y.count)
    tape?.record(y, from: [gate, up]) { dy, tape in
        let dgate = Tensor(zeros: gate.rows, gate.columns)
        let dup = Tensor(zeros: up.rows, up.columns)
        unsafe ck_silu_mul_backward(dgate.pointer, dup.pointer, dy.pointer, gate.pointer, up.pointer, y.count)
        tape.add(dgate, to: gate)
        tape.add(dup, to: up)
    }
    return y
}

/// a + scale · b
package func add(_ a: Tensor, _ b: Tensor, scale: Float = 1, _ tape: Tape? = nil) -> Tensor {
    precondition(a.rows == b.rows && a.columns == b.columns, "add: \(a.shape) and \(b.shape)")
    let y: Tensor
    if scale == 1 {
        y = Tensor(uninitialized: a.rows, a.columns)
        unsafe ck_add(y.pointer, a.pointer, b.pointer, y.count)
    } else {
        y = a.copy()
        unsafe ck_axpy(y.pointer, scale, b.pointer, y.count)
    }
    tape?.record(y, from: [a, b]) { dy, tape in
        tape.add(dy, to: a)
        unsafe tape.accumulate(into: b) { unsafe ck_axpy($0, scale, dy.pointer, dy.count) }
    }
    return y
}
