/// The tokens of a vocabulary in the order of their bytes, so that what neighbours share is read once.
package struct Vocabulary: Sendable {
    let count: Int
    let ids: [Int32]
    private let bytes: [UInt8]
    private let starts: [Int32]
    /// Bytes that each token shares with the one before.
    let shared: [Int32]
    let longest: Int
    let ends: Set<Int32>

    /// - Parameters:
    ///   - count: Tokens that logits have.
    ///   - ends: The tokens that end an answer.
    ///   - spelling: The bytes of each token; empty for one that spells nothing, such as a control token, and is never part of an answer.
    package init(count: Int, ends: Set<Int32>, spelling: (Int) -> ArraySlice<UInt8>) {
        let spelled = (0..<count).compactMap { id -> (id: Int32, bytes: [UInt8])? in
            let bytes = spelling(id)
            return bytes.isEmpty || ends.contains(Int32(id)) ? nil : (Int32(id), Array(bytes))
        }.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        self.count = count
        self.ends = ends
        ids = spelled.map(\.id)
        bytes = spelled.flatMap(\.bytes)
        var starts: [Int32] = [0]
        var shared: [Int32] = []
        var last: [UInt8] = []
        for token in spelled {
            starts.append((starts.last ?? 0) + Int32(token.bytes.count))
            shared.append(Int32(zip(last, token.bytes).prefix { $0.0 == $0.1 }.count))
            last = token.bytes
        }
        self.starts = starts
        self.shared = shared
        longest = spelled.map(\.bytes.count).max() ?? 0
    }

    func spelling(_ place: Int) -> ArraySlice<UInt8> { bytes[Int(starts[place])..<Int(starts[place + 1])] }
}
