import Audio
import Foundation
import Generation
import JSON
import Models
import Tensors
import TestSupport
import Testing
import Tokenization
import Weights

/// Every family's directory as people have them, and as they should not be: what is read whatever saved it, and what is refused by name.
@Suite(.ownThread) struct FamilyDirectoryTests {
    static let families = ReferenceCases.others.filter { $0.hasSuffix("/published") } + ["qwen2audio/published"]
    /// Those that hold their weights themselves.
    static let whole = families.filter { !$0.hasPrefix("ultravox") }

    /// A copy of a family's checkpoint, to be changed.
    private final class Copy {
        let checkpoint: RandomCheckpoint
        init(_ path: String) throws { checkpoint = try RandomCheckpoint(path) }

        func url(_ name: String) -> URL { checkpoint.directory.appending(path: name) }
        func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: url(name).path) }
        func object(_ name: String) throws -> [String: Any] {
            try #require(JSONSerialization.jsonObject(with: Data(contentsOf: url(name))) as? [String: Any])
        }
        func write(_ object: Any, _ name: String) throws { try JSONSerialization.data(withJSONObject: object).write(to: url(name)) }
        func text(_ name: String) throws -> String { try String(contentsOf: url(name), encoding: .utf8) }
        func remove(_ name: String) throws { if has(name) { try FileManager.default.removeItem(at: url(name)) } }

        /// The place of the decoder's members within `config.json`.
        func decoder(_ config: [String: Any]) -> [String] {
            for path in [["thinker_config", "text_config"], ["text_config"]] where value(config, path) is [String: Any] { return path }
            return []
        }

        private func value(_ object: [String: Any], _ path: [String]) -> Any? {
            path.reduce(object as Any?) { ($0 as? [String: Any])?[$1] }
        }

        func changed(_ object: [String: Any], _ path: [String], _ change: (inout [String: Any]) -> Void) -> [String: Any] {
            var object = object
            guard let first = path.first else {
                change(&object)
                return object
            }
            object[first] = changed(object[first] as? [String: Any] ?? [:], Array(path.dropFirst()), change)
            return object
        }

        func tensors() throws -> [String: StoredTensor] { try Safetensors(url("model.safetensors")).tensors }

        /// The weights anew, with their names and shapes as `change` gives them; nil leaves a tensor out.
        func rewrite(_ change: (String, StoredTensor) throws -> SafetensorsWriter.Item?) throws {
            let items = try tensors().compactMap(change)
            try SafetensorsWriter.write(items, metadata: ["format": "pt"], to: url("model.safetensors"))
        }

        func load() throws -> LoadedModel { try LoadedModel(directory: checkpoint.directory, precision: .float32) }

        func refusal() -> String {
            do { return "loaded: \(try load().summary)" } catch { return "\(error)" }
        }
    }

    private func prompt(_ model: LoadedModel) throws -> [Int32] {
        let clip = AudioClip(samples: (0..<8000).map { Float($0 % 89) / 890 })
        return try model.prompt([HeardMessage(role: "user", parts: [.audio(clip), .text("What is heard?")])]).tokens
    }

    // MARK: Layouts

    @Test(arguments: families) func theTemplateIsFoundWhereverItIsSaved(path: String) throws {
        let copy = try Copy(path)
        // Families that bring their chat format need no template.
        guard copy.has("chat_template.jinja") else { return }
        let (expected, template) = (try prompt(copy.load()), try copy.text("chat_template.jinja"))
        try copy.remove("chat_template.jinja")
        try copy.write(["chat_template": template], "chat_template.json")
        #expect(try prompt(copy.load()) == expected, "chat_template.json")
        try copy.remove("chat_template.json")
        var settings = copy.has("tokenizer_config.json") ? try copy.object("tokenizer_config.json") : [:]
        settings["chat_template"] = template
        try copy.write(settings, "tokenizer_config.json")
        #expect(try prompt(copy.load()) == expected, "tokenizer_config.json")
        settings["chat_template"] = [["name": "default", "template": template], ["name": "other", "template": "{{ none }}"]]
        try copy.write(settings, "tokenizer_config.json")
        #expect(try prompt(copy.load()) == expected, "a list of templates")
    }

    /// transformers 4 saves the extractor alone, transformers 5 within the processor.
    @Test(arguments: families) func theExtractorIsReadFromEitherFile(path: String) throws {
        let copy = try Copy(path)
        let (own, processor) = ("preprocessor_config.json", "processor_config.json")
        guard copy.has(own) || copy.has(processor) else { return }
        let expected = try #require(copy.load().model.audio).extractor.configuration
        if copy.has(own) {
            var settings = copy.has(processor) ? try copy.object(processor) : [:]
            settings["feature_extractor"] = try copy.object(own)
            try copy.write(settings, processor)
            try copy.remove(own)
        } else {
            var settings = try copy.object(processor)
            let extractor = settings.removeValue(forKey: "feature_extractor")
            try copy.write(#require(extractor), own)
            try copy.write(settings, processor)
        }
        let found = try #require(copy.load().model.audio).extractor.configuration
        #expect((found.melCount, found.hop, found.windowSamples) == (expected.melCount, expected.hop, expected.windowSamples))
    }

    /// Two shards whose index lists a tensor that none has and lacks one that is there, as tools that edit checkpoints leave it; a tensor's old form
    /// lies in the other shard.
    @Test(arguments: whole) func shardsWithOtherEntriesInTheirIndexAreRead(path: String) throws {
        let copy = try Copy(path)
        let expected = try copy.load()
        let tensors = try copy.tensors()
        let names = tensors.keys.sorted()
        var map = ["model.layers.0.self_attn.rotary_emb.inv_freq": "model-00001-of-00002.safetensors"]
        for (number, part) in [names.prefix(names.count / 2), names.suffix(from: names.count / 2)].enumerated() {
            let shard = "model-0000\(number + 1)-of-00002.safetensors"
            var items = part.map { SafetensorsWriter.Item.copy($0, tensors[$0]!) }
            if number == 0 { items.append(.float32(names.last!, Tensor(zeros: 1, 1))) }
            try SafetensorsWriter.write(items, metadata: ["format": "pt"], to: copy.url(shard))
            for name in part { map[name] = shard }
        }
        map[names[names.count / 3]] = nil
        try copy.write(["metadata": ["total_size": 1], "weight_map": map], "model.safetensors.index.json")
        try copy.remove("model.safetensors")
        let found = try copy.load()
        #expect(found.parameterCount == expected.parameterCount && found.summary == expected.summary)
    }

    /// A tied head is not stored, and need not be.
    @Test(arguments: whole) func aTiedHeadMayBeLeftOut(path: String) throws {
        let copy = try Copy(path)
        let config = try copy.object("config.json")
        let holder = config["thinker_config"] is [String: Any] ? ["thinker_config"] : []
        var tied = copy.changed(config, holder) { $0["tie_word_embeddings"] = true }
        tied = copy.changed(tied, copy.decoder(config)) { $0["tie_word_embeddings"] = true }
        try copy.write(tied, "config.json")
        try copy.rewrite { name, tensor in name.hasSuffix("lm_head.weight") ? nil : .copy(name, tensor) }
        let refusal = copy.refusal()
        // Families whose reference never ties ask for the head by name.
        if refusal.hasPrefix("loaded") { #expect(try !prompt(copy.load()).isEmpty) } else { #expect(refusal.contains("lm_head"), "\(refusal)") }
    }

    // MARK: Refusals

    @Test(arguments: families) func whatTheFamilyDoesNotComputeIsNamed(path: String) throws {
        let copy = try Copy(path)
        let config = try copy.object("config.json")
        let text = copy.decoder(config)
        try copy.write(copy.changed(config, []) { $0["model_type"] = "gpt_sound" }, "config.json")
        #expect(copy.refusal().contains("gpt_sound") && copy.refusal().contains("served families") && copy.refusal().contains("step_audio_2"))
        for method in ["awq", "gptq"] {
            try copy.write(copy.changed(config, []) { $0["quantization_config"] = ["quant_method": method, "bits": 4] }, "config.json")
            #expect(copy.refusal().contains("\(method) in 4 bits"), "\(copy.refusal())")
        }
        // Ultravox's decoder has a directory of its own, whose tests are PartDirectoryTests.
        if path.hasPrefix("ultravox") { return }
        let spiral: [String: Any] = ["rope_type": "spiral", "rope_theta": 10_000.0, "factor": 2]
        try copy.write(
            copy.changed(config, text) { ($0["rope_parameters"], $0["rope_scaling"]) = (spiral, spiral) }, "config.json")
        #expect(copy.refusal().contains("spiral"), "\(copy.refusal())")
        try copy.write(copy.changed(config, text) { $0["hidden_act"] = "swish_squared" }, "config.json")
        #expect(copy.refusal().contains("hidden_act") && copy.refusal().contains("swish_squared"), "\(copy.refusal())")
        try copy.write(copy.changed(config, text) { $0["num_attention_heads"] = 3 }, "config.json")
        #expect(!copy.refusal().hasPrefix("loaded"))
    }

    /// One of each part's tensors is away, of another shape, or there beside another.
    @Test(arguments: whole) func tensorsThatAreMissingMisshapenOrLeftOverAreNamed(path: String) throws {
        let pristine = try Copy(path)
        let model = try pristine.load()
        let stored = try pristine.tensors().keys.sorted()
        for part in Parameter.Part.allCases {
            let parameter = try #require(
                model.model.parameters.first { $0.part == part && $0.kind == .linear && !$0.isOfExpert && !$0.name.contains("lm_head") })
            let ending = parameter.name.split(separator: ".").suffix(4).joined(separator: ".")
            let name = try #require(stored.first { $0.hasSuffix(ending) } ?? stored.first { $0.hasSuffix(parameter.name) }, "\(ending)")
            let missing = try Copy(path)
            try missing.rewrite { $0 == name ? nil : .copy($0, $1) }
            #expect(missing.refusal().contains(ending), "\(path) without \(name): \(missing.refusal())")
            let misshapen = try Copy(path)
            try misshapen.rewrite { other, tensor in
                other == name ? .float32(other, Tensor(zeros: 3, 5)) : .copy(other, tensor)
            }
            #expect(misshapen.refusal().contains(ending) && misshapen.refusal().contains("[3, 5]"), "\(misshapen.refusal())")
        }
        let leftOver = try Copy(path)
        let tensors = try leftOver.tensors()
        let items = tensors.map { SafetensorsWriter.Item.copy($0, $1) } + [.float32("vocoder.mystery.weight", Tensor(zeros: 2, 2))]
        try SafetensorsWriter.write(items, metadata: ["format": "pt"], to: leftOver.url("model.safetensors"))
        #expect(leftOver.refusal().contains("vocoder.mystery.weight"), "\(leftOver.refusal())")
    }

    /// A template of texts alone: the model is served, says so at the start, answers what is typed, and names the template to who speaks.
    @Test(arguments: families) func aTemplateThatTakesNoPartsIsNamed(path: String) throws {
        let copy = try Copy(path)
        guard copy.has("chat_template.jinja") else { return }
        let texts = "{% for message in messages %}\n{{ '<|im_start|>' + message['content'] }}\n{% endfor %}"
        try Data(texts.utf8).write(to: copy.url("chat_template.jinja"))
        let model = try copy.load()
        if model.model.family.chatTemplate != nil || model.model.family.soundInText != nil { return }
        #expect(model.summary.contains("spoken questions will be refused") && model.summary.contains("line 2"), "\(model.summary)")
        #expect(try !model.prompt([HeardMessage(role: "user", parts: [.text("Typed.")])]).tokens.isEmpty)
        let error = #expect(throws: (any Error).self) { try prompt(model) }
        #expect("\(error!)".contains("line 2"), "\(error!)")
    }

    /// The tokenizer of a model with more tokens than this one has embeddings.
    @Test(arguments: families) func aTokenizerOfAnotherModelIsNamed(path: String) throws {
        let copy = try Copy(path)
        // Ultravox's is its decoder's, Voxtral's is mistral-common's.
        guard copy.has("tokenizer.json"), !copy.has("tekken.json"), !path.hasPrefix("ultravox") else { return }
        let file = try copy.object("tokenizer.json")
        var vocabulary = try #require((file["model"] as? [String: Any])?["vocab"] as? [String: Int])
        for (token, id) in vocabulary where id > 5 { vocabulary[token] = id + 5_000 }
        var model = try #require(file["model"] as? [String: Any])
        model["vocab"] = vocabulary
        var other = file
        other["model"] = model
        try copy.write(other, "tokenizer.json")
        let refusal = copy.refusal()
        if !refusal.hasPrefix("loaded") {
            #expect(refusal.contains("tokenizer"), "\(refusal)")
            return
        }
        let loaded = try copy.load()
        #expect(loaded.summary.contains("belongs to another model"), "\(loaded.summary)")
        let error = #expect(throws: (any Error).self) { try loaded.prompt([HeardMessage(role: "user", parts: [.text("Typed.")])]) }
        #expect("\(error!)".contains("tokenizer.json"), "\(error!)")
    }

    /// One sample more than the family hears; the refusal says how much that is, and becomes a 413.
    @Test(arguments: families) func aLongerClipThanTheFamilyHearsIsRefusedWithItsLimit(path: String) throws {
        let audio = try #require(try Copy(path).load().model.audio)
        let clip = AudioClip(samples: [Float](repeating: 0.1, count: Int(audio.longestSeconds * Double(AudioClip.sampleRate)) + 1))
        let error = #expect(throws: AudioError.self) { try audio.segments(clip) }
        #expect(error?.kind == .tooLarge && error?.description.contains("\(Int(audio.longestSeconds))") == true, "\(error?.description ?? "")")
    }
}
