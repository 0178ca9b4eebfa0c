import Audio
import Generation
import Models
import Tensors

/// Audio embeddings for training passes: computed on the tape where hearing is trained, else once per clip and remembered.
///
/// Frozen hearing gives a clip the same embeddings in every step. At most ``capacity`` bytes are kept.
package final class AudioEmbeddings {
    private let capacity: Int
    private var rows: [String: Tensor] = [:]
    private var bytes = 0

    package init(capacity: Int = 256 << 20) { self.capacity = capacity }

    /// Embeddings of `clips`, one after the other; nil without clips.
    func rows(
        _ clips: [Prompt.Clip], _ model: AudioLanguageModel, version: WeightVersion?, arithmetic: Arithmetic,
        _ tape: Tape?
    ) -> Tensor? {
        if clips.isEmpty { return nil }
        if tape != nil {
            return model.embed(
                clips.map(\.features), versions: clips.map { _ in version }, arithmetic: arithmetic, tape)
        }
        var unknown: [Prompt.Clip] = []
        var seen: Set<String> = []
        for clip in clips where rows[clip.source.sha256] == nil && seen.insert(clip.source.sha256).inserted {
            unknown.append(clip)
        }
        var fresh: [String: Tensor] = [:]
        if !unknown.isEmpty {
            let embedded = model.embed(
                unknown.map(\.features), versions: unknown.map { _ in version }, arithmetic: arithmetic)
            var start = 0
            for clip in unknown {
                fresh[clip.source.sha256] = embedded.rowsCopy(start..<start + clip.slots.count)
                start += clip.slots.count
            }
        }
        let result = concatenated(clips.map { fresh[$0.source.sha256] ?? rows[$0.source.sha256]! })
        for (hash, tensor) in fresh where bytes + tensor.count * 4 <= capacity {
            rows[hash] = tensor
            bytes += tensor.count * 4
        }
        return result
    }
}
