import Foundation
import JSON
import Models
import Tensors
import TestSupport
import Testing
import Weights

/// `config.json` comes from strangers: a number that would size nothing, everything or less is refused by its name.
@Suite(.ownThread) struct HostileConfigurationTests {
    private static let sizes = [
        "audio_config.num_mel_bins", "audio_config.d_model", "audio_config.encoder_layers", "audio_config.encoder_attention_heads",
        "audio_config.encoder_ffn_dim", "audio_config.max_source_positions", "text_config.vocab_size", "text_config.hidden_size",
        "text_config.intermediate_size", "text_config.num_hidden_layers", "text_config.num_attention_heads",
        "text_config.num_key_value_heads", "text_config.head_dim", "text_config.max_position_embeddings",
    ]

    private func configuration(_ path: String, _ number: String) throws -> Qwen2AudioConfiguration {
        let parts = path.split(separator: ".")
        let text = parts.count == 2 ? "{\"\(parts[0])\": {\"\(parts[1])\": \(number)}}" : "{\"\(path)\": \(number)}"
        return try Qwen2AudioConfiguration(JSONValue(parsing: text))
    }

    @Test(arguments: sizes) func sizesOutOfReachAreRefusedByName(path: String) {
        for number in ["0", "-1", "-9223372036854775808", "9223372036854775807", "1e300", "-1e300", "3.5", "1099511627776", "\"7\""] {
            #expect {
                try configuration(path, number)
            } throws: {
                "\($0)".contains(path)
            }
        }
    }

    @Test func everyOtherNumberIsHeldToItsRange() {
        for (path, number) in [
            ("audio_token_index", "-1"), ("audio_token_index", "9223372036854775807"), ("audio_token_index", "151936"),
            ("audio_token_id", "4294967296"), ("text_config.rms_norm_eps", "-1"), ("text_config.rms_norm_eps", "1e300"),
            ("text_config.rope_theta", "0"), ("text_config.rope_theta", "-10000"), ("text_config.rope_theta", "1e308"),
        ] {
            #expect {
                try configuration(path, number)
            } throws: {
                "\($0)".contains(path)
            }
        }
    }

    @Test func anUnknownModelTypeNamesThoseThatAreServed() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "cord-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(#"{"model_type": "llava"}"#.utf8).write(to: folder.appending(path: "config.json"))
        try SafetensorsWriter.write([.float32("a", Tensor(zeros: 1, 1))], metadata: [:], to: folder.appending(path: "model.safetensors"))
        #expect {
            try AudioLanguageModel(Checkpoint(directory: folder), storage: .checkpoint)
        } throws: { error in
            Family.allCases.allSatisfy { "\(error)".contains($0.rawValue) } && "\(error)".contains("llava")
        }
    }

    @Test func sizesThatDoNotFitOneAnotherAreRefused() {
        for (path, number) in [("text_config.num_key_value_heads", "5"), ("text_config.head_dim", "12"), ("audio_config.d_model", "1281")] {
            #expect(throws: ModelError.self) { try configuration(path, number) }
        }
    }
}
