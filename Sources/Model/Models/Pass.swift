package import Tensors

/// One forward pass over a packed batch: the weight versions of its rows, the arithmetic, and the tape if gradients are needed.
///
/// Inference, scoring and training run the same model code through a pass. Sequences of different weight versions can share
/// one pass without a tape; with a tape there is one version.
package struct Pass {
    package struct Run: Sendable {
        package let rows: Range<Int>
        package let version: WeightVersion?

        package init(rows: Range<Int>, version: WeightVersion?) {
            self.rows = rows
            self.version = version
        }
    }

    package let runs: [Run]
    package let arithmetic: Arithmetic
    package let tape: Tape?
    /// The dropout of adapters under training.
    package let dropout: Dropout?

    package init(runs: [Run], arithmetic: Arithmetic, tape: Tape? = nil, dropout: Dropout? = nil) {
        precondition(tape == nil || runs.count <= 1, "a tape over \(runs.count) runs of weight versions")
        self.runs = runs
        self.arithmetic = arithmetic
        self.tape = tape
        self.dropout = dropout
    }

    /// Creates a pass over consecutive segments. Neighbours with one version are joined.
    init(segments: [Run], arithmetic: Arithmetic, tape: Tape?, dropout: Dropout? = nil) {
        var runs: [Run] = []
        for segment in segments {
            if let last = runs.last, last.version === segment.version {
                runs[runs.count - 1] = Run(rows: last.rows.lowerBound..<segment.rows.upperBound, version: segment.version)
            } else {
                runs.append(segment)
            }
        }
        self.init(runs: runs, arithmetic: arithmetic, tape: tape, dropout: dropout)
    }

    /// Creates a pass whose rows all have one version.
    package init(version: WeightVersion?, rows: Int, arithmetic: Arithmetic, tape: Tape? = nil, dropout: Dropout? = nil) {
        self.init(runs: [Run(rows: 0..<rows, version: version)], arithmetic: arithmetic, tape: tape, dropout: dropout)
    }

    /// The same pass over one of the parts in which its rows are computed. It must have one version.
    func over(rows: Int, ofPart part: Int) -> Pass {
        precondition(runs.count == 1, "rows of \(runs.count) versions")
        return Pass(version: runs[0].version, rows: rows, arithmetic: arithmetic, tape: tape, dropout: dropout?.part(part))
    }

    /// The same pass over a subset of its rows, in ascending order.
    func over(rows: [Int]) -> Pass {
        if runs.count == 1 {
            return Pass(
                version: runs[0].version, rows: rows.count, arithmetic: arithmetic, tape: tape, dropout: dropout?.over(rows: rows))
        }
        var start = 0
        let chosen = runs.compactMap { run -> Run? in
            let count = rows[start...].prefix { run.rows.contains($0) }.count
            defer { start += count }
            return count == 0 ? nil : Run(rows: start..<start + count, version: run.version)
        }
        return Pass(segments: chosen, arithmetic: arithmetic, tape: tape)
    }

    /// The same pass with another tape, for a checkpointed section.
    func with(_ tape: Tape?) -> Pass { Pass(runs: runs, arithmetic: arithmetic, tape: tape, dropout: dropout) }

    /// Computes `body`, which may change the number of rows, separately for each of `segments`. Returns the result and the pass over it.
    func bySegment(_ x: Tensor, _ segments: [Run], _ body: (_ rows: Tensor, _ pass: Pass) -> Tensor) -> (Tensor, Pass) {
        var outcomes: [Run] = []
        let parts = segments.enumerated().map { number, segment in
            let rows = segments.count == 1 ? x : selectRows(x, Array(segment.rows), tape)
            let part = body(
                rows,
                Pass(version: segment.version, rows: rows.rows, arithmetic: arithmetic, tape: tape, dropout: dropout?.part(number)))
            let start = outcomes.last?.rows.upperBound ?? 0
            outcomes.append(Run(rows: start..<start + part.rows, version: segment.version))
            return part
        }
        return (concatenated(parts, tape), Pass(segments: outcomes, arithmetic: arithmetic, tape: tape, dropout: dropout))
    }

    /// Computes `body` for the rows of each version, or for all rows at once if no version replaces any of `parameters`.
    func byVersion(
        _ x: Tensor, replacing parameters: [Parameter?], _ body: (_ x: Tensor, _ version: WeightVersion?) -> Tensor
    ) -> Tensor {
        if runs.count == 1 { return body(x, runs[0].version) }
        let replaced = runs.contains { run in
            parameters.contains { $0.map { run.version?.replacements[$0.index] != nil } ?? false }
        }
        if !replaced { return body(x, nil) }
        return concatenated(runs.map { body(x.rowsCopy($0.rows), $0.version) })
    }
}

extension WeightVersion? {
    /// The vector that this version uses for `parameter`.
    func vector(_ parameter: Parameter) -> Tensor { self?.replacements[parameter.index] ?? parameter.vector! }
}
