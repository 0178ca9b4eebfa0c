import Foundation
import JSON
import Models
import Tensors
import TestSupport
import Testing
import Weights

/// `config.json` as people have it; what transformers makes of rotary settings is in Tests/Fixtures/qwen2audio/rope.json.
@Suite(.ownThread) struct ConfigurationTests {
    private static let rope = cases(in: "qwen2audio/rope.json") { try JSONValue(parsing: $0).array("cases") }

    private static func configuration(_ members: JSONObject, over base: String = "published") throws -> Qwen2AudioConfiguration {
        var object = try JSONValue(parsing: try Data(contentsOf: fixtures.appending(path: "qwen2audio/\(base)/config.json"))).object("")
        var text = try object["text_config"]!.object("")
        for member in ["rope_theta", "rope_parameters", "rope_scaling"] { text[member] = nil }
        for key in members.keys { text[key] = members[key] }
        object["text_config"] = .object(text)
        return try Qwen2AudioConfiguration(.object(object))
    }

    @Test(arguments: rope.indices)
    func rotaryPositionsAreThoseOfTransformersOrRefused(index: Int) throws {
        let item = Self.rope[index]
        let members = try item.object("text_config")
        guard try item.string("rope_type") != "default" else {
            let layer = try Self.configuration(members).text.layers[0]
            let theta = try item.number("rope_theta")
            #expect(layer.frequencies == Rotary.frequencies(headSize: layer.attention.headSize, theta: theta))
            return
        }
        let error = #expect(throws: ModelError.self) { try Self.configuration(members) }
        #expect(error?.description.contains("rope_") == true)
    }

    @Test(arguments: [("layer_types", JSONValue.array(["sliding_attention"])), ("partial_rotary_factor", .real(0.5))])
    func whatChangesTheArithmeticIsRefusedByItsField(field: String, value: JSONValue) {
        let error = #expect(throws: ModelError.self) { try Self.configuration([field: value]) }
        #expect(error?.description.contains(field) == true)
    }

    /// Every tensor under the names that a wrapped model saves.
    @Test(arguments: ["module.", "_orig_mod.", "base_model.model.", "module._orig_mod.base_model.model."])
    func aWrappedModelsCheckpointIsTheSameModel(prefix: String) throws {
        for name in ["published", "window30"] {
            let source = fixtures.appending(path: "qwen2audio/\(name)")
            let copy = FileManager.default.temporaryDirectory.appending(path: "cord-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: copy) }
            for file in ["config.json", "preprocessor_config.json"] {
                try FileManager.default.copyItem(at: source.appending(path: file), to: copy.appending(path: file))
            }
            let checkpoint = try Checkpoint(directory: source)
            try SafetensorsWriter.write(
                checkpoint.tensors.map { .copy(prefix + $0.key, $0.value) }, to: copy.appending(path: "model.safetensors"))
            let (original, wrapped) = (
                try AudioLanguageModel(checkpoint, storage: .checkpoint), try AudioLanguageModel(Checkpoint(directory: copy), storage: .checkpoint)
            )
            #expect(wrapped.parameters.map(\.name) == original.parameters.map(\.name))
            for (one, other) in zip(wrapped.parameters, original.parameters) {
                #expect(one.stored.widened().values == other.stored.widened().values)
            }
        }
    }
}
