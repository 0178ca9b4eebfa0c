/// The list of models, vLLM's adapter calls, and the tokenizer's routes.

/// `POST /v1/load_lora_adapter`.
package struct LoadAdapterRequest: WireObject, Equatable, Sendable {
    package var loraName: String
    package var loraPath: String

    package init(_ fields: Fields) throws {
        loraName = try fields.name("lora_name", maxLength: 128)
        loraPath = try fields.name("lora_path", maxLength: 4096)
        fields.ignore("lora_int_id")
        try fields.refuse(
            "base_model_name", "load_inplace", because: "an adapter joins the served model under a new name")
    }
}

/// `POST /v1/unload_lora_adapter`.
package struct UnloadAdapterRequest: WireObject, Equatable, Sendable {
    package var loraName: String

    package init(_ fields: Fields) throws {
        loraName = try fields.name("lora_name", maxLength: 128)
        fields.ignore("lora_int_id")
    }
}

/// `POST /v1/tokenize`: a text, or a conversation rendered by the chat format.
package struct TokenizeRequest: WireObject, Equatable, Sendable {
    package enum Input: Equatable, Sendable {
        case prompt(String)
        case messages([ChatMessage], addGenerationPrompt: Bool)
    }

    package var model: String?
    package var input: Input
    package var returnTokenStrings: Bool

    package init(_ fields: Fields) throws {
        model = try fields.model()
        let prompt = try fields.text("prompt")
        let messages: [ChatMessage]? = try fields.list("messages", 1...Int.max, "messages")
        let adds = try fields.flag("add_generation_prompt")
        switch (prompt, messages) {
        case (let prompt?, nil): input = .prompt(prompt)
        case (nil, let messages?): input = .messages(messages, addGenerationPrompt: adds ?? true)
        case (nil, nil): throw fields.missing("prompt", "a `prompt` or `messages`")
        case (_?, _?): throw fields.invalid("messages", expected: "nothing beside `prompt`")
        }
        returnTokenStrings = try fields.flag("return_token_strs") ?? false
        if try fields.flag("add_special_tokens") == true, messages == nil, prompt != nil {
            throw fields.invalid("add_special_tokens", expected: "false: a text is tokenised as it stands")
        }
    }
}

/// `POST /v1/detokenize`.
package struct DetokenizeRequest: WireObject, Equatable, Sendable {
    package var model: String?
    package var tokens: [Int]

    package init(_ fields: Fields) throws {
        model = try fields.model()
        tokens = try fields.required("tokens", "an array of token ids")
        guard tokens.allSatisfy({ $0 >= 0 }) else { throw fields.invalid("tokens", expected: "ids of at least 0") }
    }
}
