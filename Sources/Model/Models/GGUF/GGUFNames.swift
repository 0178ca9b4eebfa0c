/// The module names of llama.cpp's converter and those of a family's published checkpoints:
///
///     blk.7.attn_q.bias   →   language_model.model.layers.7.self_attn.q_proj.bias
///     a.blk.7.ffn_up      →   audio_tower.layers.7.fc1
///
/// Reference: gguf-py's `TensorNameMap`.
struct GGUFNames {
    /// Paths of modules, with `N` for the number of a layer.
    private let published: [String: String]
    private let stored: [String: String]

    /// - Parameters:
    ///   - decoder: the path of embeddings, layers and norm.
    ///   - norm: The name of the encoder's last norm in the tower.
    ///   - projector: the projector's modules by their names in the file.
    init(decoder: String, head: String, tower: String, norm: String, projector: [String: String]) {
        var rows = projector
        rows["output"] = head
        for (own, theirs) in Self.decoder { rows[own] = decoder + "." + theirs }
        for (own, theirs) in Self.tower { rows[own] = tower + "." + theirs }
        rows["a.post_ln"] = tower + "." + norm
        published = rows
        stored = Dictionary(uniqueKeysWithValues: rows.map { ($1, $0) })
    }

    /// The published name of a tensor; nil if the family has no such module.
    func published(_ name: String) -> String? { Self.renamed(name, by: published, from: "blk", to: "layers") }

    /// The name in a file of a tensor with a published name.
    func stored(_ name: String) -> String? { Self.renamed(name, by: stored, from: "layers", to: "blk") }

    private static func renamed(_ name: String, by table: [String: String], from: String, to: String) -> String? {
        var parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard let tensor = parts.popLast() else { return nil }
        var number: String?
        if let place = parts.firstIndex(of: from), place + 1 < parts.count, Int(parts[place + 1]) != nil {
            number = parts[place + 1]
            parts[place + 1] = "N"
        }
        guard let module = table[parts.joined(separator: ".")] else { return nil }
        return (number.map { module.replacing("\(to).N.", with: "\(to).\($0).") } ?? module) + "." + tensor
    }

    private static let decoder = [
        "token_embd": "embed_tokens", "output_norm": "norm",
        "blk.N.attn_norm": "layers.N.input_layernorm", "blk.N.attn_q": "layers.N.self_attn.q_proj",
        "blk.N.attn_k": "layers.N.self_attn.k_proj", "blk.N.attn_v": "layers.N.self_attn.v_proj",
        "blk.N.attn_output": "layers.N.self_attn.o_proj", "blk.N.attn_q_norm": "layers.N.self_attn.q_norm",
        "blk.N.attn_k_norm": "layers.N.self_attn.k_norm", "blk.N.ffn_norm": "layers.N.post_attention_layernorm",
        "blk.N.ffn_gate": "layers.N.mlp.gate_proj", "blk.N.ffn_up": "layers.N.mlp.up_proj", "blk.N.ffn_down": "layers.N.mlp.down_proj",
        "blk.N.ffn_gate_inp": "layers.N.mlp.gate",
    ]

    private static let tower = [
        "a.conv1d.1": "conv1", "a.conv1d.2": "conv2", "a.conv2d.1": "conv2d1", "a.conv2d.2": "conv2d2", "a.conv2d.3": "conv2d3",
        "a.conv_out": "conv_out", "a.position_embd": "embed_positions",
        "a.blk.N.ln1": "layers.N.self_attn_layer_norm", "a.blk.N.ln2": "layers.N.final_layer_norm",
        "a.blk.N.attn_q": "layers.N.self_attn.q_proj", "a.blk.N.attn_k": "layers.N.self_attn.k_proj",
        "a.blk.N.attn_v": "layers.N.self_attn.v_proj", "a.blk.N.attn_out": "layers.N.self_attn.out_proj",
        "a.blk.N.ffn_up": "layers.N.fc1", "a.blk.N.ffn_down": "layers.N.fc2",
    ]
}
