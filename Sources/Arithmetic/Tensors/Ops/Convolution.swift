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

/// Windows of 3 · 3 places of an image x [height · width, channels], row by row, as rows [⌈height/2⌉ · ⌈width/2⌉, 9 · channels], two
/// places apart, zero outside x: a convolution of stride 2 is then a product with weights stored [out, 9 · channels].
package func imageWindows(_ x: Tensor, height: Int, _ tape: Tape? = nil) -> Tensor {
    precondition(height > 0 && x.rows % height == 0, "imageWindows: \(x.rows) places in \(height) rows")
    let width = x.rows / height
    let y = Tensor(zeros: (height + 1) / 2 * ((width + 1) / 2), 9 * x.columns)
    forEachTap(height, width) { place, tap, source in
        unsafe (y.row(place) + tap * x.columns).update(from: x.row(source), count: x.columns)
    }
    tape?.record(y, from: [x]) { dy, tape in
        unsafe tape.accumulate(into: x) { dx in
            forEachTap(height, width) { place, tap, source in
                unsafe ck_axpy(dx + source * x.columns, 1, dy.row(place) + tap * x.columns, x.columns)
            }
        }
    }
    return y
}

/// Each tap within the image of each window: the window's place, the tap's number, the place in the image that it reads.
private func forEachTap(_ height: Int, _ width: Int, _ body: (_ place: Int, _ tap: Int, _ source: Int) -> Void) {
    for row in 0..<(height + 1) / 2 {
        for column in 0..<(width + 1) / 2 {
            for tap in 0..<9 {
                let (y, x) = (2 * row + tap / 3 - 1, 2 * column + tap % 3 - 1)
                if (0..<height).contains(y) && (0..<width).contains(x) { body(row * ((width + 1) / 2) + column, tap, y * width + x) }
            }
        }
    }
}

/// Columns of an image x [height · width, channels], row by row, as rows [width, channels · height], channel by channel.
package func imageColumns(_ x: Tensor, height: Int, _ tape: Tape? = nil) -> Tensor {
    precondition(height > 0 && x.rows % height == 0, "imageColumns: \(x.rows) places in \(height) rows")
    let width = x.rows / height
    let y = Tensor(uninitialized: width, x.columns * height)
    for place in 0..<x.rows {
        let (from, to) = unsafe (x.row(place), y.row(place % width) + place / width)
        for channel in 0..<x.columns { unsafe to[channel * height] = unsafe from[channel] }
    }
    tape?.record(y, from: [x]) { dy, tape in
        unsafe tape.accumulate(into: x) { dx in
            for place in 0..<x.rows {
                let (from, to) = unsafe (dy.row(place % width) + place / width, dx + place * x.columns)
                for channel in 0..<x.columns { unsafe to[channel] += unsafe from[channel * height] }
            }
        }
    }
    return y
}
