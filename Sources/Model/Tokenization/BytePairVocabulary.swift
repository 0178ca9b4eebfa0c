/// A byte-level BPE vocabulary as GGUF files hold it (`tokenizer.ggml.…`): tokens with their kinds, merges, and the name of how text is
/// split before them.
package struct BytePairVocabulary: Sendable {
    /// llama.cpp's kinds of tokens.
    package enum Kind: Int, Sendable {
        case normal = 1
        case unknown, control, userDefined, unused, byte
    }

    package let tokens: [String]
    package let kinds: [Kind]
    /// Two tokens each, a space between them.
    package let merges: [String]
    /// As `tokenizer.ggml.pre` has it.
    package let splitting: String

    package init(tokens: [String], kinds: [Kind], merges: [String], splitting: String) {
        precondition(tokens.count == kinds.count, "\(tokens.count) tokens of \(kinds.count) kinds")
        self.tokens = tokens
        self.kinds = kinds
        self.merges = merges
        self.splitting = splitting
    }

    /// Regular expressions of the published tokenizers by llama.cpp's names for them.
    package static let splittings = [
        "qwen2":
            #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    ]
}

extension Tokenizer {
    /// The tokenizer that the vocabulary's model was published with.
    ///
    /// - Parameter path: what errors call the file.
    package convenience init(_ vocabulary: BytePairVocabulary, path: String) throws(TokenizerError) {
        try self.init(TokenizerFile(vocabulary, path: path), path: path)
    }
}

extension TokenizerFile {
    init(_ vocabulary: BytePairVocabulary, path: String) throws(TokenizerError) {
        guard let pattern = BytePairVocabulary.splittings[vocabulary.splitting] else {
            throw .unsupported(
                path: path, feature: "the pre-tokenizer \(vocabulary.splitting)",
                supported: BytePairVocabulary.splittings.keys.sorted().joined(separator: ", ") + ", or a tokenizer.huggingface.json")
        }
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
            addedTokens: added, normalizer: .nfc,
            preTokenizer: .sequence([
                .split(.regex(pattern), .isolated, invert: false), .byteLevel(addPrefixSpace: false, useRegex: false),
            ]),
            decoder: DecoderSpec(),
            model: Model(
                vocabulary: ids,
                merges: vocabulary.merges.map { $0.split(separator: " ", omittingEmptySubsequences: false).map(String.init) }))
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
    fileprivate init(vocabulary: [String: Int], merges: [[String]]) {
        self.vocabulary = vocabulary
        self.merges = merges
        fusesUnknown = false
        ignoresMerges = false
    }
}
