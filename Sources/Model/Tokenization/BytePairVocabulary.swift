/// The byte-level BPE vocabulary of a GGUF file (`tokenizer.ggml.…`): tokens with their kinds, merges, and the way to split text before
/// them.
package struct BytePairVocabulary: Sendable {
    /// llama.cpp's kinds of tokens.
    package enum Kind: Int, Sendable {
        case normal = 1
        case unknown, control, userDefined, unused, byte
    }

    /// The rules by which text is split into pieces, and pieces are merged.
    package struct Splitting: Sendable {
        /// A regular expression for a piece.
        let pattern: String
        /// Whether text is normalised first (NFC).
        let normalizes: Bool
        /// Whether a piece that is a token becomes that token without merges.
        let takesWholePieces: Bool
        /// Whether merges are ranked by the ids of their results.
        let ranksByResult: Bool

        package init(pattern: String, normalizes: Bool = false, takesWholePieces: Bool = false, ranksByResult: Bool = false) {
            (self.pattern, self.normalizes, self.takesWholePieces, self.ranksByResult) = (pattern, normalizes, takesWholePieces, ranksByResult)
        }
    }

    package let tokens: [String]
    package let kinds: [Kind]
    /// The merges, each as two tokens with a space between them.
    package let merges: [String]
    package let splitting: Splitting

    package init(tokens: [String], kinds: [Kind], merges: [String], splitting: Splitting) {
        precondition(tokens.count == kinds.count, "\(tokens.count) tokens of \(kinds.count) kinds")
        self.tokens = tokens
        self.kinds = kinds
        self.merges = merges
        self.splitting = splitting
    }
}

extension Tokenizer {
    /// The tokenizer that the vocabulary's model was published with.
    ///
    /// - Parameters:
    ///   - path: The name of the file in errors.
    ///   - control: A control token that is added after all others unless the vocabulary has it.
    package convenience init(_ vocabulary: BytePairVocabulary, path: String, adding control: String? = nil) throws(TokenizerError) {
        var file = try TokenizerFile(vocabulary, path: path)
        if let control { file.add(control) }
        try self.init(file, path: path)
    }
}

extension TokenizerFile {
    init(_ vocabulary: BytePairVocabulary, path: String) throws(TokenizerError) {
        var ids: [String: Int] = [:]
        var added: [AddedToken] = []
        for (id, (token, kind)) in zip(vocabulary.tokens, vocabulary.kinds).enumerated() {
            switch kind {
            case .unused: continue  // what fills the embeddings up to a round number
            case .control, .userDefined:
                added.append(AddedToken(id: id, content: token, normalized: false, special: kind == .control))
            case .normal, .unknown, .byte: break
            }
            if let other = ids.updateValue(id, forKey: token) {
                throw .malformed(path: path, place: "tokenizer.ggml.tokens", reason: "\(token) has the ids \(other) and \(id)")
            }
        }
        self.init(
            addedTokens: added, normalizer: vocabulary.splitting.normalizes ? .nfc : nil,
            preTokenizer: .sequence([
                .split(.regex(vocabulary.splitting.pattern), .isolated, invert: false), .byteLevel(addPrefixSpace: false, useRegex: false),
            ]),
            decoder: DecoderSpec(),
            model: Model(
                vocabulary: ids,
                merges: vocabulary.merges.map { $0.split(separator: " ", omittingEmptySubsequences: false).map(String.init) },
                ranksByResult: vocabulary.splitting.ranksByResult, ignoresMerges: vocabulary.splitting.takesWholePieces))
    }

    init(
        addedTokens: [AddedToken], normalizer: NormalizerSpec? = nil, preTokenizer: PreTokenizerSpec, decoder: DecoderSpec, model: Model
    ) {
        self.addedTokens = addedTokens
        self.normalizer = normalizer
        self.preTokenizer = preTokenizer
        self.decoder = decoder
        self.model = model
    }
}

extension TokenizerFile.Model {
    fileprivate init(vocabulary: [String: Int], merges: [[String]], ranksByResult: Bool, ignoresMerges: Bool) {
        self.vocabulary = vocabulary
        self.merges = merges
        self.ranksByResult = ranksByResult
        fusesUnknown = false
        self.ignoresMerges = ignoresMerges
    }
}
