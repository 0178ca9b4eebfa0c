/// The list of models, vLLM's adapter calls, and the tokenizer's routes.

/// What a model is of.
package struct ModelFamilyObject: Codable, Equatable, Sendable {
    /// The `model_type` of its configuration.
    package var name: String
    /// Seconds of the longest clip that the model hears; 0 where it reads text alone.
    package var longestClipSeconds: Double
    /// Tokens that a second of sound becomes; 0 where it reads text alone.
    package var audioTokensPerSecond: Double
    /// That of the family's published models.
    package var licence: String
    /// The reference that the family was held against, on random checkpoints.
    package var heldAgainst: String

    package init(name: String, longestClipSeconds: Double, audioTokensPerSecond: Double, licence: String, heldAgainst: String) {
        (self.name, self.longestClipSeconds, self.audioTokensPerSecond) = (name, longestClipSeconds, audioTokensPerSecond)
        (self.licence, self.heldAgainst) = (licence, heldAgainst)
    }
}

/// A base model or a weight version over it.
package struct ModelObject: Codable, Equatable, Sendable {
    package var id: String
    package var object = "model"
    package var created: Int
    package var ownedBy = "cord"
    /// The checkpoint behind this model.
    @Nullable package var root: String?
    /// The base of a weight version; null for the base itself.
    @Nullable package var parent: String?
    package var maxModelLen: Int?
    /// The storage format of the weights: `bfloat16`, `int8`, `Q4_0`.
    package var dtype: String?
    package var inputModalities = ["text", "audio"]
    package var outputModalities = ["text"]
    package var weightVersion: String?
    package var family: ModelFamilyObject?

    package init(
        id: String, created: Int, root: String?, parent: String?, maxModelLen: Int, dtype: String, weightVersion: String?,
        family: ModelFamilyObject? = nil
    ) {
        (self.id, self.created, self.root, self.parent, self.maxModelLen) = (id, created, root, parent, maxModelLen)
        (self.dtype, self.weightVersion, self.family) = (dtype, weightVersion, family)
    }
}

/// `POST /v1/load_lora_adapter`.
package struct LoadAdapterRequest: Decodable, Equatable, Sendable {
    package var loraName: String
    package var loraPath: String

    package init(from decoder: any Decoder) throws {
        let fields = try Fields(decoder)
        loraName = try fields.name("lora_name", maxLength: 128)
        loraPath = try fields.name("lora_path", maxLength: 4096)
        fields.ignore("lora_int_id")
        try fields.refuse(
            "base_model_name", "load_inplace", because: "an adapter joins the served model under a new name")
        try fields.end()
    }
}

/// `POST /v1/unload_lora_adapter`.
package struct UnloadAdapterRequest: Decodable, Equatable, Sendable {
    package var loraName: String

    package init(from decoder: any Decoder) throws {
        let fields = try Fields(decoder)
        loraName = try fields.name("lora_name", maxLength: 128)
        fields.ignore("lora_int_id")
        try fields.end()
    }
}

/// `POST /v1/tokenize`: a text, or a conversation rendered by the chat format.
package struct TokenizeRequest: Decodable, Equatable, Sendable {
    package enum Input: Equatable, Sendable {
        case prompt(String)
        case messages([ChatMessage], addGenerationPrompt: Bool)
    }

    package var model: String?
    package var input: Input
    package var returnTokenStrings: Bool

    package init(from decoder: any Decoder) throws {
        let fields = try Fields(decoder)
        model = try fields.model()
        let prompt = try fields.text("prompt")
        let messages: [ChatMessage]? = try fields.optional("messages", "an array of messages")
        if messages?.isEmpty == true { throw fields.invalid("messages", expected: "at least one message") }
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
        try fields.end()
    }
}

package struct TokenizeResponse: Codable, Equatable, Sendable {
    package var count: Int
    package var maxModelLen: Int
    package var tokens: [Int]
    package var tokenStrs: [String]?

    package init(tokens: [Int], maxModelLen: Int, tokenStrs: [String]? = nil) {
        count = tokens.count
        (self.tokens, self.maxModelLen, self.tokenStrs) = (tokens, maxModelLen, tokenStrs)
    }
}

/// `POST /v1/detokenize`.
package struct DetokenizeRequest: Decodable, Equatable, Sendable {
    package var model: String?
    package var tokens: [Int]

    package init(from decoder: any Decoder) throws {
        let fields = try Fields(decoder)
        model = try fields.model()
        tokens = try fields.required("tokens", "an array of token ids")
        guard tokens.allSatisfy({ $0 >= 0 }) else { throw fields.invalid("tokens", expected: "ids of at least 0") }
        try fields.end()
    }
}

package struct DetokenizeResponse: Codable, Equatable, Sendable {
    package var prompt: String

    package init(prompt: String) { self.prompt = prompt }
}
