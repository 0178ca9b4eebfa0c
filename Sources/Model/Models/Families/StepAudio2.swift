import Audio
import JSON
import Weights

/// Step-Audio 2 mini and Step-Audio-R1 (StepFun, 2025): Whisper's encoder over pieces of 25 s, each followed by two frames of silence; a projector
/// that halves their rows; a Qwen2 decoder that can also answer in codes of speech.
///
/// Differences: the reference reads the first channel of a recording, cord the mean of all. The reference fills the pieces of a prompt to equal length; cord computes each
/// piece alone. A piece too short for an embedding, under 20 ms, gives no tokens. The reference lets the model answer in codes of speech and
/// removes them from the text afterwards; cord never samples them, and does not change their probability.
///
/// Reference: `modeling_step_audio_2.py` of the checkpoints and `stepaudio2.py` of stepfun-ai/Step-Audio2.
enum StepAudio2: ModelFamily {
    static let models = "Step-Audio 2 mini, mini Base, mini Think; Step-Audio-R1, R1.1"
    static let licence = "Apache-2.0"
    static let longestSeconds = 1200
    static let tokensPerSecond = 12.5
    static let reference = "PyTorch after the checkpoints' own Python"

    /// The checkpoint's own Python code uses the stored module names.
    static let names = ModuleNames([["model"], ["lm_head"], ["encoder"], ["adapter"]])

    /// stepfun-ai/Step-Audio2, `examples.py`: "Please write down the speech that you hear."
    static let transcription = TranscriptionPrompt(.init("", system: "请记录下你所听到的语音内容。"))

    /// `StepAudio2.apply_chat_template`. The reference tokenises its parts one by one, cord together. The tokens differ if a text part beside sound begins
    /// with a line break. Tools are a turn after the system's, as in `examples.py`, and their results are turns of the role `input`. Calls have the form that
    /// the parsers of stepfun-ai's vLLM and of SGLang read.
    static let chatTemplate: String? = """
        {% for message in messages %}\
        {% if tools and loop.first and message['role'] != 'system' %}<|BOT|>tool_json_schemas{{ '\\n' }}{{ tools | tojson }}<|EOT|>{% endif %}\
        <|BOT|>{{ 'human' if message['role'] == 'user' else 'input' if message['role'] == 'tool' else message['role'] }}{{ '\\n' }}\
        {% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] or [] %}\
        {% if part['type'] == 'audio' %}<audio_patch>{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}\
        {% for call in message['tool_calls'] or [] %}<tool_call>function{{ '\\n' }}{{ call['function']['name'] }}{{ '\\n' }}\
        {{ call['function']['arguments'] | tojson }}</tool_call>{% endfor %}<|EOT|>\
        {% if tools and loop.first and message['role'] == 'system' %}<|BOT|>tool_json_schemas{{ '\\n' }}{{ tools | tojson }}<|EOT|>{% endif %}{% endfor %}\
        {% if add_generation_prompt %}<|BOT|>assistant{{ '\\n' }}{% endif %}
        """

    /// The samples of a piece, and of the silence after it.
    private static let (piece, tail) = (25 * AudioClip.sampleRate, 479)

    static func build(_ reader: ModelReader) throws -> ModelParts {
        let (config, weights) = (reader.config, reader.weights)
        let audio = "audio_encoder_config"
        let width = try config.integer(audio + ".n_audio_state", in: Claims.sizes, default: 512)
        let shape = try WhisperEncoderConfiguration(
            config, at: audio, defaults: .init(size: width, layers: 6, heads: 8, innerSize: 4 * width))
        // The larger models have the decoder's members at the top level.
        let path = config.value("text_config") == nil ? "" : "text_config"
        let text = try DecoderConfiguration(
            config, at: path,
            defaults: .init(
                vocabularySize: 64012, hiddenSize: 4096, innerSize: 11008, layers: 48, heads: 32, keyValueHeads: 4, theta: 1_000_000,
                maxPositions: 8192), ties: false)
        for (member, value) in [("kernel_size", 3), ("adapter_stride", 2), ("llm_dim", text.hiddenSize)] {
            try config.require(audio + "." + member, is: Double(value))
        }
        guard shape.mels == 80 || shape.mels == 128, shape.maxPositions >= (piece + tail) / 320 + 1 else {
            throw ModelError("config.json: \(audio) has \(shape.mels) mels and \(shape.maxPositions) positions; expected 80 or 128 and those of 25 s")
        }
        let (tower, table) = (weights["encoder"], reader.table(.encoder))
        let stem = try WhisperStem(tower, shape, positionName: WhisperEncoder.Names.openAI.positions, beyond: .tail(tail / 160), table)
        let encoder = try WhisperEncoder(tower, shape, stem: stem, .init(names: .openAI, norm: "after_norm"), table)
        func token(_ spelling: String, _ id: Int32) throws -> Int32 {
            try reader.token(spelling, vocabulary: text.vocabularySize, default: id)
        }
        // The vocabulary has no text from the first code of speech on. Published vocabularies have the tokens around sound just before it.
        let end = Int32(text.vocabularySize)
        let (firstCode, opening) = (try reader.stated("<audio_0>", vocabulary: text.vocabularySize) ?? 151696, try token("<audio_start>", 151688))
        let unwritten = min(firstCode - opening == 8 ? opening : firstCode, end)..<end
        return ModelParts(
            audio: AudioPath(
                extractor: LogMelExtractor(LogMelConfiguration(melCount: shape.mels, windowSeconds: 25, file: "config.json")),
                cutting: .pieces(length: piece, tail: tail, seconds: longestSeconds),
                placeholder: Placeholder(
                    try token("<audio_patch>", 151690), opening: opening,
                    closing: try token("<audio_end>", 151689), isBySegment: true),
                encoder: encoder, time: nil,
                projector: try StridedProjector(weights["adapter"], from: shape.size, inner: 2048, to: text.hiddenSize, reader.table(.projector))),
            decoder: try Decoder(weights["model"], head: weights["lm_head"], text, reader.table(.decoder)),
            ends: EndTokens(
                turn: "<|EOT|>", others: ["<|endoftext|>", "<|im_end|>"],
                ids: try config.tokens("eos_token_id") + (path.isEmpty ? [] : config.tokens("text_config.eos_token_id"))),
            unwritten: unwritten)
    }
}
