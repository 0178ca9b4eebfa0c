import Audio
import Foundation
import Models
import Tensors
import Weights

/// A random checkpoint under `Tests/Fixtures/qwen2audio` with what transformers computes on it (see the README there).
struct Fixture {
    struct Case: Decodable {
        let name: String
        let prompt_ids: [Int32]
        let input_ids: [Int32]
        let clips: [String]
        let continuation_ids: [Int32]?
    }
    struct Clip: Decodable {
        let samples: Int
        let seed: UInt32?
        let file: String?
    }
    private struct File: Decodable {
        let clips: [String: Clip]
        let cases: [Case]
    }

    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/qwen2audio")
    static let names = ["published", "window30", "grouped7", "head128", "cord-nano"]

    let directory: URL
    let cases: [Case]
    let clips: [String: Clip]
    let goldens: Safetensors

    init(_ name: String) throws {
        directory = Self.root.appendingPathComponent(name)
        let file = try JSONDecoder().decode(
            File.self, from: Data(contentsOf: directory.appendingPathComponent("cases.json")))
        cases = file.cases
        clips = file.clips
        goldens = try Safetensors(directory.appendingPathComponent("goldens.safetensors"))
    }

    /// Where the weights lie: beside the goldens, or in the sources for the embedded model.
    private var checkpoint: URL {
        directory.lastPathComponent != "cord-nano"
            ? directory : Self.root.appendingPathComponent("../../../Sources/CordNano/Checkpoint").standardized
    }

    func model(storage: WeightStorage = .checkpoint) throws -> AudioLanguageModel {
        try AudioLanguageModel(Checkpoint(directory: checkpoint), storage: storage)
    }

    func golden(_ name: String) throws -> [Float] { try goldens.tensors[name]!.floats() }
    func goldenIntegers(_ name: String) throws -> [Int] { try goldens.tensors[name]!.integers() }

    /// A clip's samples: a formula for synthetic ones, a FLAC file for spoken ones.
    func samples(_ name: String) throws -> [Float] {
        let clip = clips[name]!
        if let file = clip.file {
            let bytes = try Data(contentsOf: directory.appendingPathComponent(file))
            return try AudioDecoder.decode([UInt8](bytes), limits: AudioLimits(maxSeconds: 60)).samples
        }
        return Self.synthetic(seed: clip.seed!, count: clip.samples)
    }

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

    func features(_ clip: String, _ model: AudioLanguageModel) throws -> AudioFeatures {
        let extractor = LogMelExtractor(
            try LogMelConfiguration(
                json: try Data(contentsOf: checkpoint.appendingPathComponent("preprocessor_config.json"))))
        let samples = try samples(clip)
        let valid = (samples.count + 159) / 160
        let wanted = model.encoder.featureFrames(valid: valid)
        let mel = try extractor.features(AudioClip(samples: samples), extraFrames: max(0, wanted - valid))
        return AudioFeatures(
            logMel: Tensor(mel.values, rows: mel.frameCount, columns: mel.melCount), validFrames: mel.validFrames)
    }

    /// Logits [T, vocabulary] of a case in one packed pass.
    func logits(_ item: Case, _ model: AudioLanguageModel, version: WeightVersion? = nil) throws -> Tensor {
        let pass = Pass(version: version, rows: item.input_ids.count, arithmetic: .float32)
        let audio = try embeddings(item, model, version: version)
        let hidden = model.decoder.hidden(
            tokens: item.input_ids, positions: (0..<Int32(item.input_ids.count)).map { $0 },
            audioSlots: item.input_ids.indices.filter { item.input_ids[$0] == model.audioToken }, audio: audio,
            keyValues: .packed(PackedSegment.sequences([item.input_ids.count], causal: true)), pass)
        return model.decoder.logits(hidden, pass)
    }

    func embeddings(_ item: Case, _ model: AudioLanguageModel, version: WeightVersion? = nil) throws -> Tensor? {
        if item.clips.isEmpty { return nil }
        let clips = try item.clips.map { try features($0, model) }
        return model.embed(clips, versions: clips.map { _ in version }, arithmetic: .float32)
    }
}
