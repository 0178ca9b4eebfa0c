import Audio
import Foundation
import Generation
import Models
import Tensors
import TestSupport
import Testing
import Weights

/// PEFT adapters over a random checkpoint give the log-probabilities of Python's peft (Tests/Fixtures/weights/README.md).
@Suite struct AdapterLoadingTests {
    private struct Case: Decodable {
        let name: String
        let input_ids: [Int32]
        let clips: [String]
    }
    private struct Clip: Decodable {
        let samples: Int
        let seed: UInt32?
    }
    private struct File: Decodable {
        let clips: [String: Clip]
        let cases: [Case]
    }

    private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures")
    private static let model = Result { try load("published") }

    private static func load(_ name: String) throws -> LoadedModel {
        let checkpoint = try RandomCheckpoint(name)
        return try withExtendedLifetime(checkpoint) {
            try LoadedModel(directory: checkpoint.directory, precision: .float32)
        }
    }

    @Test(arguments: [("list", "list"), ("regex", "regex"), ("all-linear", "all-linear"), ("list-4", "list"), ("regex-4", "regex")])
    func adaptedLogProbabilitiesAreThoseOfPython(directory: String, adapter: String) throws {
        let model = try Self.model.get()
        let weights = Self.fixtures.appendingPathComponent("weights")
        let version = try model.version(fromPEFT: weights.appendingPathComponent(directory), id: directory)
        let goldens = try Safetensors(weights.appendingPathComponent("goldens.safetensors"))
        let file = try JSONDecoder().decode(
            File.self, from: Data(contentsOf: Self.fixtures.appendingPathComponent("qwen2audio/published/cases.json")))
        for item in file.cases where ["text", "second"].contains(item.name) {
            let logits = try logits(item, file.clips, model, version)
            let prefix = "\(adapter)/\(item.name)"
            let normalisers = logSumExpRows(logits)
            let expected = try #require(goldens.tensors["\(prefix)/logsumexp"]).floats()
            for (row, value) in expected.enumerated() { #expect(abs(normalisers[row] - value) < 1e-4) }
            let next = try #require(goldens.tensors["\(prefix)/next_logprob"]).floats()
            for (row, value) in next.enumerated() {
                let found = logits[row, Int(item.input_ids[row + 1])] - normalisers[row]
                #expect(abs(found - value) < 1e-4, "\(prefix) position \(row)")
            }
        }
    }

    @Test func adapterOfAnotherModelIsRefusedByName() throws {
        let other = try Self.load("head128")
        #expect(throws: (any Error).self) {
            try other.version(fromPEFT: Self.fixtures.appendingPathComponent("weights/list"), id: "list")
        }
    }

    private func logits(_ item: Case, _ clips: [String: Clip], _ model: LoadedModel, _ version: WeightVersion) throws -> Tensor {
        let heard = try item.clips.map { name in
            let clip = try #require(clips[name])
            return AudioClip(samples: Self.synthetic(seed: try #require(clip.seed), count: clip.samples))
        }
        var placeholders: [Int32] = []
        for id in item.input_ids where id != model.model.audioToken || placeholders.last != id { placeholders.append(id) }
        let prompt = try model.expand(placeholders, heard)
        try #require(prompt.tokens == item.input_ids)
        let audio =
            heard.isEmpty
            ? nil
            : model.model.embed(
                prompt.clips.map(\.features), versions: heard.map { _ in version }, arithmetic: .float32)
        let pass = Pass(version: version, rows: prompt.tokens.count, arithmetic: .float32)
        let hidden = model.model.decoder.hidden(
            tokens: prompt.tokens, positions: (0..<Int32(prompt.tokens.count)).map { $0 }, audioSlots: prompt.audioSlots,
            audio: audio, keyValues: .packed(PackedSegment.sequences([prompt.tokens.count], causal: true)), pass)
        return model.model.decoder.logits(hidden, pass)
    }

    /// The formula of Tests/Fixtures/qwen2audio/README.md.
    private static func synthetic(seed: UInt32, count: Int) -> [Float] {
        var noise = seed
        var phase: UInt32 = 0
        var step = 20_000_000 &+ seed % 97 &* 400_000
        return (0..<count).map { index in
            noise = noise &* 1_664_525 &+ 1_013_904_223
            phase = phase &+ step
            step = (step &+ 2_000 &+ seed % 1_000) % 800_000_000
            let triangle = abs(Int(phase >> 15) - 65_536) - 32_768
            let loud = 256 - abs(((index >> 5) & 511) - 256)
            return Float(((triangle * loud) >> 10) + ((Int(noise >> 16) - 32_768) >> 5)) / 32_768
        }
    }
}
