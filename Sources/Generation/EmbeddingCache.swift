import Tensors

/// Audio embeddings of clips heard before, by clip hash and weight version; the least recently used go first.
struct EmbeddingCache {
    private struct Key: Hashable {
        let clip: String
        let version: String
    }

    private let capacity: Int
    private var entries: [Key: (rows: Tensor, use: Int)] = [:]
    private(set) var bytes = 0
    private var clock = 0

    init(capacity: Int) { self.capacity = capacity }

    mutating func find(_ clip: String, version: String) -> Tensor? {
        let key = Key(clip: clip, version: version)
        guard let rows = entries[key]?.rows else { return nil }
        clock += 1
        entries[key]?.use = clock
        return rows
    }

    mutating func insert(_ rows: Tensor, _ clip: String, version: String) {
        let key = Key(clip: clip, version: version)
        guard entries[key] == nil, rows.count * 4 <= capacity else { return }
        clock += 1
        entries[key] = (rows, clock)
        bytes += rows.count * 4
        while bytes > capacity, let oldest = entries.min(by: { $0.value.use < $1.value.use }) { remove(oldest.key) }
    }

    mutating func forget(version: String) {
        for key in entries.keys where key.version == version { remove(key) }
    }

    private mutating func remove(_ key: Key) {
        guard let entry = entries.removeValue(forKey: key) else { return }
        bytes -= entry.rows.count * 4
    }
}
