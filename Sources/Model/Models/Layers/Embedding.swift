import Tensors
import Weights

/// Rows of a table by token id.
package struct Embedding: Sendable {
    package let table: Parameter

    func callAsFunction(_ tokens: [Int32], _ pass: Pass) -> Tensor {
        if pass.runs.count == 1, let replacement = pass.runs[0].version?.replacements[table.index] {
            return selectRows(replacement, tokens.map(Int.init), pass.tape)
        }
        if !pass.runs.contains(where: { $0.version?.replacements[table.index] != nil }) {
            return embeddingRows(table.stored, tokens.map(Int.init))
        }
        return concatenated(
            pass.runs.map { run in
                let tokens = tokens[run.rows].map(Int.init)
                guard let replacement = run.version?.replacements[table.index] else {
                    return embeddingRows(table.stored, tokens)
                }
                return selectRows(replacement, tokens)
            })
    }
}
