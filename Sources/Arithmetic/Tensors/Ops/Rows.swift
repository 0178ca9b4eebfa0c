import CKernels

/// Row `indices[i]` of x as row i: embedding look-up in a trainable table, or a choice of positions.
package func selectRows(_ x: Tensor, _ indices: [Int], _ tape: Tape? = nil) -> Tensor {
    let y = Tensor(uninitialized: indices.count, x.columns)
    for (row, index) in indices.enumerated() { unsafe y.row(row).update(from: x.row(index), count: x.columns) }
    tape?.record(y, from: [x]) { dy, tape in
        unsafe tape.accumulate(into: x) { dx in
            for (row, index) in indices.enumerated() {
                unsafe ck_axpy(dx + index * x.columns, 1, dy.row(row), x.columns)
            }
        }
    }
    return y
}

/// Rows of a stored table, widened to float32.
package func embeddingRows(_ table: StoredMatrix, _ indices: [Int]) -> Tensor {
    let y = Tensor(uninitialized: indices.count, table.columns)
    for (row, index) in indices.enumerated() { unsafe table.widen(index..<index + 1, into: y.row(row)) }
    return y
}

/// x with row `indices[i]` replaced by row i of `rows`: audio embeddings put into their slots.
package func replacingRows(_ x: Tensor, _ indices: [Int], with rows: Tensor, _ tape: Tape? = nil) -> Tensor {
    precondition(
        indices.count == rows.rows && (rows.columns == x.columns || rows.rows == 0),
        "replacingRows: \(indices.count) slots in \(x.shape) for \(rows.shape)")
    let y = x.copy()
    for (row, index) in indices.enumerated() { unsafe y.row(index).update(from: rows.row(row), count: x.columns) }
    tape?.record(y, from: [x, rows]) { dy, tape in
        if tape.isTracked(x) {
            let dx = dy.copy()
            for index in indices { unsafe dx.row(index).update(repeating: 0, count: dx.columns) }
            tape.add(dx, to: x)
        }
        unsafe tape.accumulate(into: rows) { gradient in
            for (row, index) in indices.enumerated() {
                unsafe ck_axpy(gradient + row * dy.columns, 1, dy.row(index), dy.columns)
            }
        }
    }
    return y
}

/// The tensors' rows one after the other.
package func concatenated(_ parts: [Tensor], _ tape: Tape? = nil) -> Tensor {
    if parts.count == 1 { return parts[0] }
    let columns = parts.first?.columns ?? 0
    let y = Tensor(uninitialized: parts.reduce(0) { $0 + $1.rows }, columns)
    var row = 0
    for part in parts where part.rows > 0 {
        precondition(part.columns == columns, "concatenated: \(part.shape) beside \(columns) columns")
        unsafe y.row(row).update(from: part.pointer, count: part.count)
        row += part.rows
    }
    tape?.record(y, from: parts) { dy, tape in
        var row = 0
        for part in parts where part.rows > 0 {
            unsafe tape.accumulate(into: part) { unsafe ck_axpy($0, 1, dy.row(row), part.count) }
            row += part.rows
        }
    }
    return y
}

/// Columns `range` of x, in a tensor of their own.
package func selectColumns(_ x: Tensor, _ range: Range<Int>, _ tape: Tape? = nil) -> Tensor {
    precondition(range.lowerBound >= 0 && range.upperBound <= x.columns, "selectColumns: \(range) of \(x.shape)")
    let y = Tensor(uninitialized: x.rows, range.count)
    for row in 0..<x.rows { unsafe y.row(row).update(from: x.row(row) + range.lowerBound, count: range.count) }
    tape?.record(y, from: [x]) { dy, tape in
        unsafe tape.accumulate(into: x) { dx in
            for row in 0..<x.rows { unsafe ck_axpy(dx + row * x.columns + range.lowerBound, 1, dy.row(row), range.count) }
        }
    }
    return y
}
