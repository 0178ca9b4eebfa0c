import Audio
package import Models
import Synchronization
package import Tensors

/// Audio embeddings of clips, by clip hash and by the version whose encoder made them. The least recently used are dropped first.
///
/// Each engine has one. Training with a frozen encoder reads what the rollouts' prompts have just stored.
package final class EmbeddingCache: Sendable {
    struct Key: Hashable {
        let clip: String
        let hearing: String
    }

    private struct Entries {
        var rows: [Key: (rows: Tensor, use: Int)] = [:]
        var bytes = 0
        var clock = 0

        mutating func remove(_ key: Key) {
            guard let entry = rows.removeValue(forKey: key) else { return }
            bytes -= entry.rows.count * 4
        }
    }

    private let capacity: Int
    private let entries = Mutex(Entries())

    /// - Parameter capacity: The maximum size in bytes.
    package init(capacity: Int) { self.capacity = capacity }

    package var bytes: Int { entries.withLock { $0.bytes } }

    func find(_ clip: String, hearing: String) -> Tensor? {
        let key = Key(clip: clip, hearing: hearing)
        return entries.withLock { entries in
            guard let rows = entries.rows[key]?.rows else { return nil }
            entries.clock += 1
            entries.rows[key]?.use = entries.clock
            return rows
        }
    }

    func insert(_ rows: Tensor, _ clip: String, hearing: String) {
        let key = Key(clip: clip, hearing: hearing)
        guard rows.count * 4 <= capacity else { return }
        entries.withLock { entries in
            guard entries.rows[key] == nil else { return }
            entries.clock += 1
            entries.rows[key] = (rows, entries.clock)
            entries.bytes += rows.count * 4
            while entries.bytes > capacity, let oldest = entries.rows.min(by: { $0.value.use < $1.value.use }) { entries.remove(oldest.key) }
        }
    }

    func forget(hearing: String) {
        entries.withLock { entries in
            for key in entries.rows.keys where key.hearing == hearing { entries.remove(key) }
        }
    }

    /// Embeddings [slots of all clips, width] of `clips`, one after another; nil without clips. Those not cached are computed together.
    package func rows(_ clips: [Prompt.Clip], _ model: AudioLanguageModel, version: WeightVersion?, arithmetic: Arithmetic) -> Tensor? {
        if clips.isEmpty { return nil }
        let hearing = version?.hearing ?? ""
        var known: [String: Tensor] = [:]
        var unknown: [Prompt.Clip] = []
        for clip in clips where known[clip.source.sha256] == nil && !unknown.contains(where: { $0.source.sha256 == clip.source.sha256 }) {
            if let rows = find(clip.source.sha256, hearing: hearing) { known[clip.source.sha256] = rows } else { unknown.append(clip) }
        }
        if !unknown.isEmpty {
            let embedded = model.embed(unknown.map(\.segments), versions: unknown.map { _ in version }, arithmetic: arithmetic)
            var start = 0
            for clip in unknown {
                let rows = embedded.rowsCopy(start..<start + clip.slots.count)
                start += clip.slots.count
                known[clip.source.sha256] = rows
                insert(rows, clip.source.sha256, hearing: hearing)
            }
        }
        return concatenated(clips.map { known[$0.source.sha256]! })
    }
}
