/// A bounded cache of the ids of pieces, since text repeats its words. A full cache is emptied, and a
/// crowded bucket drops its oldest entry, so hostile text costs only time.
struct PieceCache {
    private struct Entry {
        var hash: UInt64 = 0
        var keyStart: Int32 = 0
        var keyCount: Int32 = 0
        var idStart: Int32 = 0
        var idCount: Int32 = 0
    }

    private var entries: [Entry]
    private var keys: [UInt8] = []
    private var ids: [Int32] = []
    private let seed = UInt64.random(in: .min ... .max)
    private static let slots = 1 << 15
    private static let ways = 4
    private static let keyCapacity = 1 << 20
    private static let idCapacity = 1 << 18
    /// Longer pieces are rarely repeated.
    static let longestPiece = 64

    init() {
        entries = Array(repeating: Entry(), count: Self.slots + Self.ways)
    }

    /// A 64-bit hash of the bytes, seeded per cache.
    func hash(_ text: [UInt8], _ piece: Range<Int>) -> UInt64 {
        precondition(piece.upperBound <= text.count)
        var hash = seed ^ UInt64(piece.count) &* 0x9E37_79B9_7F4A_7C15
        unsafe text.withUnsafeBytes { bytes in
            var index = piece.lowerBound
            while index + 8 <= piece.upperBound {
                let word = unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                hash = (hash ^ word) &* 0xFF51_AFD7_ED55_8CCD
                hash ^= hash >> 32
                index += 8
            }
            var word: UInt64 = 0
            while index < piece.upperBound {
                word = word << 8 | UInt64(unsafe bytes[index])
                index += 1
            }
            hash = (hash ^ word) &* 0xC4CE_B9FE_1A85_EC53
            hash ^= hash >> 29
        }
        return hash | 1
    }

    /// Appends the ids of a cached piece to `result`; false if it is unknown.
    func append(_ text: [UInt8], _ piece: Range<Int>, _ hash: UInt64, to result: inout [Int32]) -> Bool {
        let first = Int(hash >> 40) & (Self.slots - 1)
        for slot in first..<first + Self.ways where entries[slot].hash == hash {
            let entry = entries[slot]
            guard Int(entry.keyCount) == piece.count else { continue }
            let start = Int(entry.keyStart)
            var same = true
            for offset in 0..<piece.count where keys[start + offset] != text[piece.lowerBound + offset] {
                same = false
                break
            }
            guard same else { continue }
            if entry.idCount == 1 {
                result.append(ids[Int(entry.idStart)])
            } else {
                result += ids[Int(entry.idStart)..<Int(entry.idStart) + Int(entry.idCount)]
            }
            return true
        }
        return false
    }

    mutating func remember(_ text: [UInt8], _ piece: Range<Int>, _ hash: UInt64, _ encoded: [Int32]) {
        if keys.count + piece.count > Self.keyCapacity || ids.count + encoded.count > Self.idCapacity {
            for slot in entries.indices { entries[slot] = Entry() }
            keys.removeAll(keepingCapacity: true)
            ids.removeAll(keepingCapacity: true)
        }
        let first = Int(hash >> 40) & (Self.slots - 1)
        let slot = (first..<first + Self.ways).first { entries[$0].hash == 0 } ?? first
        entries[slot] = Entry(
            hash: hash, keyStart: Int32(keys.count), keyCount: Int32(piece.count), idStart: Int32(ids.count),
            idCount: Int32(encoded.count))
        keys += text[piece]
        ids += encoded
    }
}
