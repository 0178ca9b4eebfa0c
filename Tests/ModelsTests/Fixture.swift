import Audio
import Foundation
import Models
import Tensors
import TestSupport
import Weights

/// A family's checkpoint, its cases and the numbers that transformers computes on them.
struct Fixture {
    static let paths = ["published", "window30", "grouped7", "head128", "cord-nano"].map { "qwen2audio/" + $0 } + ReferenceCases.others

    let reference: ReferenceCases
    let goldens: Safetensors

    init(_ path: String) throws {
        reference = try ReferenceCases(path)
        goldens = try Safetensors(reference.goldens)
    }

    /// Where the weights lie: beside the goldens, or in the sources for the embedded model.
    private var checkpoint: URL {
        reference.directory.lastPathComponent != "cord-nano"
            ? reference.directory : fixtures.appending(path: "../../Sources/Model/CordNano/Checkpoint").standardized
    }

    func model(storage: WeightStorage = .checkpoint) throws -> AudioLanguageModel {
        try AudioLanguageModel(Checkpoint(model: checkpoint), storage: storage)
    }

    func golden(_ name: String) throws -> [Float] { try goldens.tensors[name]!.floats() }
    func goldenIntegers(_ name: String) throws -> [Int] { try goldens.tensors[name]!.integers() }

    /// A clip's samples: a formula for synthetic ones, a FLAC file for spoken ones.
    func samples(_ name: String) throws -> [Float] {
        let clip = reference.clips[name]!
        if let samples = clip.synthetic { return samples }
        let bytes = try Data(contentsOf: reference.directory.appending(path: clip.file!))
        return try AudioDecoder.decode([UInt8](bytes), limits: AudioLimits(maxSeconds: 60)).samples
    }

    func segments(_ clip: String, _ model: AudioLanguageModel) throws -> [AudioSegment] {
        try model.audio!.segments(AudioClip(samples: try samples(clip)))
    }

    /// Logits of cases [T, vocabulary], each, in one packed pass over all of them.
    func logits(_ items: [ReferenceCases.Case], _ model: AudioLanguageModel, version: WeightVersion? = nil) throws -> [Tensor] {
        let tokens = items.flatMap(\.inputIDs)
        let pass = Pass(version: version, rows: tokens.count, arithmetic: .float32)
        var (slots, first): ([Int], Int) = ([], 0)
        for item in items {
            slots += item.slots(of: model.audio!.placeholder.token).map { first + $0 }
            first += item.inputIDs.count
        }
        let hidden = model.decoder.hidden(
            tokens: tokens, positions: items.flatMap { $0.inputIDs.indices.map(Int32.init) },
            audioSlots: slots,
            audio: try embeddings(items, model, version: version),
            keyValues: .packed(PackedSegment.sequences(items.map(\.inputIDs.count), causal: true)), pass)
        let logits = model.decoder.logits(hidden, pass)
        var start = 0
        return items.map { item in
            defer { start += item.inputIDs.count }
            return logits.rowsCopy(start..<start + item.inputIDs.count)
        }
    }

    func embeddings(_ items: [ReferenceCases.Case], _ model: AudioLanguageModel, version: WeightVersion? = nil) throws -> Tensor? {
        let clips = try items.flatMap(\.clips).map { try segments($0, model) }
        return clips.isEmpty ? nil : model.embed(clips, versions: clips.map { _ in version }, arithmetic: .float32)
    }
}
