import Audio
import CordNano
import Foundation
import Generation
import Models
import Tensors
import TestSupport
import Testing
import Weights

/// A directory written as GGUF files in 8 or 4 bits.
@Suite(.ownThread) struct QuantizationTests {
    private func written(_ directory: URL, _ precision: ModelPrecision, in folder: TemporaryFolder) throws -> LoadedModel {
        let quantization = try Quantization(of: directory, precision, to: folder.url.appending(path: "a.gguf"))
        var last = 0
        try quantization.write { last = $0 }
        #expect(last == quantization.byteCount && last > 0)
        return try LoadedModel(ModelFiles(folder.url))
    }

    /// What was written and what is quantised while loading have the same weights, parameter by parameter.
    @Test(arguments: [ModelPrecision.int8, .int4], ["qwen2audio/published", "qwen2_5_omni/published", "qwen3_asr/published"])
    func filesHoldWhatALoadComputes(precision: ModelPrecision, path: String) throws {
        let checkpoint = try RandomCheckpoint(path), folder = try TemporaryFolder()
        let loaded = try LoadedModel(directory: checkpoint.directory, precision: precision)
        let file = try written(checkpoint.directory, precision, in: folder)
        #expect(file.arithmetic == loaded.arithmetic && file.defaults == loaded.defaults && file.turnEnd == loaded.turnEnd)
        try #require(file.model.parameters.count == loaded.model.parameters.count)
        for (own, theirs) in zip(file.model.parameters, loaded.model.parameters) {
            #expect(own.name == theirs.name && own.stored.format == theirs.stored.format, "\(own.name): \(own.stored.format)")
            let isSame = own.stored.widened().values == theirs.stored.widened().values
            #expect(isSame, "\(own.name)")
        }
    }

    @Test(arguments: [ModelPrecision.int8, .int4]) func answersHaveTheBitsOfALoad(precision: ModelPrecision) async throws {
        let folder = try TemporaryFolder()
        let loaded = try LoadedModel(directory: CordNano.directory, precision: precision)
        let file = try written(CordNano.directory, precision, in: folder)
        let sound = AudioClip(samples: (0..<32_000).map { Float(($0 * 7919) % 1000) / 5000 - 0.1 })
        for parts in [[HeardMessage.Part.text("What is 12 plus 7?")], [.audio(sound)]] {
            let own = try file.prompt([HeardMessage(role: "user", parts: parts)])
            let theirs = try loaded.prompt([HeardMessage(role: "user", parts: parts)])
            #expect(own.tokens == theirs.tokens)
            var options = SamplingOptions.greedy
            options.maxTokens = 24
            options.logProbabilities = 3
            let found = try await Engine(file).complete(GenerationRequest(prompt: own, options: options)).answers[0]
            let expected = try await Engine(loaded).complete(GenerationRequest(prompt: theirs, options: options)).answers[0]
            #expect(found.tokens == expected.tokens && found.logProbabilities == expected.logProbabilities)
        }
    }

    /// What stays wider, and what has 8 bits beside a decoder in 4.
    @Test func theFormatsOfThePolicyAreKept() throws {
        let model = try LoadedModel(directory: CordNano.directory, precision: .int4).model
        for parameter in model.parameters {
            let expected: StoredFormat =
                switch parameter.kind {
                case .convolution, .vector, .router: .float32
                case .table: parameter.index == model.decoder.head.weight.index ? .q8_0 : .bfloat16
                case .linear: parameter.part == .decoder ? .q4_0 : .q8_0
                }
            #expect(parameter.stored.format == expected, "\(parameter.name)")
        }
    }

    @Test func modelsThatGGUFCannotTellAreRefusedAndNothingIsLeft() throws {
        let other = try RandomCheckpoint("audioflamingo3/published"), folder = try TemporaryFolder()
        let error = #expect(throws: ModelError.self) {
            try Quantization(of: other.directory, .int8, to: folder.url.appending(path: "a.gguf"))
        }
        #expect(error!.description.contains("audioflamingo3"))
        // A shortest clip of the processor's own has no place in the metadata.
        let checkpoint = try RandomCheckpoint("qwen3_asr/published")
        let file = checkpoint.directory.appending(path: "processor_config.json")
        let text = try String(contentsOf: file, encoding: .utf8)
        try #require(text.contains("\"min_length\": 8000"))
        try text.replacing("\"min_length\": 8000", with: "\"min_length\": 12345")
            .write(to: file, atomically: true, encoding: .utf8)
        let quantization = try Quantization(of: checkpoint.directory, .int8, to: folder.url.appending(path: "a.gguf"))
        let refusal = #expect(throws: ModelError.self) { try quantization.write { _ in } }
        #expect(refusal!.description.contains("how clips are cut"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
    }
}
