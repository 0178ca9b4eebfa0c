import Foundation

/// `tekken.json`, mistral-common's byte-level BPE: tokens by rank, each given by its bytes, behind the control tokens.
///
///     id = control tokens + rank
///
/// There is no list of merges: two neighbours merge if a token has the bytes of both, the lowest rank first. Ids agree with
/// mistral-common's `Tekkenizer`.
struct TekkenFile: Decodable {
    struct Token: Decodable {
        let rank: Int
        /// In base 64.
        let bytes: Data

        enum CodingKeys: String, CodingKey {
            case rank
            case bytes = "token_bytes"
        }
    }

    struct Control: Decodable {
        let rank: Int
        let text: String

        enum CodingKeys: String, CodingKey {
            case rank
            case text = "token_str"
        }
    }

    struct Configuration: Decodable {
        let pattern: String
        /// The number of ids in use, including control tokens.
        let vocabularySize: Int
        let controlCount: Int

        enum CodingKeys: String, CodingKey {
            case pattern
            case vocabularySize = "default_vocab_size"
            case controlCount = "default_num_special_tokens"
        }
    }

    let config: Configuration
    let vocab: [Token]
    let special: [Control]

    enum CodingKeys: String, CodingKey {
        case config, vocab
        case special = "special_tokens"
    }
}

extension TokenizerFile {
    /// - Throws: ``TokenizerError`` with the member that contradicts the format.
    init(tekken data: Data, path: String) throws(TokenizerError) {
        func malformed(_ place: String, _ reason: String) -> TokenizerError { .malformed(path: path, place: place, reason: reason) }
        let file = try TokenizerFile.decode(TekkenFile.self, data, path: path)
        let controls = file.config.controlCount
        guard controls >= file.special.count, file.config.vocabularySize > controls, file.config.vocabularySize - controls <= file.vocab.count
        else {
            throw malformed(
                "config",
                """
                \(file.config.vocabularySize) ids, \(controls) of them for control tokens; the file has \(file.special.count) control tokens \
                and \(file.vocab.count) others
                """)
        }
        var added: [AddedToken] = []
        for (id, token) in file.special.enumerated() {
            guard token.rank == id else { throw malformed("special_tokens.[\(id)]", "expected rank \(id), found \(token.rank)") }
            added.append(AddedToken(id: id, content: token.text, normalized: false, special: true))
        }
        for id in file.special.count..<controls {
            added.append(AddedToken(id: id, content: "<SPECIAL_\(id)>", normalized: false, special: true))
        }
        var ranks: [ArraySlice<UInt8>: Int] = [:]
        for (rank, token) in file.vocab.prefix(file.config.vocabularySize - controls).enumerated() {
            let bytes = [UInt8](token.bytes)[...]
            guard token.rank == rank, !bytes.isEmpty, rank >= 256 || bytes == [UInt8(rank)] else {
                throw malformed("vocab.[\(rank)]", "expected rank \(rank), the first 256 each the byte of its rank; found rank \(token.rank)")
            }
            if let other = ranks.updateValue(rank, forKey: bytes) {
                throw malformed("vocab.[\(rank)]", "its bytes are those of rank \(other)")
            }
        }
        guard ranks.count >= 256 else { throw malformed("vocab", "expected the 256 bytes, found \(ranks.count) tokens") }
        self.init(
            addedTokens: added,
            preTokenizer: .sequence([
                .split(.regex(file.config.pattern), .isolated, invert: false), .byteLevel(addPrefixSpace: false, useRegex: false),
            ]),
            decoder: DecoderSpec(), model: Model(ranks, offset: controls))
    }
}

extension TokenizerFile.Model {
    /// Tokens by their bytes; every pair that makes a token is a merge of its rank.
    fileprivate init(_ ranks: [ArraySlice<UInt8>: Int], offset: Int) {
        vocabulary = [:]
        merges = []
        for (bytes, rank) in ranks {
            vocabulary[ByteAlphabet.text(of: bytes)] = offset + rank
            for middle in bytes.indices.dropFirst() {
                let (left, right) = (bytes[..<middle], bytes[middle...])
                if ranks[left] != nil, ranks[right] != nil { merges.append([ByteAlphabet.text(of: left), ByteAlphabet.text(of: right)]) }
            }
        }
        ranksByResult = true
        fusesUnknown = false
        ignoresMerges = true
    }
}
