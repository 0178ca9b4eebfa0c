package import Tensors
package import Weights

/// y [T, out] = x [T, in] · weightᵀ + bias, with the low-rank adapters of the rows' weight versions.
package struct Linear: Sendable {
    package let weight: Parameter
    package let bias: Parameter?

    /// - Parameter isHead: Whether the output is logits.
    package init(_ cursor: WeightCursor, _ table: ParameterTable, in columns: Int, out rows: Int, bias: Bool, isHead: Bool = false) throws {
        weight = try table.matrix(cursor, rows: rows, columns: columns, isHead: isHead)
        self.bias = bias ? try table.vector(cursor, "bias", size: rows) : nil
    }

    /// Creates a layer from an existing parameter: a head tied to the embedding.
    init(tied weight: Parameter) {
        self.weight = weight
        bias = nil
    }

    package func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
        let base = pass.byVersion(x, replacing: [weight, bias]) { x, version in
            let bias = bias.map { version.vector($0) }
            if let replacement = version?.replacements[weight.index] {
                return linear(x, replacement, bias: bias, pass.tape)
            }
            return linear(x, weight.stored, bias: bias, arithmetic: pass.arithmetic, pass.tape)
        }
        return adding(x, to: base, pass)
    }

    private func adding(_ x: Tensor, to base: Tensor, _ pass: Pass) -> Tensor {
        if pass.runs.count == 1 {
            guard let adapter = pass.runs[0].version?.adapters[weight.index] else { return base }
            return add(base, adapter.delta(dropped(x, adapter, pass), pass.tape), scale: adapter.scale, pass.tape)
        }
        guard pass.runs.contains(where: { $0.version?.adapters[weight.index] != nil }) else { return base }
        return concatenated(
            pass.runs.map { run in
                let rows = base.rowsCopy(run.rows)
                guard let adapter = run.version?.adapters[weight.index] else { return rows }
                return add(rows, adapter.delta(x.rowsCopy(run.rows), nil), scale: adapter.scale)
            })
    }

    /// The adapter's input: `x` after dropout, or `x` itself if the adapter is not under training.
    private func dropped(_ x: Tensor, _ adapter: LowRank, _ pass: Pass) -> Tensor {
        guard let dropout = pass.dropout, pass.tape?.isTracked(adapter.a) ?? false else { return x }
        return dropout(x, module: weight.moduleName, pass.tape)
    }
}
