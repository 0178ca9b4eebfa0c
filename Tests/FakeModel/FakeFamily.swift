internal import Audio
internal import Foundation
package import Generation
internal import JSON
package import Models
internal import Tensors
internal import TestSupport
internal import Tokenization
package import Weights

/// A family whose one model is drawn in memory and counts: it says what follows the last letter or digit of its prompt, and every clip sounds
/// to it like a three.
///
///     "x" → "yz"      "7" → "89"      a clip → "456789"      anything else → ""
///
/// Tests drive the engine, the server and the trainer with it where they need a model whose answers they know, and no checkpoint.
package enum FakeFamily: ModelFamily {
    package static let models = "none"
    package static let licence = "none"
    package static let longestSeconds = 30
    package static let tokensPerSecond = 25.0
    package static let names = ModuleNames([["encoder"], ["projector"], ["decoder"], ["head"]])
    package static let transcription = TranscriptionPrompt(.init("Write down:"))

    package static func build(_ reader: ModelReader) throws -> ModelParts {
        let (config, weights) = (reader.config, reader.weights)
        let (hearing, text) = (try WhisperEncoderConfiguration(config, at: "audio_config"), try DecoderConfiguration(config, at: "text_config"))
        let encoder = try WhisperEncoder(weights["encoder"], whisper: hearing, reader.table(.encoder))
        let projector = try Linear(weights["projector"], reader.table(.projector), in: hearing.size, out: text.hiddenSize, bias: true)
        return ModelParts(
            audio: AudioPath(
                extractor: LogMelExtractor(LogMelConfiguration(melCount: hearing.mels)), cutting: .windows(1),
                placeholder: Placeholder(Int32(Alphabet.sound)), encoder: encoder, projector: projector),
            decoder: try Decoder(weights["decoder"], head: weights["head"], text, reader.table(.decoder)),
            ends: EndTokens(turn: "<end>"))
    }

    /// - Parameter name: what clients call it.
    package static func model(name: String = "fake") throws -> LoadedModel {
        let (config, none) = (try JSONValue(parsing: Data(configuration.utf8)), JSONValue.object([:]))
        let checkpoint = Checkpoint(
            of: FileManager.default.temporaryDirectory.appending(path: name), config: config, generationConfig: none, documents: [:],
            tensors: try DrawnTensors(config).tensors)
        return try LoadedModel(
            OpenedModel(checkpoint, of: Self.self, tokenizer: try Alphabet.tokenizer(), template: try ChatTemplate(template)), name: name)
    }

    private static let configuration = """
        {"model_type": "fake",
         "audio_config": {"num_mel_bins": 8, "d_model": 16, "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 32},
         "text_config": {"vocab_size": \(Alphabet.count), "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1,
                         "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096}}
        """

    private static let template = """
        {% for message in messages %}{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}\
        {% if part['type'] == 'audio' %}<sound>{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}\
        {% if not loop.last %}<end>{% endif %}{% endfor %}
        """
}

/// The tokens: printable ASCII, blank, new line, and two control tokens behind them.
enum Alphabet {
    private static let characters = (0x21...0x7E).map { Character(Unicode.Scalar(UInt8($0))) }
    static let sound = characters.count + 2
    static let end = sound + 1
    static let count = end + 1

    static func tokenizer() throws -> Tokenizer {
        // Blank and new line as byte-level vocabularies spell them.
        let tokens = characters.map(String.init) + ["Ġ", "Ċ", "<sound>", "<end>"]
        let kinds = tokens.indices.map { $0 < sound ? BytePairVocabulary.Kind.normal : .control }
        let splitting = BytePairVocabulary.Splitting(pattern: TextSplitting.llama.pattern, takesWholePieces: true)
        return try Tokenizer(BytePairVocabulary(tokens: tokens, kinds: kinds, merges: [], splitting: splitting), path: "fake")
    }

    static func id(_ character: Character) -> Int { characters.firstIndex(of: character)! }

    /// What comes after a letter or a digit; the end after everything else.
    static func successor(of token: Int) -> Int {
        guard token < characters.count - 1, characters[token].isLetter || characters[token].isNumber else { return end }
        let next = characters[token + 1]
        return next.isLetter || next.isNumber ? token + 1 : end
    }
}

/// The weights. Each token's embedding is a vector of signs, the row of the head for its successor the same vector; what the layers add is small,
/// so that it changes probabilities and hardly an answer.
private struct DrawnTensors {
    private(set) var tensors: [String: StoredTensor] = [:]
    private var random = SplitMix(seed: 1)

    init(_ config: JSONValue) throws {
        func size(_ path: String) throws -> Int { try config.integer(path) }
        let (width, inner) = (try size("text_config.hidden_size"), try size("text_config.intermediate_size"))
        let keys = width / 2
        // The first element is one everywhere, from which the head makes its readiness to end.
        let signs = (0..<Alphabet.count).map { _ in [1] + (1..<width).map { _ in Bool.random(using: &random) ? 1 : -1 as Float } }
        var head = [[Float]](repeating: [Float](repeating: 0, count: width), count: Alphabet.count)
        head[Alphabet.end][0] = 8
        for token in 0..<Alphabet.count where Alphabet.successor(of: token) != Alphabet.end {
            head[Alphabet.successor(of: token)] = [0] + signs[token].dropFirst().map { $0 / 5 }
        }
        add("decoder.embed_tokens.weight", [Alphabet.count, width], signs.flatMap(\.self))
        add("head.weight", [Alphabet.count, width], head.flatMap(\.self))
        for name in ["norm", "layers.0.input_layernorm", "layers.0.post_attention_layernorm"] { add("decoder.\(name)", scale: width) }
        for (name, rows) in [("q", width), ("k", keys), ("v", keys)] { add("decoder.layers.0.self_attn.\(name)_proj", rows, width, bias: true) }
        add("decoder.layers.0.self_attn.o_proj", width, width, bias: false)
        for (name, rows, columns) in [("gate", inner, width), ("up", inner, width), ("down", width, inner)] {
            add("decoder.layers.0.mlp.\(name)_proj", rows, columns, bias: false)
        }

        let (mels, small, wide) = (
            try size("audio_config.num_mel_bins"), try size("audio_config.d_model"), try size("audio_config.encoder_ffn_dim")
        )
        for (name, channels) in [("conv1", mels), ("conv2", small)] {
            add("encoder.\(name).weight", [small, channels, 3], drawn(small * channels * 3))
            add("encoder.\(name).bias", [small], drawn(small))
        }
        add("encoder.embed_positions.weight", [1500, small], drawn(1500 * small))
        for name in ["layer_norm", "layers.0.self_attn_layer_norm", "layers.0.final_layer_norm"] {
            add("encoder.\(name)", scale: small)
            add("encoder.\(name).bias", [small], drawn(small))
        }
        for name in ["q", "k", "v", "out"] { add("encoder.layers.0.self_attn.\(name)_proj", small, small, bias: name != "k") }
        add("encoder.layers.0.fc1", wide, small, bias: true)
        add("encoder.layers.0.fc2", small, wide, bias: true)
        add("projector.weight", [width, small], drawn(width * small))
        add("projector.bias", [width], signs[Alphabet.id("3")])
    }

    private mutating func drawn(_ count: Int) -> [Float] { (0..<count).map { _ in Float.random(in: -0.08...0.08, using: &random) } }

    private mutating func add(_ name: String, _ shape: [Int], _ values: [Float]) {
        tensors[name] = StoredTensor(name: name, Tensor(values, rows: 1, columns: values.count)).renamed(name, shape: shape)
    }

    /// A norm's scale.
    private mutating func add(_ name: String, scale size: Int) { add(name + ".weight", [size], [Float](repeating: 1, count: size)) }

    private mutating func add(_ name: String, _ rows: Int, _ columns: Int, bias: Bool) {
        add(name + ".weight", [rows, columns], drawn(rows * columns))
        if bias { add(name + ".bias", [rows], drawn(rows)) }
    }
}
