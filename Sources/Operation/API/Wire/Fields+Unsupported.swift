/// Members that are passed over, and those that are refused because this server does not have what they ask for.
extension Fields {
    /// Members that may be there and change nothing about the answer.
    func ignore(_ names: String...) { take(names) }

    /// What clients send for a service's accounts, logs and caches.
    func ignoreBookkeeping() {
        ignore(
            "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
            "prompt_cache_options", "cache_prompt", "cache_salt", "request_id", "priority")
    }

    /// A member that changes nothing at one of these values, and that this server does not have at another.
    func accept(_ name: String, _ values: [WireValue], because reason: String) throws {
        take([name])
        guard has(name) else { return }
        if let value = try? container.decode(WireValue.self, forKey: key(name)), values.contains(value) { return }
        throw unsupported(name, reason)
    }

    /// vLLM's and SGLang's members of a request, at the values that they have when they are absent.
    func acceptDefaults(because reason: String) throws {
        let defaults: [(String, WireValue)] = [
            ("add_generation_prompt", true), ("add_special_tokens", false), ("continue_final_message", false), ("detokenize", true),
            ("include_stop_str_in_output", false), ("length_penalty", 1),
            ("skip_special_tokens", true), ("spaces_between_special_tokens", true), ("typical_p", 1), ("use_beam_search", false),
        ]
        for (name, value) in defaults { try accept(name, [value], because: reason) }
        try refuse("chat_template_kwargs", "mm_processor_kwargs", "stop_token_ids", "bad_words", because: reason)
    }

    /// Members that would change the answer and that this server does not have. Null and empty ones pass.
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
