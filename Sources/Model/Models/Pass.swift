package import Tensors

/// One forward pass over a packed batch: whose rows they are, in what arithmetic, and whether gradients are wanted.
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

    package init(runs: [Run], arithmetic: Arithmetic, tape: Tape? = nil) {
        precondition(tape == nil || runs.count <= 1, "a tape over \(runs.count) runs of weight versions")
        self.runs = runs
        self.arithmetic = arithmetic
        self.tape = tape
    }

    /// All rows with one version.
    package init(version: WeightVersion?, rows: Int, arithmetic: Arithmetic, tape: Tape? = nil) {
        self.init(runs: [Run(rows: 0..<rows, version: version)], arithmetic: arithmetic, tape: tape)
    }

    /// The same pass over other rows, all of its one version.
    func over(rows: Int) -> Pass {
        precondition(runs.count == 1, "rows of \(runs.count) versions")
        return Pass(version: runs[0].version, rows: rows, arithmetic: arithmetic, tape: tape)
    }

    /// The same pass with its tape exchanged: inside a checkpointed section.
    func with(_ tape: Tape?) -> Pass { Pass(runs: runs, arithmetic: arithmetic, tape: tape) }

    /// Computes `body` for the rows of each version, or for all rows at once where no version replaces any of `parameters`.
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
