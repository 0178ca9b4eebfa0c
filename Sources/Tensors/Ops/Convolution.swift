import CKernels

/// Windows of `width` consecutive frames of x [T, channels] as rows [T', width · channels], `stride` frames apart, zero outside x:
/// a convolution over time is then a product with weights stored [out, width · channels].
package func windows(_ x: Tensor, width: Int, stride: Int, padding: Int, _ tape: Tape? = nil) -> Tensor {
    precondition(x.rows + 2 * padding >= width, "windows: \(x.rows) frames are too few for a width of \(width)")
    let y = Tensor(uninitialized: (x.rows + 2 * padding - width) / stride + 1, width * x.columns)
    unsafe ck_windows(y.pointer, x.pointer, x.rows, x.columns, width, stride, padding)
    tape?.record(y, from: [x]) { dy, tape in
        unsafe tape.accumulate(into: x) {
            unsafe ck_windows_backward($0, dy.pointer, x.rows, x.columns, width, stride, padding)
        }
    }
    return y
}

/// Means of consecutive pairs of rows; an odd last row is dropped (average pooling of width and stride 2).
package func averagedPairs(_ x: Tensor, _ tape: Tape? = nil) -> Tensor {
    let y = Tensor(uninitialized: x.rows / 2, x.columns)
    unsafe ck_average_pairs(y.pointer, x.pointer, x.rows, x.columns)
    tape?.record(y, from: [x]) { dy, tape in
        unsafe tape.accumulate(into: x) {
            unsafe ck_average_pairs_backward($0, dy.pointer, x.rows, x.columns)
        }
    }
    return y
}
