import Audio
import Foundation
import Generation
import JSON
import Models
import Tensors
import TestSupport
import Testing
import Weights

/// PEFT adapters over a random checkpoint give the log-probabilities of Python's peft (Tests/Fixtures/weights/README.md).
@Suite(.ownThread) struct AdapterLoadingTests {
    private static let model = Result { try load("published") }

    private static func load(_ name: String) throws -> LoadedModel {
        let checkpoint = try RandomCheckpoint("qwen2audio/\(name)")
        return try withExtendedLifetime(checkpoint) {
            try LoadedModel(directory: checkpoint.directory, precision: .float32)
        }
    }

    @Test(arguments: [
        ("list", "list"), ("regex", "regex"), ("all-linear", "all-linear"), ("list-4", "list"), ("regex-4", "regex"),
        ("head", "head"), ("head-4", "head"), ("layers", "layers"), ("layers-4", "layers"), ("regex-state", "regex"),
    ])
    func adaptedLogProbabilitiesAreThoseOfPython(directory: String, adapter: String) throws {
        let model = try Self.model.get()
        let weights = fixtures.appendingPathComponent("weights")
        let version = try model.version(fromPEFT: weights.appendingPathComponent(directory), id: directory)
        let goldens = try Safetensors(weights.appendingPathComponent("goldens.safetensors"))
        let file = try ReferenceCases("qwen2audio/published")
        for name in ["text", "second"] {
            let item = try #require(file.named(name))
            let logits = try logits(item, of: file, model, version)
            let prefix = "\(adapter)/\(item.name)"
            let normalisers = logSumExpRows(logits)
            let expected = try #require(goldens.tensors["\(prefix)/logsumexp"]).floats()
            #expect(largestDifference(normalisers, expected) < 1e-4, "\(prefix)")
            let next = try #require(goldens.tensors["\(prefix)/next_logprob"]).floats()
            let found = (0..<logits.rows - 1).map { logits[$0, Int(item.inputIDs[$0 + 1])] - normalisers[$0] }
            #expect(largestDifference(found, next) < 1e-4, "\(prefix)")
        }
    }

    /// A copy of a fixture with its configuration and tensors edited.
    private static func edited(
        _ name: String, _ edit: (inout JSONObject) -> Void = { _ in }, adding: [SafetensorsWriter.Item] = [],
        replacing replaced: [String: Tensor] = [:]
    ) throws -> URL {
        let source = fixtures.appendingPathComponent("weights/\(name)")
        let copy = FileManager.default.temporaryDirectory.appendingPathComponent("cord-adapter-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: true)
        var config = try JSONValue(parsing: try Data(contentsOf: source.appendingPathComponent("adapter_config.json"))).object("")
        edit(&config)
        try AtomicFile.write(JSONValue.object(config).text, to: copy.appendingPathComponent("adapter_config.json").path)
        let tensors = try Safetensors(source.appendingPathComponent("adapter_model.safetensors")).tensors
        try SafetensorsWriter.write(
            tensors.values.map { tensor in replaced[tensor.name].map { .float32(tensor.name, $0) } ?? .copy(tensor.name, tensor) } + adding,
            to: copy.appendingPathComponent("adapter_model.safetensors"))
        return copy
    }

    private static func refusal(_ directory: URL) throws -> String {
        defer { try? FileManager.default.removeItem(at: directory) }
        let model = try model.get()
        let error = #expect(throws: (any Error).self) { try model.version(fromPEFT: directory, id: "x") }
        return "\(error!)"
    }

    /// peft writes them over the base's when it loads an adapter.
    @Test func tensorsOfTheBaseBesideTheFactorsMustEqualIt() throws {
        let model = try Self.model.get()
        let table = try #require(model.model.parameters.first { $0.name.hasSuffix("embed_tokens.weight") }).stored.widened()
        let name = "base_model.model.model.language_model.embed_tokens.weight"
        let equal = try Self.edited("list", adding: [.float32(name, table)])
        defer { try? FileManager.default.removeItem(at: equal) }
        let version = try model.version(fromPEFT: equal, id: "x")
        #expect(version.adapters.count == 14)
        #expect(version.replacements.isEmpty)

        var values = table.values
        values[5] += 0.001
        let trained = try Self.refusal(
            Self.edited("list", adding: [.float32(name, Tensor(values, rows: table.rows, columns: table.columns))]))
        #expect(trained.contains(name) && trained.contains("modules_to_save") && trained.contains("merge_and_unload"))
        #expect(trained.contains("\"model.language_model.embed_tokens\""))
        let resized = try Self.refusal(Self.edited("list", adding: [.float32(name, table.rowsCopy(0..<800))]))
        #expect(resized.contains("[800, 64]") && resized.contains("[816, 64]"))
        let unknown = try Self.refusal(Self.edited("list", adding: [.float32("base_model.model.no.weight", table)]))
        #expect(unknown.contains("the model has no tensor no.weight"))
    }

    /// Factors and scaling that are finite, and whose product is not.
    @Test func aChangeThatLeavesFloatIsRefusedByItsModule() throws {
        let (a, b) = (
            "base_model.model.model.audio_tower.layers.0.fc1.lora_A.weight", "base_model.model.model.audio_tower.layers.0.fc1.lora_B.weight"
        )
        func filled(_ value: Float, _ rows: Int, _ columns: Int) -> Tensor {
            Tensor(Array(repeating: value, count: rows * columns), rows: rows, columns: columns)
        }
        for (first, second, alpha) in [(1e20, 1e20, 1.0), (1, 1, 1e30), (1e38, 1e-38, 1), (1e-30, 1e30, 1e38)] as [(Float, Float, Double)] {
            let words = try Self.refusal(
                Self.edited(
                    "list", { $0["alpha_pattern"] = .object(["fc1": .real(alpha)]) },
                    replacing: [a: filled(first, 3, 64), b: filled(second, 80, 3)]))
            #expect(words.contains("audio_tower.layers.0.fc1"), "\(words)")
        }
        let large = try Self.edited("list", { $0["alpha_pattern"] = .object(["fc1": .real(1e6)]) })
        defer { try? FileManager.default.removeItem(at: large) }
        #expect(try Self.model.get().version(fromPEFT: large, id: "x").adapters.count == 14)
    }

    @Test func adapterOfAnotherModelIsRefusedByName() throws {
        let other = try Self.load("head128")
        #expect(throws: (any Error).self) {
            try other.version(fromPEFT: fixtures.appendingPathComponent("weights/list"), id: "list")
        }
    }
}

/// Logits of a case under a version, by the model's own expansion of its placeholders.
func logits(_ item: ReferenceCases.Case, of file: ReferenceCases, _ model: LoadedModel, _ version: WeightVersion) throws -> Tensor {
    let prompt = try model.expand(item.promptIDs, item.clips.map { AudioClip(samples: try #require(file.clips[$0]?.synthetic)) })
    try #require(prompt.tokens == item.inputIDs)
    let hidden = model.hidden(PackedContinuations(prompt, []), of: prompt, version: version)
    return model.model.decoder.logits(hidden, Pass(version: version, rows: hidden.rows, arithmetic: .float32))
}
