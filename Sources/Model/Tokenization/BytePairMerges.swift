/// Byte-pair encoding of one piece: start from the ids of its bytes, then join the neighbouring pair of the lowest rank,
/// leftmost first, until no pair has a rank.
///
///     [t, h, e] ─ (t,h)→th ─ [th, e] ─ (th,e)→the ─ [the]
struct BytePairMerges: Sendable {
    /// The id of each byte, or ``missing``.
    let byteIDs: [Int32]
    /// The id for bytes without one, once per byte or per run; nil to drop them.
    let unknownID: Int32?
    let fusesUnknown: Bool
    private var keys: [UInt64]
    private var values: [UInt64]
    private let shift: UInt64

    static let missing: Int32 = -1
    private static let empty = UInt64.max
    private static let noRank = UInt64.max
    /// Pieces up to this many symbols are scanned; longer ones use a heap, so that a run of a million letters is not
    /// quadratic.
    private static let scanLimit = 40

    /// - Parameter ranksByResult: Whether a pair's rank is the id of its result, and not its index in `merges`.
    init(
        byteIDs: [Int32], unknownID: Int32?, fusesUnknown: Bool, merges: [(left: Int32, right: Int32, merged: Int32)],
        ranksByResult: Bool = false
    ) {
        self.byteIDs = byteIDs
        self.unknownID = unknownID
        self.fusesUnknown = fusesUnknown
        var bits = 4
        while 1 << bits < merges.count * 2 { bits += 1 }
        shift = UInt64(64 - bits)
        keys = Array(repeating: Self.empty, count: 1 << bits)
        values = Array(repeating: Self.noRank, count: 1 << bits)
        for (place, merge) in merges.enumerated() {
            let rank = ranksByResult ? Int(merge.merged) : place
            let key = Self.key(merge.left, merge.right)
            let slot = slot(of: key)
            keys[slot] = key
            values[slot] = UInt64(rank) << 32 | UInt64(UInt32(bitPattern: merge.merged))
        }
    }

    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    @inline(__always)
    private func slot(of key: UInt64) -> Int {
        var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift)
        while keys[slot] != key && keys[slot] != Self.empty { slot = (slot + 1) & (keys.count - 1) }
        return slot
    }

    /// The rank in the upper half, the merged id in the lower; ``noRank`` if the pair does not merge.
    @inline(__always)
    private func merge(_ left: Int32, _ right: Int32) -> UInt64 { values[slot(of: Self.key(left, right))] }

    /// The ids of `piece`.
    func encode(_ piece: ArraySlice<UInt8>) -> [Int32] {
        var symbols: [Int32] = []
        symbols.reserveCapacity(piece.count)
        var afterUnknown = false
        for byte in piece {
            let id = byteIDs[Int(byte)]
            if id != Self.missing {
                symbols.append(id)
                afterUnknown = false
            } else if let unknownID {
                if !(fusesUnknown && afterUnknown) { symbols.append(unknownID) }
                afterUnknown = true
            }
        }
        if symbols.count <= Self.scanLimit { scan(&symbols) } else { symbols = heapMerge(symbols) }
        return symbols
    }

    private func scan(_ symbols: inout [Int32]) {
        guard symbols.count > 1 else { return }
        var candidates: [UInt64] = []
        candidates.reserveCapacity(symbols.count)
        for index in 0..<symbols.count - 1 { candidates.append(merge(symbols[index], symbols[index + 1])) }
        while true {
            var best = Self.noRank
            var position = -1
            for index in candidates.indices where candidates[index] < best {
                best = candidates[index]
                position = index
            }
            guard position >= 0 else { return }
            symbols[position] = Int32(truncatingIfNeeded: best)
            symbols.remove(at: position + 1)
            candidates.remove(at: position)
            if position > 0 { candidates[position - 1] = merge(symbols[position - 1], symbols[position]) }
            if position < candidates.count { candidates[position] = merge(symbols[position], symbols[position + 1]) }
        }
    }

    private func heapMerge(_ start: [Int32]) -> [Int32] {
        var symbols = start
        let count = symbols.count
        var next = (1...count).map(Int32.init)
        var previous = (-1..<count - 1).map(Int32.init)
        var heap = MergeHeap()
        func push(_ position: Int) {
            let follower = Int(next[position])
            guard follower < count else { return }
            let merge = merge(symbols[position], symbols[follower])
            if merge != Self.noRank { heap.push(MergeHeap.Entry(merge: merge, position: Int32(position))) }
        }
        for position in 0..<count - 1 { push(position) }
        while let entry = heap.pop() {
            let position = Int(entry.position)
            guard symbols[position] != Self.missing, next[position] < count else { continue }
            let follower = Int(next[position])
            // An entry goes stale when either of its symbols has merged since.
            guard merge(symbols[position], symbols[follower]) == entry.merge else { continue }
            symbols[position] = Int32(truncatingIfNeeded: entry.merge)
            symbols[follower] = Self.missing
            next[position] = next[follower]
            if next[position] < count { previous[Int(next[position])] = Int32(position) }
            push(position)
            if previous[position] >= 0 { push(Int(previous[position])) }
        }
        return symbols.filter { $0 != Self.missing }
    }
}

/// A binary heap of possible merges, lowest rank first, leftmost among equals.
private struct MergeHeap {
    struct Entry {
        var merge: UInt64
        var position: Int32

        static func < (a: Entry, b: Entry) -> Bool { (a.merge, a.position) < (b.merge, b.position) }
    }

    private var entries: [Entry] = []

    mutating func push(_ entry: Entry) {
        entries.append(entry)
        var child = entries.count - 1
        while child > 0, entries[child] < entries[(child - 1) / 2] {
            entries.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> Entry? {
        guard let top = entries.first, let last = entries.popLast() else { return nil }
        guard !entries.isEmpty else { return top }
        entries[0] = last
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < entries.count else { return top }
            if child + 1 < entries.count, entries[child + 1] < entries[child] { child += 1 }
            guard entries[child] < entries[parent] else { return top }
            entries.swapAt(child, parent)
            parent = child
        }
    }
}
