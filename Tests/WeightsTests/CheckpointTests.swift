import Foundation
import Tensors
import Testing
import Weights

@Suite struct CheckpointTests {
    let directory = try! TemporaryDirectory()

    private func checkpoint(_ name: String) throws -> Checkpoint {
        try Checkpoint(directory: fixtures.appending(path: "qwen2audio/\(name)"))
    }

    /// A copy of the sharded fixture whose index was edited.
    private func edited(_ edit: (String) -> String) throws -> URL {
        let copy = directory.url.appending(path: UUID().uuidString)
        try FileManager.default.copyItem(at: fixtures.appending(path: "qwen2audio/grouped7"), to: copy)
        let index = copy.appending(path: "model.safetensors.index.json")
        try edit(try String(contentsOf: index, encoding: .utf8)).write(to: index, atomically: true, encoding: .utf8)
        return copy
    }

    @Test func aSingleFileGivesItsTensorsAndConfigurations() throws {
        let published = try checkpoint("published")
        #expect(published.tensors.count == 66)
        #expect(try published.config.integer("text_config.hidden_size") == 64)
        #expect(try published.generationConfig.integers("eos_token_id") == [2, 0])
        #expect(try published.json("preprocessor_config.json")?.integer("feature_size") == 128)
        #expect(try published.json("nothing.json") == nil)
        let weights = try published.weights()
        let embedding = try weights["language_model.model.embed_tokens"].matrix("weight", rows: 816, columns: 64)
        #expect((embedding.rows, embedding.columns) == (816, 64))
    }

    @Test func shardsAreOneCheckpoint() throws {
        let sharded = try checkpoint("grouped7")
        #expect(sharded.tensors.count == 38)
        #expect(sharded.tensors["language_model.model.layers.0.self_attn.q_proj.weight"]?.shape == [224, 224])
    }

    @Test(arguments: [
        "../model-00001-of-00003.safetensors", "/etc/x.safetensors", "..", "sub/x.safetensors", ".x.safetensors",
    ])
    func aShardMayNotLeadOutOfTheDirectory(shard: String) throws {
        let copy = try edited { $0.replacing("model-00001-of-00003.safetensors", with: shard) }
        let error = #expect(throws: CheckpointError.self) { try Checkpoint(directory: copy) }
        #expect(error?.description.contains("found \"\(shard)\"") == true)
    }

    @Test func theIndexAndTheShardsMustAgree() throws {
        let absent = try edited { $0.replacing("audio_tower.conv1.bias", with: "audio_tower.conv9.bias") }
        let error = #expect(throws: CheckpointError.self) { try Checkpoint(directory: absent) }
        #expect(error?.description.contains("audio_tower.conv9.bias is listed") == true)
        let unlisted = try edited {
            $0.replacing("    \"audio_tower.conv1.bias\": \"model-00001-of-00003.safetensors\",\n", with: "")
        }
        let extra = #expect(throws: CheckpointError.self) { try Checkpoint(directory: unlisted) }
        #expect(extra?.description.contains("audio_tower.conv1.bias is in") == true)
        let missing = try edited { $0.replacing("model-00003-of-00003", with: "model-00004-of-00004") }
        #expect(throws: SafetensorsError.self) { try Checkpoint(directory: missing) }
        let shape = try edited { _ in #"{"weight_map": [1]}"# }
        #expect(throws: JSONError.self) { try Checkpoint(directory: shape) }
    }

    @Test func aDirectoryThatIsNoModelSaysWhatIsMissing() throws {
        #expect(throws: CheckpointError.missingFile(directory: directory.url.path, file: "config.json")) {
            try Checkpoint(directory: directory.url)
        }
        _ = try directory.file("config.json", "{}".utf8)
        #expect(throws: CheckpointError.missingFile(directory: directory.url.path, file: "model.safetensors")) {
            try Checkpoint(directory: directory.url)
        }
    }

    @Test func theCursorNamesWhatIsMissingMisshapenOrUnread() throws {
        let weights = try checkpoint("published").weights()
        let attention = weights["language_model"]["model.layers"][1]["self_attn"]
        #expect(
            attention.keys() == [
                "k_proj.bias", "k_proj.weight", "o_proj.weight", "q_proj.bias", "q_proj.weight", "v_proj.bias",
                "v_proj.weight",
            ])
        #expect(attention.keys(under: "o_proj") == ["weight"])
        #expect(attention.has("q_proj") && attention.has("q_proj.bias") && !attention["o_proj"].has("bias"))
        let path = "language_model.model.layers.1.self_attn"
        #expect(throws: WeightError.missing(name: path + ".o_proj.bias", siblings: ["weight"])) {
            try attention["o_proj"].vector("bias", count: 64)
        }
        #expect(
            throws: WeightError.wrongShape(
                name: path + ".k_proj.weight", stored: path + ".k_proj.weight", expected: [64, 64], found: [32, 64])
        ) { try attention["k_proj"].matrix("weight", rows: 64, columns: 64) }
        #expect(try attention["o_proj"].optional("bias", shape: [64]) == nil)
        _ = try attention["o_proj"].tensor("weight", shape: [64, 64])
        #expect(weights.unread.count == 65)
        let error = #expect(throws: WeightError.self) { try weights.finish() }
        #expect(error == .unread(weights.unread))
        try weights.finish(allowing: weights.unread)
        #expect(throws: WeightError.self) { try weights.finish(allowing: ["weight"]) }
    }

    @Test func aBufferOnTheListMayStayUnread() throws {
        let file = try Safetensors(
            try directory.safetensors(
                #"{"a.rotary_emb.inv_freq":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, dataCount: 4))
        let weights = WeightCursor(file.tensors)
        try weights.finish(allowing: ["rotary_emb.inv_freq"])
        #expect(throws: WeightError.unread(["a.rotary_emb.inv_freq"])) {
            try weights.finish(allowing: ["emb.inv_freq"])
        }
    }

    @Test func renamedTensorsKeepTheirStoredNamesInErrors() throws {
        let newer = try checkpoint("window30")
        let weights = try newer.weights(renaming: ModuleName.canonical)
        let norm = weights["language_model.model.norm"]
        #expect(
            throws: WeightError.wrongShape(
                name: "language_model.model.norm.weight", stored: "model.language_model.norm.weight", expected: [1],
                found: [128])
        ) { try norm.vector("weight", count: 1) }
        #expect(throws: CheckpointError.self) { try newer.weights(renaming: { _ in "same" }) }
    }

    @Test func bothGenerationsOfNamesAreOne() {
        for (canonical, transformers5) in [
            ("language_model.model.layers.0.mlp.up_proj", "model.language_model.layers.0.mlp.up_proj"),
            ("language_model.model.norm.weight", "model.language_model.norm.weight"),
            ("language_model.lm_head", "lm_head"), ("language_model.lm_head.weight", "lm_head.weight"),
            ("audio_tower.layers.3.fc1", "model.audio_tower.layers.3.fc1"),
            ("multi_modal_projector.linear.bias", "model.multi_modal_projector.linear.bias"),
        ] {
            #expect(ModuleName.canonical(transformers5) == canonical)
            #expect(ModuleName.canonical(canonical) == canonical)
            #expect(ModuleName.transformers5(canonical) == transformers5)
        }
    }
}
