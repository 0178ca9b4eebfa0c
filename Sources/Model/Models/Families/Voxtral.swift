import Weights

/// Voxtral (Mistral, 2025): Whisper's encoder over whole windows of 30 s, silence included; a projector of two layers over
/// four positions at a time; a decoder without biases and with an untied head.
///
/// Reference: transformers' `VoxtralForConditionalGeneration`; mistral-common for prompts.
enum Voxtral: ModelFamily {
    static let models = "Voxtral Mini 3B, Small 24B (2507)"
    static let licence = "Apache-2.0"
    static let longestSeconds = 2400
    static let tokensPerSecond = 12.5
    static let reference = "transformers and mistral-common"
    static let names = Qwen2Audio.names

    /// mistral-common's `encode_transcription`: the clip alone, and a token that requests a transcript.
    static let transcription = TranscriptionPrompt(.init(""), reading: .marked("[TRANSCRIBE]"))

    /// mistral-common's `InstructTokenizerV7`. It also accepts a system turn beside sound, which mistral-common refuses. Tools come before the last
    /// turn of the user.
    static let chatTemplate: String? = """
        <s>{% set turns = namespace(last=-1) %}{% for message in messages %}{% if message['role'] == 'user' %}{% set turns.last = loop.index0 %}\
        {% endif %}{% endfor %}{% for message in messages %}\
        {% if message['role'] == 'user' %}{% if tools and loop.index0 == turns.last %}[AVAILABLE_TOOLS][{% for tool in tools %}\
        {{ {'type': 'function', 'function': {'name': tool['function']['name'], 'description': tool['function']['description'] or '', \
        'parameters': tool['function']['parameters'] or {}}} | tojson }}{% if not loop.last %}, {% endif %}{% endfor %}][/AVAILABLE_TOOLS]{% endif %}[INST]\
        {% elif message['role'] == 'system' %}[SYSTEM_PROMPT]\
        {% elif message['role'] == 'tool' %}[TOOL_RESULTS]{{ message['tool_call_id'] or '' }}[TOOL_CONTENT]\
        {% elif message['role'] != 'assistant' %}{{ raise_exception('Voxtral knows the roles system, user, assistant and tool') }}{% endif %}\
        {% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] or [] %}\
        {% if part['type'] == 'audio' %}[BEGIN_AUDIO][AUDIO]{% else %}\
        {% if loop.index0 > 0 and message['content'][loop.index0 - 1]['type'] == 'text' %}{{ '\\n\\n' }}{% endif %}{{ part['text'] }}\
        {% endif %}{% endfor %}{% endif %}\
        {% if message['tool_calls'] %}[TOOL_CALLS][{% for call in message['tool_calls'] %}\
        {"name": {{ call['function']['name'] | tojson }}, "arguments": {{ call['function']['arguments'] | tojson }}\
        {% if call['id'] %}, "id": {{ call['id'] | tojson }}{% endif %}}{% if not loop.last %}, {% endif %}{% endfor %}]{% endif %}\
        {% if message['role'] == 'user' %}[/INST]{% elif message['role'] == 'system' %}[/SYSTEM_PROMPT]\
        {% elif message['role'] == 'tool' %}[/TOOL_RESULTS]{% else %}</s>{% endif %}\
        {% endfor %}
        """

    static func build(_ reader: ModelReader) throws -> ModelParts {
        let (config, weights) = (reader.config, reader.weights)
        let shape = try WhisperEncoderConfiguration(config, at: "audio_config")
        let text = try DecoderConfiguration(
            config, at: "text_config",
            defaults: .init(
                vocabularySize: 131_072, hiddenSize: 3072, innerSize: 8192, layers: 30, heads: 32, keyValueHeads: 8, headSize: 128,
                theta: 100_000_000, epsilon: 1e-5, maxPositions: 131_072),
            .init(hasBiases: false), ties: false)
        // The projector's input has as many columns as the encoder's MLP has inside.
        try requireMultiple(shape.innerSize, by: shape.size, "intermediate_size", "hidden_size")
        let stack = shape.innerSize / shape.size
        try requireMultiple(shape.maxPositions, by: stack, "max_source_positions", "intermediate_size / hidden_size")
        let (tower, table) = (weights["audio_tower"], reader.table(.encoder))
        let encoder = try WhisperEncoder(
            tower, shape, stem: WhisperStem(tower, shape, table), .init(pooling: .stacked(stack)), table)
        try config.require("projector_hidden_act", is: "gelu")
        let (projector, projection) = (weights["multi_modal_projector"], reader.table(.projector))
        let slot = try config.token("audio_token_id", vocabulary: text.vocabularySize, default: 24)
        return ModelParts(
            audio: AudioPath(
                extractor: try reader.extractor(for: shape), cutting: .filledWindows(longestSeconds / 30), placeholder: Placeholder(slot),
                encoder: encoder, time: nil,
                projector: LinearProjector(layers: [
                    try Linear(projector["linear_1"], projection, in: encoder.columns, out: text.hiddenSize, bias: false),
                    try Linear(projector["linear_2"], projection, in: text.hiddenSize, out: text.hiddenSize, bias: false),
                ])),
            decoder: try Decoder(
                weights["language_model.model"], head: weights["language_model.lm_head"], text, reader.table(.decoder)),
            ends: EndTokens(turn: "</s>", others: [], ids: try config.tokens("text_config.eos_token_id")))
    }
}
