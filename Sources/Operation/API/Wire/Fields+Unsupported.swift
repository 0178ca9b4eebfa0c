/// Members that are ignored, and members that are refused because this server lacks what they ask for.
extension Fields {
    /// Ignores members that cannot change the answer.
    func ignore(_ names: String...) { take(names) }

    /// Ignores members that serve a hosted service's accounts, logs and caches.
    func ignoreBookkeeping() {
        ignore(
            "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
            "prompt_cache_options", "cache_prompt", "cache_salt", "request_id", "priority")
    }

    /// Accepts a member at values that have no effect, and refuses it at others, which this server does not support.
    func accept(_ name: String, _ values: [WireValue], because reason: String) throws {
        take([name])
        guard has(name) else { return }
        if let value = try? container.decode(WireValue.self, forKey: key(name)), values.contains(value) { return }
        throw unsupported(name, reason)
    }

    /// Accepts members of vLLM's and SGLang's requests at their default values.
    func acceptDefaults(because reason: String) throws {
        let defaults: [(String, WireValue)] = [
            ("add_generation_prompt", true), ("add_special_tokens", false), ("continue_final_message", false), ("detokenize", true),
            ("include_stop_str_in_output", false), ("length_penalty", 1),
            ("skip_special_tokens", true), ("spaces_between_special_tokens", true), ("typical_p", 1), ("use_beam_search", false),
        ]
        for (name, value) in defaults { try accept(name, [value], because: reason) }
        try refuse("chat_template_kwargs", "mm_processor_kwargs", "stop_token_ids", "bad_words", because: reason)
    }

    /// Refuses members that would change the answer and are not supported. Null and empty values pass.
    func refuse(_ names: String..., because reason: String) throws {
        for name in names {
            take([name])
            guard has(name), !isEmpty(name) else { continue }
            throw unsupported(name, reason)
        }
    }

    private func unsupported(_ name: String, _ reason: String) -> WireError {
        WireError(
            "\(place(name)) is not supported: \(reason). Leave it out.", param: place(name), code: "unsupported_parameter")
    }
}
