import Audio
import Foundation
import Models
import Tensors
import TestSupport
import Weights

/// A random checkpoint under `Tests/Fixtures/qwen2audio` with what transformers computes on it (see the README there).
struct Fixture {
    typealias Case = ReferenceCases.Case

    static let root = fixtures.appending(path: "qwen2audio")
    static let names = ["published", "window30", "grouped7", "head128", "cord-nano"]

    let directory: URL
    let file: ReferenceCases
    let goldens: Safetensors

    init(_ name: String) throws {
        directory = Self.root.appendingPathComponent(name)
        file = try ReferenceCases(name)
        goldens = try Safetensors(directory.appendingPathComponent("goldens.safetensors"))
    }

    /// Where the weights lie: beside the goldens, or in the sources for the embedded model.
    private var checkpoint: URL {
        directory.lastPathComponent != "cord-nano"
            ? directory : Self.root.appending(path: "../../../Sources/CordNano/Checkpoint").standardized
    }

    func model(storage: WeightStorage = .checkpoint) throws -> AudioLanguageModel {
        try AudioLanguageModel(Checkpoint(directory: checkpoint), storage: storage)
    }

    var cases: [Case] { file.cases }

    func golden(_ name: String) throws -> [Float] { try goldens.tensors[name]!.floats() }
    func goldenIntegers(_ name: String) throws -> [Int] { try goldens.tensors[name]!.integers() }

    /// A clip's samples: a formula for synthetic ones, a FLAC file for spoken ones.
    func samples(_ name: String) throws -> [Float] {
        let clip = file.clips[name]!
        if let samples = clip.synthetic { return samples }
        let bytes = try Data(contentsOf: directory.appending(path: clip.file!))
        return try AudioDecoder.decode([UInt8](bytes), limits: AudioLimits(maxSeconds: 60)).samples
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
        let pass = Pass(version: version, rows: item.inputIDs.count, arithmetic: .float32)
        let audio = try embeddings(item, model, version: version)
        let hidden = model.decoder.hidden(
            tokens: item.inputIDs, positions: (0..<Int32(item.inputIDs.count)).map { $0 },
            audioSlots: item.inputIDs.indices.filter { item.inputIDs[$0] == model.audioToken }, audio: audio,
            keyValues: .packed(PackedSegment.sequences([item.inputIDs.count], causal: true)), pass)
        return model.decoder.logits(hidden, pass)
    }

    func embeddings(_ item: Case, _ model: AudioLanguageModel, version: WeightVersion? = nil) throws -> Tensor? {
        if item.clips.isEmpty { return nil }
        let clips = try item.clips.map { try features($0, model) }
        return model.embed(clips, versions: clips.map { _ in version }, arithmetic: .float32)
    }
}
