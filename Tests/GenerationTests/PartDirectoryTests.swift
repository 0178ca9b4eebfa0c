import Audio
import Foundation
import Generation
import Models
import Tensors
import TestSupport
import Testing
import Tokenization
import Weights

/// Models whose directory names parts that lie in directories of their own.
@Suite(.ownThread) struct PartDirectoryTests {
    private let checkpoint = try! RandomCheckpoint("ultravox/published")
    private var directory: URL { checkpoint.directory }

    private func change(_ members: [String: Any?]) throws {
        let file = directory.appending(path: "config.json")
        var config = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        for (name, value) in members { config[name] = value }
        try JSONSerialization.data(withJSONObject: config).write(to: file)
    }

    private func weights(_ model: LoadedModel) -> [String: [Float]] {
        Dictionary(uniqueKeysWithValues: model.model.parameters.map { ($0.name, $0.stored.widened().values) })
    }

    @Test func whatWasRecognisedNamesThePartsAndWhatIsPassedOver() throws {
        let model = try LoadedModel(directory: directory, precision: .float32)
        #expect(model.parts.map(\.lastPathComponent) == ["tiny-whisper", "tiny-llama"])
        for words in ["ultravox", "width 64, 2 layers, context 4096", "clips of up to 1200 s", "parts from ", "/tiny-llama", "audio_model_id "] {
            #expect(model.summary.contains(words), "\(model.summary)")
        }
    }

    /// In the model's directory, beside it, beside it under its owner's name, in the cache of Hugging Face, or anywhere by its path.
    @Test(arguments: ["beside", "owner", "cache", "path"]) func aPartIsFoundWhereverItIsLookedFor(place: String) throws {
        let expected = weights(try LoadedModel(directory: directory, precision: .float32))
        let files = FileManager.default
        let root = files.temporaryDirectory.appending(path: "cord-parts-\(UUID().uuidString)")
        defer { try? files.removeItem(at: root) }
        let places: (model: String, part: String, name: String) =
            switch place {
            case "beside": ("model", "tiny-llama", "meta-llama/tiny-llama")
            case "owner": ("fixie-ai/model", "meta-llama/tiny-llama", "meta-llama/tiny-llama")
            case "cache":
                ("models--fixie-ai--model/snapshots/1a", "models--meta-llama--tiny-llama/snapshots/2b", "meta-llama/tiny-llama")
            default: ("model", "elsewhere", root.appending(path: "elsewhere").path)
            }
        let (model, part) = (root.appending(path: places.model), root.appending(path: places.part))
        for folder in [model, part] {
            try files.createDirectory(at: folder.deletingLastPathComponent(), withIntermediateDirectories: true)
        }
        try change(["text_model_id": places.name])
        try files.moveItem(at: directory.appending(path: "tiny-llama"), to: part)
        try files.copyItem(at: directory, to: model)
        if place == "cache" {
            let main = root.appending(path: "models--meta-llama--tiny-llama/refs/main")
            try files.createDirectory(at: main.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data("2b".utf8).write(to: main)
        }
        let found = try LoadedModel(directory: model, precision: .float32)
        #expect(found.parts.contains { $0.standardizedFileURL.path == part.standardizedFileURL.path })
        #expect(weights(found) == expected)
    }

    @Test func aPartThatIsNotThereIsNamedWithWhatToDo() throws {
        try FileManager.default.removeItem(at: directory.appending(path: "tiny-llama"))
        try change(["text_model_id": "meta-llama/Llama-3.1-8B-Instruct"])
        let error = #expect(throws: CheckpointError.self) { try LoadedModel(directory: directory) }
        for words in ["text_model_id", "meta-llama/Llama-3.1-8B-Instruct", directory.path, "hf download"] {
            #expect("\(error!)".contains(words), "\(error!)")
        }
    }

    /// A part's own complaint names its directory.
    @Test func aPartWithoutWeightsIsNamed() throws {
        try FileManager.default.removeItem(at: directory.appending(path: "tiny-whisper/model.safetensors"))
        let error = #expect(throws: CheckpointError.self) { try LoadedModel(directory: directory) }
        #expect("\(error!)".contains("tiny-whisper has neither model.safetensors"), "\(error!)")
    }

    /// What is trained here and exported whole needs its parts no more.
    @Test func theWholeModelHoldsItsParts() throws {
        let model = try LoadedModel(directory: directory, precision: .float32)
        let whole = directory.appending(path: "whole")
        try FileManager.default.createDirectory(at: whole, withIntermediateDirectories: true)
        for name in ["config.json", "tokenizer.json", "tokenizer_config.json", "preprocessor_config.json", "generation_config.json"] {
            try #require(try model.companion(name)).write(to: whole.appending(path: name))
        }
        let items = model.model.parameters.map {
            SafetensorsWriter.Item.float32($0.name, $0.published($0.stored.widened()), shape: $0.shape)
        }
        try SafetensorsWriter.write(items, metadata: [:], to: whole.appending(path: "model.safetensors"))
        for part in ["tiny-llama", "tiny-whisper"] { try FileManager.default.removeItem(at: directory.appending(path: part)) }
        let again = try LoadedModel(directory: whole, precision: .float32)
        #expect(again.parts.isEmpty && weights(again) == weights(model) && again.endTokens == model.endTokens)
        #expect(again.model.decoder.configuration == model.model.decoder.configuration)
    }

    @Test func theTokenizerMayBeThePartsOwn() throws {
        let expected = try LoadedModel(directory: directory).prompt([HeardMessage(role: "user", "What is 8 plus 5?")]).tokens
        for name in ["tokenizer.json", "tokenizer_config.json"] {
            try FileManager.default.moveItem(at: directory.appending(path: name), to: directory.appending(path: "tiny-llama/" + name))
        }
        #expect(try LoadedModel(directory: directory).prompt([HeardMessage(role: "user", "What is 8 plus 5?")]).tokens == expected)
    }

    @Test func usersSpellNoPlaceholder() throws {
        let model = try LoadedModel(directory: directory)
        let clip = AudioClip(samples: [Float](repeating: 0.1, count: 16_000))
        let typed = try model.prompt([HeardMessage(role: "user", "What does <|audio|> mean?")])
        #expect(typed.clips.isEmpty && !typed.tokens.contains { Int($0) >= model.model.vocabularySize })
        let spoken = try model.prompt([HeardMessage(role: "user", parts: [.text("<|audio|>"), .audio(clip)])])
        #expect(spoken.clips.count == 1 && spoken.audioTokens == 7)
    }

    @Test(arguments: [
        ("projector_act", "\"gelu\""), ("stack_factor", "0"), ("hidden_size", "97"), ("audio_latency_block_size", "-1"),
    ]) func whatIsNotServedIsNamed(member: String, value: String) throws {
        try change([member: JSONSerialization.jsonObject(with: Data(value.utf8), options: .fragmentsAllowed)])
        let error = #expect(throws: (any Error).self) { try LoadedModel(directory: directory) }
        #expect("\(error!)".contains(member), "\(error!)")
    }

    @Test func aDecoderOfAnotherKindIsNamedWithThoseServed() throws {
        let file = directory.appending(path: "tiny-llama/config.json")
        var config = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        config["model_type"] = "gemma3"
        try JSONSerialization.data(withJSONObject: config).write(to: file)
        let error = #expect(throws: ModelError.self) { try LoadedModel(directory: directory) }
        #expect("\(error!)".contains("gemma3") && "\(error!)".contains("llama and qwen3"), "\(error!)")
    }

    /// Factors of a layer that no part has, or of another size.
    @Test func adaptersThatFitNoLayerAreNamed() throws {
        try FileManager.default.removeItem(at: directory.appending(path: "tiny-llama"))
        try FileManager.default.copyItem(at: fixtures.appending(path: "qwen2audio/published"), to: directory.appending(path: "tiny-llama"))
        let error = #expect(throws: PEFTError.self) { try LoadedModel(directory: directory) }
        #expect("\(error!)".contains("language_model"), "\(error!)")
    }
}
