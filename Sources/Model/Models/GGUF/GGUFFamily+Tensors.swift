import Tensors
import Weights

/// Tensors whose layout differs between llama.cpp's converter and checkpoints.
extension GGUFFamily {
    /// The published names, by expert, of a tensor that contains all experts; nil for other tensors.
    ///
    ///     blk.7.ffn_up_exps.weight   →   … layers.7.mlp.experts.N.up_proj.weight
    func experts(_ name: String) -> ((Int) -> String)? {
        guard name.contains("_exps."), let one = names.published(name.replacing("_exps.", with: ".")) else { return nil }
        return { one.replacing(".mlp.", with: ".mlp.experts.\($0).") }
    }

    /// Queries and keys of Llama's decoders with the row order of checkpoints, whose heads rotate element i with element i + size/2. The converter
    /// puts those two next to each other. Nil for other tensors.
    func unpaired(_ tensor: StoredTensor, of decoder: GGUF) throws -> StoredTensor? {
        let name = tensor.name
        guard architecture == "llama", name.hasPrefix("blk."), let rows = tensor.shape.first else { return nil }
        let isQuery = name.hasSuffix(".attn_q.weight")
        guard isQuery || name.hasSuffix(".attn_k.weight") else { return nil }
        let heads = try decoder.integer("llama.attention.head_count", in: Claims.sizes)
        let count = isQuery ? heads : try decoder.integer("llama.attention.head_count_kv", in: Claims.sizes, default: heads)
        guard tensor.shape.count == 2, rows % (2 * count) == 0 else {
            throw ModelError("\(decoder.path): \(name) has the shape \(tensor.shape); expected rows of \(count) heads")
        }
        let (size, half) = (rows / count, rows / count / 2)
        return tensor.rowsReordered { row in row / size * size + 2 * (row % size % half) + row % size / half }
    }
}
