/// Names of the same module under two generations of transformers, whose audio language models are
///
///     published, transformers 4    language_model.model.layers…   language_model.lm_head   audio_tower…   multi_modal_projector…
///     modules of transformers 5    model.language_model.layers…   lm_head            model.audio_tower…   model.multi_modal_projector…
///
/// The published names, which checkpoints on disk have in both, are the canonical ones.
package enum ModuleName {
    package enum Generation: Sendable, Equatable { case transformers4, transformers5 }

    /// The canonical name of a module or tensor of either generation.
    package static func canonical(_ name: String) -> String {
        if let rest = name.removing(prefix: "model.language_model.") { return "language_model.model." + rest }
        if name == "lm_head" || name.hasPrefix("lm_head.") { return "language_model." + name }
        if generation(of: name) == .transformers5 { return String(name.dropFirst("model.".count)) }
        return name
    }

    /// Names as the model has them, by the names in a file, which what wraps a model in training may have prefixed: `module.`
    /// (DistributedDataParallel), `base_model.model.` (peft), `_orig_mod.` (torch.compile) and those of FSDP, in any order.
    ///
    /// Prefixes go where every name has them; the others, which may stand anywhere, always.
    package static func withoutWrappers(
        _ names: some Sequence<String>, prefixes: [String] = ["module.", "base_model.model."]
    ) -> [String: String] {
        let wrappers: Set<Substring> = ["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"]
        var plain: [String: Substring] = [:]
        for name in names {
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            let isWrapped = parts.contains { wrappers.contains($0) }
            plain[name] = isWrapped ? parts.filter { !wrappers.contains($0) }.joined(separator: ".")[...] : name[...]
        }
        while !plain.isEmpty,
            let prefix = prefixes.first(where: { prefix in plain.values.allSatisfy { $0.hasPrefix(prefix) } })
        {
            plain = plain.mapValues { $0.dropFirst(prefix.count) }
        }
        return plain.mapValues(String.init)
    }

    /// The name that transformers 5 gives to a canonical name.
    package static func transformers5(_ canonical: String) -> String {
        if let rest = canonical.removing(prefix: "language_model.model.") { return "model.language_model." + rest }
        if let rest = canonical.removing(prefix: "language_model.") { return String(rest) }
        if generation(of: "model." + canonical) == .transformers5 { return "model." + canonical }
        return canonical
    }

    /// The generation that a name belongs to; nil where both call the module so, or neither.
    package static func generation(of name: String) -> Generation? {
        if ["model.language_model.", "model.audio_tower.", "model.multi_modal_projector", "lm_head"]
            .contains(where: { name.hasPrefix($0) })
        {
            return .transformers5
        }
        if ["language_model.", "audio_tower.", "multi_modal_projector"].contains(where: { name.hasPrefix($0) }) {
            return .transformers4
        }
        return nil
    }
}

extension String {
    func removing(prefix: String) -> Substring? { hasPrefix(prefix) ? dropFirst(prefix.count) : nil }
    func removing(suffix: String) -> Substring? { hasSuffix(suffix) ? dropLast(suffix.count) : nil }
}
