package import Foundation
package import Tensors

/// A model directory that cannot be served: what was read, what was expected and what was found.
package struct ModelError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// `config.json` of a Qwen2-Audio checkpoint. Absent fields have the defaults of transformers' configuration classes: published
/// checkpoints leave out what equals them.
package struct Qwen2AudioConfiguration: Sendable, Equatable {
    package let audio: WhisperEncoderConfiguration
    package let text: Qwen2Configuration
    /// The placeholder token that audio embeddings replace.
    package let audioToken: Int32

    package init(_ data: Data) throws {
        let fields = try ConfigurationFields(data, name: "config.json")
        audio = try WhisperEncoderConfiguration(try fields.object("audio_config"))
        text = try Qwen2Configuration(try fields.object("text_config"), outer: fields)
        audioToken = Int32(try fields.int("audio_token_index", default: try fields.int("audio_token_id", default: 151646)))
    }
}

/// Shapes of the audio encoder (`Qwen2AudioEncoderConfig`).
package struct WhisperEncoderConfiguration: Sendable, Equatable {
    package let mels: Int
    package let size: Int
    package let layers: Int
    package let heads: Int
    package let innerSize: Int
    /// Positions of the whole window, two log-mel frames each.
    package let maxPositions: Int

    init(_ fields: ConfigurationFields) throws {
        mels = try fields.int("num_mel_bins", default: 128)
        size = try fields.int("d_model", default: 1280)
        layers = try fields.int("encoder_layers", default: 32)
        heads = try fields.int("encoder_attention_heads", default: 20)
        innerSize = try fields.int("encoder_ffn_dim", default: 5120)
        maxPositions = try fields.int("max_source_positions", default: 1500)
        try fields.require("activation_function", is: "gelu")
        try fields.require("scale_embedding", is: false)
        try fields.divisible(size, by: heads, "d_model", "encoder_attention_heads")
    }
}

/// Shapes of the decoder (`Qwen2Config`).
package struct Qwen2Configuration: Sendable, Equatable {
    package let vocabularySize: Int
    package let hiddenSize: Int
    package let intermediateSize: Int
    package let layers: Int
    package let heads: Int
    package let keyValueHeads: Int
    package let headSize: Int
    package let normEpsilon: Float
    package let ropeTheta: Double
    package let maxPositions: Int
    package let tiesEmbeddings: Bool

    init(_ fields: ConfigurationFields, outer: ConfigurationFields) throws {
        vocabularySize = try fields.int("vocab_size", default: 151936)
        hiddenSize = try fields.int("hidden_size", default: 4096)
        intermediateSize = try fields.int("intermediate_size", default: 22016)
        layers = try fields.int("num_hidden_layers", default: 32)
        heads = try fields.int("num_attention_heads", default: 32)
        keyValueHeads = try fields.int("num_key_value_heads", default: 32)
        headSize = try fields.int("head_dim", default: hiddenSize / max(1, heads))
        normEpsilon = Float(try fields.double("rms_norm_eps", default: 1e-6))
        maxPositions = try fields.int("max_position_embeddings", default: 32768)
        tiesEmbeddings = try fields.bool(
            "tie_word_embeddings", default: try outer.bool("tie_word_embeddings", default: false))
        try fields.require("hidden_act", is: "silu")
        try fields.require("use_sliding_window", is: false)
        try fields.require("use_mrope", is: false)
        if let rope = try fields.objectIfPresent("rope_parameters") {
            try rope.require("rope_type", is: "default")
            ropeTheta = try rope.double("rope_theta", default: 10_000)
        } else {
            if let scaling = try fields.objectIfPresent("rope_scaling") { try scaling.require("rope_type", is: "default") }
            ropeTheta = try fields.double("rope_theta", default: 10_000)
        }
        try fields.divisible(heads, by: keyValueHeads, "num_attention_heads", "num_key_value_heads")
        if headSize % 8 != 0 || headSize > 256 {
            throw ModelError("config.json: heads of \(headSize); supported are multiples of 8 up to 256")
        }
    }

    package var attention: AttentionShape {
        AttentionShape(heads: heads, keyValueHeads: keyValueHeads, headSize: headSize)
    }

    var rotary: Rotary { Rotary(headSize: headSize, theta: ropeTheta) }
}

/// A JSON object of a configuration file with typed, defaulted access; errors name the field, what was expected and what was found.
package struct ConfigurationFields {
    private let values: [String: Any]
    private let path: String

    package init(_ data: Data, name: String) throws {
        let value: Any
        do { value = try JSONSerialization.jsonObject(with: data) } catch {
            throw ModelError("\(name): not JSON (\(error.localizedDescription))")
        }
        guard let values = value as? [String: Any] else { throw ModelError("\(name): expected a JSON object") }
        self.init(values, path: name)
    }

    private init(_ values: [String: Any], path: String) {
        self.values = values
        self.path = path
    }

    /// The value, where it is there and not null.
    private func value(_ key: String) -> Any? {
        guard let value = values[key], !(value is NSNull) else { return nil }
        return value
    }

    private func wrong(_ key: String, _ expected: String) -> ModelError {
        ModelError("\(path): \(key): expected \(expected), found \(values[key].map { "\($0)" } ?? "nothing")")
    }

    package func int(_ key: String, default fallback: @autoclosure () throws -> Int) throws -> Int {
        guard let value = value(key) else { return try fallback() }
        guard let number = value as? NSNumber, number.doubleValue == number.doubleValue.rounded(),
            number.doubleValue >= 0, number.doubleValue < 1e12
        else { throw wrong(key, "a whole number") }
        return number.intValue
    }

    package func double(_ key: String, default fallback: @autoclosure () throws -> Double) throws -> Double {
        guard let value = value(key) else { return try fallback() }
        guard let number = value as? NSNumber else { throw wrong(key, "a number") }
        return number.doubleValue
    }

    package func bool(_ key: String, default fallback: @autoclosure () throws -> Bool) throws -> Bool {
        guard let value = value(key) else { return try fallback() }
        guard let flag = value as? Bool else { throw wrong(key, "true or false") }
        return flag
    }

    package func string(_ key: String) throws -> String? {
        guard let value = value(key) else { return nil }
        guard let text = value as? String else { throw wrong(key, "a string") }
        return text
    }

    /// Whole numbers given as one number or a list of them.
    package func ints(_ key: String) throws -> [Int]? {
        guard let value = value(key) else { return nil }
        if let number = value as? NSNumber { return [number.intValue] }
        guard let numbers = value as? [NSNumber] else { throw wrong(key, "a number or a list of numbers") }
        return numbers.map(\.intValue)
    }

    package func object(_ key: String) throws -> ConfigurationFields {
        try objectIfPresent(key) ?? ConfigurationFields([:], path: "\(path): \(key)")
    }

    package func objectIfPresent(_ key: String) throws -> ConfigurationFields? {
        guard let value = value(key) else { return nil }
        guard let object = value as? [String: Any] else { throw wrong(key, "an object") }
        return ConfigurationFields(object, path: "\(path): \(key)")
    }

    /// Refuses a field whose value this software does not implement; an absent field has the value expected.
    func require(_ key: String, is expected: String) throws {
        if let found = try string(key), found != expected { throw wrong(key, "\"\(expected)\", the only kind supported,") }
    }

    func require(_ key: String, is expected: Bool) throws {
        if try bool(key, default: expected) != expected { throw wrong(key, "\(expected), the only value supported,") }
    }

    func divisible(_ a: Int, by b: Int, _ nameA: String, _ nameB: String) throws {
        if b <= 0 || a <= 0 || a % b != 0 {
            throw ModelError("\(path): \(nameA) \(a) is not a positive multiple of \(nameB) \(b)")
        }
    }
}
