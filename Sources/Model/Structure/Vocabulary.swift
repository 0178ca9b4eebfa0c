/// The tokens of a vocabulary by their bytes, sorted once, so that what tokens share is read once.
package struct Vocabulary: Sendable {
    let count: Int
    let ends: Set<Int32>
    /// Control tokens that are part of some form, spelled as it reads them.
    package let controls: [Int32: [UInt8]]
    let all: TokenTrie
    /// Tokens of characters of one kind, for each kind those of many characters first.
    let alike: [AlikeTokens]
    /// Bytes of the longest token.
    let longest: Int

    /// Tokens of up to `characters` whole characters of a kind. If any text of such characters may follow, they are allowed without being read.
    struct AlikeTokens: Sendable {
        let kind: CharacterKind
        let characters: Int
        let mask: [UInt64]
        /// For each node of the trie, whether it and all nodes below have only such tokens.
        let covered: [UInt64]
    }

    /// - Parameters:
    ///   - count: Tokens that logits have.
    ///   - ends: The tokens that end an answer.
    ///   - controls: The spellings of control tokens that are part of some form.
    ///   - spelling: The bytes of each token; empty for one that spells nothing, such as a control token, and is never part of an answer.
    package init(count: Int, ends: Set<Int32>, controls: [Int32: [UInt8]] = [:], spelling: (Int) -> ArraySlice<UInt8>) {
        let spelled = (0..<count).compactMap { id -> TokenTrie.Token? in
            let bytes = controls[Int32(id)] ?? Array(spelling(id))
            return bytes.isEmpty || ends.contains(Int32(id)) ? nil : TokenTrie.Token(id: Int32(id), bytes: bytes)
        }.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        self.count = count
        self.ends = ends
        self.controls = controls
        all = TokenTrie(spelled)
        longest = spelled.map(\.bytes.count).max() ?? 0
        var alike: [AlikeTokens] = []
        for kind in CharacterKind.allCases {
            let characters = spelled.map { kind.characters(of: $0.bytes) }
            for most in [16, 8, 4] {
                var mask = [UInt64](repeating: 0, count: (count + 63) / 64)
                let isAmong = characters.map { 1...most ~= $0 }
                for (token, isAmong) in zip(spelled, isAmong) where isAmong { mask[Int(token.id) >> 6] |= 1 << UInt64(token.id & 63) }
                alike.append(AlikeTokens(kind: kind, characters: most, mask: mask, covered: all.covered(by: isAmong)))
            }
        }
        self.alike = alike
    }
}

/// A trie of tokens' bytes, with nodes in the order of their bytes. The nodes below a node follow it, up to its end.
struct TokenTrie: Sendable {
    struct Token {
        let id: Int32
        let bytes: [UInt8]
    }

    /// For each node: its byte, and the number of bytes before it.
    private(set) var bytes: [UInt8] = []
    private(set) var depths: [Int32] = []
    /// The first node that is not below the node.
    private(set) var ends: [Int32] = []
    /// The tokens that end at node n are `ids[tokens[n]..<tokens[n + 1]]`.
    private(set) var tokens: [Int32] = [0]
    private(set) var ids: [Int32] = []

    /// - Parameter sorted: by their bytes, none of them empty.
    init(_ sorted: [Token]) {
        // The nodes of the token at hand.
        var path: [Int] = []
        var last: ArraySlice<UInt8> = []
        for token in sorted {
            let shared = zip(last, token.bytes).prefix { $0.0 == $0.1 }.count
            for node in path[shared...] { ends[node] = Int32(bytes.count) }
            path.removeSubrange(shared...)
            for (depth, byte) in token.bytes.enumerated().dropFirst(shared) {
                path.append(bytes.count)
                bytes.append(byte)
                depths.append(Int32(depth))
                ends.append(0)
                tokens.append(Int32(ids.count))
            }
            ids.append(token.id)
            tokens[tokens.count - 1] = Int32(ids.count)
            last = token.bytes[...]
        }
        for node in path { ends[node] = Int32(bytes.count) }
    }

    /// A bit for each node: whether it and all nodes below have only tokens of a set.
    ///
    /// - Parameter isAmong: Whether each token is in the set, in the trie's order.
    func covered(by isAmong: [Bool]) -> [UInt64] {
        var others: [Int32] = [0]
        for isAmong in isAmong { others.append((others.last ?? 0) + (isAmong ? 0 : 1)) }
        var covered = [UInt64](repeating: 0, count: (bytes.count + 63) / 64)
        for node in bytes.indices {
            let (first, last) = (Int(tokens[node]), Int(tokens[Int(ends[node])]))
            if others[first] == others[last] { covered[node >> 6] |= 1 << UInt64(node & 63) }
        }
        return covered
    }
}
