import Foundation
import JSON
import Tensors
import TestSupport
import Testing
import Weights

@Suite(.ownThread) struct PEFTAdapterTests {
    let directory = try! TemporaryDirectory()

    private func adapter(_ name: String) throws -> PEFTAdapter {
        try exampleAdapter(fixtures.appending(path: "weights/\(name)"))
    }

    /// The linear modules of the checkpoint `published`, by canonical name.
    private func modules() throws -> [String: (outputs: Int, inputs: Int)] {
        var modules: [String: (outputs: Int, inputs: Int)] = [:]
        let checkpoint = try Checkpoint(directory: fixtures.appending(path: "qwen2audio/published"))
        for (name, tensor) in checkpoint.tensors
        where tensor.shape.count == 2 && name.hasSuffix(".weight") && !name.contains("embed") {
            modules[String(name.dropLast(7))] = (tensor.shape[0], tensor.shape[1])
        }
        return modules
    }

    /// A copy of a fixture with its configuration edited and its tensors renamed or, by nil, dropped.
    private func edited(
        _ name: String, _ edit: (inout JSONObject) -> Void = { _ in }, renaming: (String) -> String? = { $0 }
    ) throws -> URL {
        let source = fixtures.appending(path: "weights/\(name)")
        let copy = directory.url.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: true)
        var config = try JSONValue(parsing: try Data(contentsOf: source.appending(path: "adapter_config.json"))).object(
            "")
        edit(&config)
        try AtomicFile.write(JSONValue.object(config).text, to: copy.appending(path: "adapter_config.json").path)
        let tensors = try Safetensors(source.appending(path: "adapter_model.safetensors")).tensors
        try SafetensorsWriter.write(
            tensors.values.compactMap { tensor in renaming(tensor.name).map { .copy($0, tensor) } },
            to: copy.appending(path: "adapter_model.safetensors"))
        return copy
    }

    @Test func ranksAndScalingsFollowThePatterns() throws {
        let updates = try adapter("list").updates
        #expect(updates.count == 14)
        let decoder = "language_model.model.layers."
        // alpha / √r, with alpha 9 in the decoder's first layer, rank 2 for the second layers' queries, 3 for fc1.
        #expect(updates[decoder + "0.self_attn.q_proj"]?.scaling == 4.5)
        #expect(updates[decoder + "0.mlp.down_proj"]?.scaling == 4.5)
        #expect(updates[decoder + "1.self_attn.q_proj"]?.scaling == 6 / 2.0.squareRoot())
        #expect(updates[decoder + "1.self_attn.v_proj"]?.scaling == 3)
        #expect(updates["audio_tower.layers.1.self_attn.q_proj"]?.rank == 2)
        #expect(updates["audio_tower.layers.0.fc1"]?.rank == 3)
        #expect(updates["audio_tower.layers.0.fc1"]?.scaling == 6 / 3.0.squareRoot())
        #expect(updates["audio_tower.layers.0.fc1"]?.a.shape == [3, 64])
        #expect(updates["audio_tower.layers.0.fc1"]?.b.shape == [80, 3])
    }

    @Test(arguments: ["list", "regex"])
    func bothGenerationsOfKeysGiveTheSameAdapter(name: String) throws {
        let newer = try adapter(name)
        let older = try adapter(name + "-4")
        #expect(newer.updates.keys.sorted() == older.updates.keys.sorted())
        #expect(newer.saved.keys.sorted() == older.saved.keys.sorted())
        try #require(!newer.updates.isEmpty)
        for (module, update) in newer.updates {
            let other = try #require(older.updates[module])
            #expect(update.scaling == other.scaling)
            #expect(try update.a.floats() == other.a.floats())
            #expect(try update.b.floats() == other.b.floats())
        }
        try newer.verify(against: modules())
        try older.verify(against: modules())
    }

    @Test func modulesSavedWholeAreApartFromUpdates() throws {
        let adapter = try adapter("regex")
        #expect(
            adapter.saved.keys.sorted() == [
                "language_model.model.norm.weight", "multi_modal_projector.linear.bias",
                "multi_modal_projector.linear.weight",
            ])
        #expect(adapter.updates.count == 6)
        #expect(adapter.updates.values.allSatisfy { $0.scaling == 2.5 })
        #expect(adapter.baseModel == "published")
    }

    @Test func allLinearIsEveryLinearModuleButTheHead() throws {
        let adapter = try adapter("all-linear")
        #expect(Set(adapter.updates.keys) == Set(try modules().keys).subtracting(["language_model.lm_head"]))
        let shorthand = try exampleAdapter(try edited("all-linear") { $0["target_modules"] = "all-linear" })
        #expect(shorthand.updates.count == adapter.updates.count)
        try shorthand.verify(against: modules())
    }

    @Test(arguments: [
        ("use_dora", JSONValue.boolean(true)), ("bias", "lora_only"), ("lora_bias", true), ("fan_in_fan_out", true),
        ("layer_replication", .array([.array([.integer(0), .integer(1)])])), ("peft_type", "LOHA"),
        ("use_qalora", true),
        ("trainable_token_indices", .array([.integer(1)])), ("target_parameters", .array(["x"])),
        ("something_new", .integer(1)),
        ("init_lora_weights", "pissa"),
    ])
    func whatIsNotSupportedIsRefusedByName(field: String, value: JSONValue) throws {
        let copy = try edited("list") { $0[field] = value }
        let error = #expect(throws: PEFTError.self) { try exampleAdapter(copy) }
        guard case .unsupported(field, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: [
        ("something_new", JSONValue.null), ("something_new", false), ("init_lora_weights", "gaussian"),
        ("revision", "main"),
    ])
    func fieldsWithoutEffectArePassedOver(field: String, value: JSONValue) throws {
        #expect(try exampleAdapter(try edited("list") { $0[field] = value }).updates.count == 14)
    }

    @Test(arguments: [
        ("base_model.model.lm_head.lora_C.weight", "neither"), ("model.x.lora_A.weight", "begin with"),
        ("base_model.model.x.lora_A.default.bias", "weight alone"),
        ("base_model.model.model.audio_tower.layers.0.fc1.lora_B.zero.weight", "the same"),
        ("base_model.model.model.language_model.embed_tokens.lora_embedding_A", "embeddings"),
        ("base_model.model.model.language_model.layers.0.self_attn.q_proj.lora_magnitude_vector", "DoRA"),
    ])
    func everyTensorIsConsumedOrNamed(name: String, reason: String) throws {
        let victim = "base_model.model.model.audio_tower.layers.0.fc1.lora_A.weight"
        let copy = try edited("list", renaming: { $0 == victim ? name : $0 })
        let error = #expect(throws: PEFTError.self) { try exampleAdapter(copy) }
        guard case .unexpectedTensor(name, let words)? = error, words.contains(reason) else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func tensorsOfTheBaseAreApartFromWhatWasTrained() throws {
        let adapter = try adapter("head")
        #expect(adapter.copies.keys.sorted() == ["language_model.lm_head.weight"])
        #expect(adapter.saved.isEmpty)
        #expect(adapter.updates["language_model.lm_head"]?.scaling == 1.5)
        let base = try Checkpoint(directory: fixtures.appending(path: "qwen2audio/published")).tensors(renaming: exampleNames.published)
        let (copy, head) = (try #require(adapter.copies["language_model.lm_head.weight"]), try #require(base["language_model.lm_head.weight"]))
        #expect(try copy.isCopy(of: head))
        #expect(try !copy.isCopy(of: try #require(base["language_model.model.embed_tokens.weight"])))
    }

    @Test func keysOfTheModelsStateGiveTheSameAdapter() throws {
        let (saved, state) = (try adapter("regex"), try adapter("regex-state"))
        #expect(state.updates.keys.sorted() == saved.updates.keys.sorted())
        #expect(state.saved.keys.sorted() == saved.saved.keys.sorted())
        #expect(state.copies.keys.sorted() == saved.saved.keys.sorted())
        try #require(!saved.updates.isEmpty && !saved.saved.isEmpty)
        for (module, update) in saved.updates { #expect(try state.updates[module]?.a.floats() == update.a.floats()) }
        for (name, tensor) in saved.saved { #expect(try state.saved[name]?.floats() == tensor.floats()) }
    }

    @Test func wrappersOfTrainingArePassedOver() throws {
        let names = try adapter("list").updates.keys.sorted()
        for rename in [
            { (name: String) in "module." + name }, { $0.replacing("base_model.model.", with: "base_model.model._orig_mod.") },
            { "module._fsdp_wrapped_module." + $0.replacing(".layers.0.", with: ".layers.0._checkpoint_wrapped_module.") },
        ] {
            let copy = try exampleAdapter(try edited("list", renaming: rename))
            #expect(copy.updates.keys.sorted() == names)
        }
    }

    @Test func severalAdaptersInOneFileAreNamed() throws {
        let copy = try edited(
            "list",
            renaming: { name in
                name.replacing(".lora_A.weight", with: name.contains("layers.0") ? ".lora_A.one.weight" : ".lora_A.two.weight")
            })
        #expect(throws: PEFTError.severalAdapters(["one", "two"])) { try exampleAdapter(copy) }
    }

    @Test func aPickleIsRefusedWithTheLineThatConvertsIt() throws {
        let copy = try edited("list")
        try FileManager.default.moveItem(at: copy.appending(path: "adapter_model.safetensors"), to: copy.appending(path: "adapter_model.bin"))
        let error = #expect(throws: PEFTError.pickle) { try exampleAdapter(copy) }
        #expect(error?.description.contains("save_file") == true)
        try FileManager.default.removeItem(at: copy.appending(path: "adapter_model.bin"))
        #expect(throws: CheckpointError.missingFile(directory: copy.path, file: "adapter_model.safetensors")) { try exampleAdapter(copy) }
    }

    @Test func aMalformedConfigurationIsNamedByItsField() throws {
        let copy = try edited("list") { $0["target_modules"] = "(unclosed" }
        let error = #expect(throws: PEFTError.self) { try exampleAdapter(copy) }
        guard case .pattern("target_modules", _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        for (text, words) in [
            (#"{"peft_type": "LORA", "r": 0, "target_modules": ["a"]}"#, "adapter_config.json: \"r\": expected an integer from 1"),
            (#"{"peft_type": "LORA", "lora_alpha": NaN, "target_modules": ["a"]}"#, "\"lora_alpha\": expected a finite number, found NaN"),
            (#"{"peft_type": "LORA", "lora_alpha": 1e999, "target_modules": ["a"]}"#, "\"lora_alpha\": expected a finite number"),
        ] {
            try Data(text.utf8).write(to: copy.appending(path: "adapter_config.json"))
            let error = #expect(throws: (any Error).self) { try exampleAdapter(copy) }
            #expect("\(error!)".contains(words), "\(error!)")
        }
        let mark = Data([0xEF, 0xBB, 0xBF]) + (try Data(contentsOf: fixtures.appending(path: "weights/list/adapter_config.json")))
        try mark.write(to: copy.appending(path: "adapter_config.json"))
        #expect(try exampleAdapter(copy).updates.count == 14)
    }

    /// A copy of `list` in which one factor's first element has these bits.
    private func poisoned(_ dtype: DType, _ bits: [UInt8]) throws -> URL {
        let copy = try edited("list")
        let tensors = try Safetensors(copy.appending(path: "adapter_model.safetensors")).tensors
        let victim = "base_model.model.model.audio_tower.layers.0.fc1.lora_A.weight"
        let shape = try #require(tensors[victim]).shape
        let bytes = bits + [UInt8](repeating: 0, count: (shape.reduce(1, *) - 1) * dtype.blockBytes)
        try unsafe bytes.withUnsafeBytes { buffer in
            try SafetensorsWriter.write(
                tensors.values.map { tensor in
                    tensor.name == victim
                        ? .copy(victim, unsafe StoredTensor(name: victim, dtype: dtype, shape: shape, bytes: buffer, owner: copy as NSURL))
                        : .copy(tensor.name, tensor)
                }, to: copy.appending(path: "poisoned.safetensors"))
        }
        try FileManager.default.removeItem(at: copy.appending(path: "adapter_model.safetensors"))
        try FileManager.default.moveItem(at: copy.appending(path: "poisoned.safetensors"), to: copy.appending(path: "adapter_model.safetensors"))
        return copy
    }

    @Test(
        arguments: [
            (DType.float32, [0, 0, 0xC0, 0x7F], "nan"), (.float32, [0, 0, 0x80, 0x7F], "inf"), (.float32, [0, 0, 0x80, 0xFF], "-inf"),
            (.bfloat16, [0xC0, 0x7F], "nan"), (.bfloat16, [0x80, 0xFF], "-inf"), (.float16, [0, 0x7C], "inf"), (.float16, [1, 0xFC], "nan"),
        ] as [(DType, [UInt8], String)])
    func aValueThatIsNotFiniteIsRefusedByItsTensor(dtype: DType, bits: [UInt8], found: String) throws {
        let copy = try poisoned(dtype, bits)
        let name = "base_model.model.model.audio_tower.layers.0.fc1.lora_A.weight"
        #expect(throws: WeightError.notFinite(name: name, value: found, index: 0, shape: [3, 64])) { try exampleAdapter(copy) }
    }

    @Test func factorsMustComeInPairsOfTheRightRankForTargetedModules() throws {
        let a = "base_model.model.model.audio_tower.layers.0.fc1.lora_A.weight"
        let single = try edited("list", renaming: { $0 == a ? nil : $0 })
        #expect(throws: PEFTError.missingFactor(module: "model.audio_tower.layers.0.fc1", factor: "lora_A")) {
            try exampleAdapter(single)
        }
        let rank = try edited("list") { $0["rank_pattern"] = .object([:]) }
        #expect(
            throws: PEFTError.wrongRank(module: "model.audio_tower.layers.0.fc1", expected: 4, a: [3, 64], b: [80, 3])
        ) {
            try exampleAdapter(rank)
        }
        let target = try edited("list") { $0["target_modules"] = .array(["q_proj"]) }
        #expect(
            throws: PEFTError.unexpectedTensor(
                a, reason: "target_modules does not select model.audio_tower.layers.0.fc1")
        ) {
            try exampleAdapter(target)
        }
        let excluded = try edited("list") { $0["exclude_modules"] = .string(".*fc1") }
        #expect(throws: PEFTError.self) { try exampleAdapter(excluded) }
        let layer = try edited("list") { $0["layers_to_transform"] = .array([.integer(1)]) }
        #expect(throws: PEFTError.self) { try exampleAdapter(layer) }
    }

    @Test func anAdapterMustFitItsBase() throws {
        let adapter = try adapter("list")
        var base = try modules()
        let name = "audio_tower.layers.0.fc1"
        base[name] = (80, 32)
        #expect(throws: PEFTError.wrongShape(module: name, expected: [80, 32], found: [80, 64])) {
            try adapter.verify(against: base)
        }
        base[name] = nil
        #expect(throws: PEFTError.noModule(name)) { try adapter.verify(against: base) }
        var larger = try modules()
        larger["language_model.model.layers.2.self_attn.q_proj"] = (64, 64)
        #expect(
            throws: PEFTError.missingFactor(
                module: "language_model.model.layers.2.self_attn.q_proj", factor: "lora_A and lora_B")
        ) { try adapter.verify(against: larger) }
    }

    private func rewritten(_ name: String) throws -> URL {
        let original = try adapter(name)
        let copy = directory.url.appending(path: name)
        try PEFTWriter.write(
            try original.updates.sorted { $0.key < $1.key }.map { module, update in
                PEFTWriter.Update(
                    module: module, a: try update.a.tensor(rows: update.a.shape[0], columns: update.a.shape[1]),
                    b: try update.b.tensor(rows: update.b.shape[0], columns: update.b.shape[1]), scaling: update.scaling
                )
            },
            saved: try original.saved.map { name, tensor in
                PEFTWriter.Saved(
                    name: name, shape: tensor.shape, values: try tensor.tensor(rows: 1, columns: tensor.count))
            }, names: exampleNames, baseModel: "published", metadata: ["step": "3"], to: copy)
        return copy
    }

    @Test(arguments: ["list", "regex-4", "all-linear"])
    func aWrittenAdapterReadsBackEqual(name: String) throws {
        let original = try adapter(name)
        let copy = try exampleAdapter(try rewritten(name))
        #expect(Set(copy.updates.keys) == Set(original.updates.keys))
        #expect(Set(copy.saved.keys) == Set(original.saved.keys))
        try #require(!original.updates.isEmpty)
        for (module, update) in original.updates {
            let other = try #require(copy.updates[module])
            #expect(abs(other.scaling - update.scaling) < 1e-12)
            #expect(try other.a.floats() == update.a.floats())
            #expect(try other.b.floats() == update.b.floats())
        }
        try copy.verify(against: modules())
        #expect(directory.names == [name])
    }

    @Test func anAdapterIsWrittenOnce() throws {
        _ = try rewritten("list")
        #expect(throws: PEFTError.self) { try rewritten("list") }
        #expect(directory.names == ["list"])
        #expect(throws: PEFTError.empty) {
            try PEFTWriter.write([], names: exampleNames, baseModel: nil, to: directory.url.appending(path: "none"))
        }
    }

    /// Runs where `PEFT_PYTHON` names a Python with torch, transformers 5 and peft.
    @Test(
        .enabled(if: ProcessInfo.processInfo.environment["PEFT_PYTHON"] != nil),
        arguments: ["list", "regex", "all-linear"])
    func pythonLoadsAWrittenAdapterWithEqualLogProbabilities(name: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: try #require(ProcessInfo.processInfo.environment["PEFT_PYTHON"]))
        process.arguments = [
            fixtures.appending(path: "weights/make.py").path, "compare", try rewritten(name).path, name,
        ]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }
}
