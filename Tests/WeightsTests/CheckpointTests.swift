import Foundation
import JSON
import Tensors
import TestSupport
import Testing
import Weights

@Suite(.ownThread) struct CheckpointTests {
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

    /// As transformers reads them: a tensor that is listed and nowhere is no tensor, one that is there unlisted is one.
    @Test func anIndexMayListMoreThanThereIsAndLess() throws {
        let expected = try Set(checkpoint("grouped7").tensors.keys)
        let renamed = try edited { $0.replacing("audio_tower.conv1.bias", with: "audio_tower.conv9.bias") }
        #expect(try Set(Checkpoint(directory: renamed).tensors.keys) == expected)
        let unlisted = try edited {
            $0.replacing("    \"audio_tower.conv1.bias\": \"model-00001-of-00003.safetensors\",\n", with: "")
        }
        #expect(try Set(Checkpoint(directory: unlisted).tensors.keys) == expected)
    }

    @Test func anIndexThatNamesNoShardsIsRefused() throws {
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
        #expect(throws: CheckpointError.noWeights(directory: directory.url.path, files: [])) {
            try Checkpoint(directory: directory.url)
        }
    }

    @Test(arguments: [
        (["pytorch_model.bin"], "save_file"), (["pytorch_model-00001-of-00002.bin", "pytorch_model.bin.index.json"], "save_pretrained"),
        (["consolidated.safetensors"], "save_pretrained"), (["model-Q4_K_M.gguf"], "model-Q4_K_M.gguf"),
    ])
    func otherWeightsAreNamedWithWhatToDo(files: [String], words: String) throws {
        _ = try directory.file("config.json", "{}".utf8)
        for file in files { _ = try directory.file(file, "x".utf8) }
        let error = #expect(throws: CheckpointError.self) { try Checkpoint(directory: directory.url) }
        #expect(error == .noWeights(directory: directory.url.path, files: files.sorted()))
        #expect(error?.description.contains(words) == true)
    }

    @Test(arguments: [
        (#"{"quantization_config": {"quant_method": "awq", "bits": 4}}"#, "awq in 4 bits"),
        (#"{"quantization_config": {"quant_method": "gptq", "bits": 8}}"#, "gptq in 8 bits"),
        (#"{"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": true}}"#, "bitsandbytes"),
        (#"{"text_config": {"quantization_config": {"quant_method": "compressed-tensors"}}}"#, "compressed-tensors"),
        (#"{"quantization_config": []}"#, "an unnamed method"),
    ])
    func aQuantisedCheckpointIsRefusedByItsMethod(config: String, method: String) throws {
        _ = try directory.file("config.json", config.utf8)
        let error = #expect(throws: CheckpointError.self) { try Checkpoint(directory: directory.url) }
        guard case .quantized(let field, method)? = error, field.contains("quantization_config") else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func quantisedTensorsWithoutAWordInTheConfigurationAreNamed() throws {
        _ = try directory.file("config.json", #"{"quantization_config": null}"#.utf8)
        _ = try directory.safetensors(#"{"a.qweight":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}"#, dataCount: 4)
        let error = #expect(throws: CheckpointError.self) { try Checkpoint(directory: directory.url).weights() }
        #expect(error?.description.contains("a.qweight") == true)
    }

    @Test func anAdapterThatIsNotMergedIsNamed() throws {
        _ = try directory.file("config.json", "{}".utf8)
        _ = try directory.safetensors(#"{"m.q_proj.base_layer.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, dataCount: 4)
        let error = #expect(throws: CheckpointError.self) { try Checkpoint(directory: directory.url).weights() }
        #expect(error == .unmerged(tensor: "m.q_proj.base_layer.weight"))
    }

    @Test func aTensorThatIsNotFiniteIsRefusedWhenItIsRead() throws {
        _ = try directory.file("config.json", "\u{FEFF}{}".utf8)
        var bytes = safetensorsBytes(#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, dataCount: 8)
        bytes.replaceSubrange(bytes.count - 4..<bytes.count, with: [0, 0, 0x80, 0x7F])
        _ = try directory.file("model.safetensors", bytes)
        let weights = try Checkpoint(directory: directory.url).weights()
        #expect(throws: WeightError.notFinite(name: "a", value: "inf", index: 1, shape: [2])) { try weights.vector("a", count: 2) }
    }

    @Test func wrappersOfTrainingArePassedOverWhereAllNamesHaveThem() {
        func plain(_ names: [String]) -> [String] { names.map { ModuleNames.withoutWrappers(names)[$0] ?? "" } }
        #expect(plain(["module.a.b", "module.c"]) == ["a.b", "c"])
        #expect(plain(["_orig_mod.module.a", "_orig_mod.module.module.b"]) == ["a", "module.b"])
        #expect(plain(["module._orig_mod.base_model.model.a", "module._orig_mod.base_model.model.b"]) == ["a", "b"])
        #expect(plain(["base_model.model.module.a"]) == ["a"])
        #expect(plain(["a._orig_mod.b", "a.c._fsdp_wrapped_module.d"]) == ["a.b", "a.c.d"])
        #expect(plain(["module.a", "b"]) == ["module.a", "b"])
        #expect(ModuleNames.withoutWrappers([String]()).isEmpty)
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
        let weights = try newer.weights(renaming: exampleNames.published)
        let norm = weights["language_model.model.norm"]
        #expect(
            throws: WeightError.wrongShape(
                name: "language_model.model.norm.weight", stored: "model.language_model.norm.weight", expected: [1],
                found: [128])
        ) { try norm.vector("weight", count: 1) }
        #expect(throws: CheckpointError.self) { try newer.weights(renaming: { _ in "same" }) }
    }

    @Test func everyColumnsNameIsThePublishedOne() {
        for (published, transformers5) in [
            ("language_model.model.layers.0.mlp.up_proj", "model.language_model.layers.0.mlp.up_proj"),
            ("language_model.model.norm.weight", "model.language_model.norm.weight"),
            ("language_model.lm_head", "lm_head"), ("language_model.lm_head.weight", "lm_head.weight"),
            ("audio_tower.layers.3.fc1", "model.audio_tower.layers.3.fc1"),
            ("multi_modal_projector.linear.bias", "model.multi_modal_projector.linear.bias"),
        ] {
            #expect(exampleNames.published(transformers5) == published)
            #expect(exampleNames.published(published) == published)
            #expect(exampleNames.newest(published) == transformers5)
            #expect(exampleNames.column(of: published) == 0 && exampleNames.column(of: transformers5) == 1)
        }
        #expect(exampleNames.published("lm_heads.weight") == "lm_heads.weight" && exampleNames.column(of: "norm") == nil)
    }

    /// Older modules whose paths begin as newer ones do: the longest path decides.
    @Test func aPathWithinAnotherIsNotMistakenForIt() {
        let names = ModuleNames([["thinker.model", "model", "model.language_model"], ["thinker.audio", "audio", "model.audio"]])
        for name in ["thinker.audio.conv1", "audio.conv1", "model.audio.conv1"] { #expect(names.published(name) == "thinker.audio.conv1") }
        for name in ["thinker.model.norm", "model.norm", "model.language_model.norm"] { #expect(names.published(name) == "thinker.model.norm") }
        #expect(
            (0..<3).map { names.name(of: "thinker.model.norm", column: $0) } == ["thinker.model.norm", "model.norm", "model.language_model.norm"])
        #expect(names.column(of: "model.norm") == 1 && names.column(of: "model.audio.conv1") == 2)
    }
}

/// Names of a family in two columns.
let exampleNames = ModuleNames([
    ["language_model.model", "model.language_model"], ["language_model.lm_head", "lm_head"], ["audio_tower", "model.audio_tower"],
    ["multi_modal_projector", "model.multi_modal_projector"],
])

func exampleAdapter(_ directory: URL) throws -> PEFTAdapter { try PEFTAdapter(directory: directory, names: exampleNames) }
