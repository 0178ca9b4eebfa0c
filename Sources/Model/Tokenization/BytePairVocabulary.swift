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
            #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
        "llama-bpe":
            #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
        "tekken": #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"#
            + #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|"#
            + #"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
    ]

    /// Those whose tokenizers normalise text first (NFC), and those that take whole pieces for what they are, whatever the merges say.
    fileprivate static let (normalizing, whole): (Set, Set) = (["qwen2"], ["llama-bpe", "tekken"])
}

extension Tokenizer {
    /// The tokenizer that the vocabulary's model was published with.
    ///
    /// - Parameters:
    ///   - path: what errors call the file.
    ///   - control: a control token that gets the id behind all others where the vocabulary has none so spelled.
    package convenience init(_ vocabulary: BytePairVocabulary, path: String, adding control: String? = nil) throws(TokenizerError) {
        var file = try TokenizerFile(vocabulary, path: path)
        if let control { file.add(control) }
        try self.init(file, path: path)
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
            addedTokens: added, normalizer: BytePairVocabulary.normalizing.contains(vocabulary.splitting) ? .nfc : nil,
            preTokenizer: .sequence([
                .split(.regex(pattern), .isolated, invert: false), .byteLevel(addPrefixSpace: false, useRegex: false),
            ]),
            decoder: DecoderSpec(),
            model: Model(
                vocabulary: ids,
                merges: vocabulary.merges.map { $0.split(separator: " ", omittingEmptySubsequences: false).map(String.init) },
                ranksByResult: vocabulary.splitting == "tekken", ignoresMerges: BytePairVocabulary.whole.contains(vocabulary.splitting)))
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
