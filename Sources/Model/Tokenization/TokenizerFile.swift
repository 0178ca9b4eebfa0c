import Files
import Foundation

/// The content of a `tokenizer.json`, as far as byte-level BPE models use it.
///
///     text ─ added_tokens ─ normalizer ─ pre_tokenizer ─ model ─ post_processor ─ ids ─ decoder ─ text
///
/// `truncation` and `padding` are not read: the reference applies them only when its caller asks.
struct TokenizerFile: Decodable {
    var addedTokens: [AddedToken]?
    var normalizer: NormalizerSpec?
    var preTokenizer: PreTokenizerSpec?
    var postProcessor: PostProcessorSpec?
    var decoder: DecoderSpec?
    var model: Model

    enum CodingKeys: String, CodingKey {
        case addedTokens = "added_tokens"
        case normalizer
        case preTokenizer = "pre_tokenizer"
        case postProcessor = "post_processor"
        case decoder, model
    }

    /// A token that is found in the text before BPE.
    struct AddedToken: Decodable {
        var id: Int
        var content: String
        var singleWord: Bool?
        var lstrip: Bool?
        var rstrip: Bool?
        var normalized: Bool?
        var special: Bool?

        enum CodingKeys: String, CodingKey {
            case id, content, lstrip, rstrip, normalized, special
            case singleWord = "single_word"
        }
    }

    struct Model: Decodable {
        var vocabulary: [String: Int]
        var merges: [[String]]
        /// Whether a pair's rank is the id of its result, and not its index in `merges`.
        var ranksByResult = false
        var unknownToken: String?
        var fusesUnknown: Bool
        var ignoresMerges: Bool

        enum CodingKeys: String, CodingKey {
            case type, vocab, merges, dropout
            case unknownToken = "unk_token"
            case prefix = "continuing_subword_prefix"
            case suffix = "end_of_word_suffix"
            case fusesUnknown = "fuse_unk"
            case byteFallback = "byte_fallback"
            case ignoresMerges = "ignore_merges"
        }

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            let type = try values.decodeIfPresent(String.self, forKey: .type) ?? "BPE"
            guard type == "BPE" else { throw Unsupported(feature: "a \(type) model", supported: "byte-level BPE") }
            if try values.decodeIfPresent(Bool.self, forKey: .byteFallback) ?? false {
                throw Unsupported(feature: "byte_fallback", supported: "byte-level BPE, which needs none")
            }
            if try values.decodeIfPresent(Double.self, forKey: .dropout) ?? 0 != 0 {
                throw Unsupported(feature: "BPE dropout", supported: "deterministic BPE")
            }
            for key in [CodingKeys.prefix, .suffix] {
                if !(try values.decodeIfPresent(String.self, forKey: key) ?? "").isEmpty {
                    throw Unsupported(feature: key.stringValue, supported: "byte-level BPE, which needs none")
                }
            }
            unknownToken = try values.decodeIfPresent(String.self, forKey: .unknownToken)
            fusesUnknown = try values.decodeIfPresent(Bool.self, forKey: .fusesUnknown) ?? false
            ignoresMerges = try values.decodeIfPresent(Bool.self, forKey: .ignoresMerges) ?? false
            vocabulary = try values.decode([String: Int].self, forKey: .vocab)
            if let lines = try? values.decode([String].self, forKey: .merges) {
                merges = lines.map { $0.split(separator: " ", omittingEmptySubsequences: false).map(String.init) }
            } else {
                merges = try values.decode([[String]].self, forKey: .merges)
            }
        }
    }

    /// Adds a control token after all others, unless the file has it.
    mutating func add(_ control: String) {
        let added = addedTokens ?? []
        if model.vocabulary[control] != nil || added.contains(where: { $0.content == control }) { return }
        let last = max(model.vocabulary.values.max() ?? -1, added.map(\.id).max() ?? -1)
        // An invalid id is refused later.
        guard last < Int(Int32.max) else { return }
        addedTokens = added + [AddedToken(id: last + 1, content: control, special: true)]
    }

    /// An unsupported construct, found while decoding. The caller adds the file's path.
    struct Unsupported: Error {
        var feature: String
        var supported: String
    }

    /// - Throws: ``TokenizerError`` with the path of keys to what is wrong.
    init(data: Data, path: String) throws(TokenizerError) { self = try Self.decode(TokenizerFile.self, data, path: path) }

    /// - Throws: ``TokenizerError`` with the path of keys to what is wrong.
    static func decode<File: Decodable>(_ type: File.Type, _ data: Data, path: String) throws(TokenizerError) -> File {
        do {
            return try JSONDecoder().decode(type, from: data.withoutByteOrderMark)
        } catch let error as Unsupported {
            throw .unsupported(path: path, feature: error.feature, supported: error.supported)
        } catch let error as DecodingError {
            let (context, reason) =
                switch error {
                case .typeMismatch(let type, let context): (context, "expected \(type): \(context.debugDescription)")
                case .valueNotFound(let type, let context): (context, "expected \(type), found null")
                case .keyNotFound(let key, let context): (context, "the key \"\(key.stringValue)\" is missing")
                case .dataCorrupted(let context):
                    (context, [context.debugDescription, context.underlyingError.map { "\($0)" } ?? ""].joined(separator: " "))
                @unknown default: (DecodingError.Context(codingPath: [], debugDescription: ""), "\(error)")
                }
            let place = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
            throw .malformed(path: path, place: place.isEmpty ? "top level" : place.joined(separator: "."), reason: reason)
        } catch {
            throw .malformed(path: path, place: "top level", reason: "\(error)")
        }
    }
}

/// The forms of a `pattern`: a literal or a regular expression.
enum PatternSpec: Decodable {
    case string(String)
    case regex(String)

    enum CodingKeys: String, CodingKey {
        case string = "String"
        case regex = "Regex"
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        if let text = try values.decodeIfPresent(String.self, forKey: .regex) {
            self = .regex(text)
        } else {
            self = .string(try values.decode(String.self, forKey: .string))
        }
    }
}

/// The treatment of a delimiter that splits text: Hugging Face `tokenizers`' `SplitDelimiterBehavior`.
enum SplitBehavior: String, Decodable {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"
}

private enum SpecKeys: String, CodingKey {
    case type, normalizers, pretokenizers, processors, decoders, pattern, behavior, invert, content, prepend, single
    case addPrefixSpace = "add_prefix_space"
    case useRegex = "use_regex"
    case individualDigits = "individual_digits"
    case stripLeft = "strip_left"
    case stripRight = "strip_right"
    case specialTokens = "special_tokens"
}

indirect enum NormalizerSpec: Decodable {
    case nfc, nfd, nfkc, nfkd, lowercase
    case prepend(String)
    case replace(PatternSpec, String)
    case strip(left: Bool, right: Bool)
    case sequence([NormalizerSpec])

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: SpecKeys.self)
        switch try values.decode(String.self, forKey: .type) {
        case "NFC": self = .nfc
        case "NFD": self = .nfd
        case "NFKC": self = .nfkc
        case "NFKD": self = .nfkd
        case "Lowercase": self = .lowercase
        case "Prepend": self = .prepend(try values.decode(String.self, forKey: .prepend))
        case "Replace":
            self = .replace(
                try values.decode(PatternSpec.self, forKey: .pattern), try values.decode(String.self, forKey: .content))
        case "Strip":
            self = .strip(
                left: try values.decode(Bool.self, forKey: .stripLeft),
                right: try values.decode(Bool.self, forKey: .stripRight))
        case "Sequence": self = .sequence(try values.decode([NormalizerSpec].self, forKey: .normalizers))
        case let other:
            throw TokenizerFile.Unsupported(
                feature: "the normalizer \(other)",
                supported: "NFC, NFD, NFKC, NFKD, Lowercase, Prepend, Replace, Strip, Sequence")
        }
    }
}

indirect enum PreTokenizerSpec: Decodable {
    case split(PatternSpec, SplitBehavior, invert: Bool)
    case byteLevel(addPrefixSpace: Bool, useRegex: Bool)
    case digits(individual: Bool)
    case punctuation(SplitBehavior)
    case whitespaceSplit
    case sequence([PreTokenizerSpec])

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: SpecKeys.self)
        switch try values.decode(String.self, forKey: .type) {
        case "Split":
            self = .split(
                try values.decode(PatternSpec.self, forKey: .pattern),
                try values.decode(SplitBehavior.self, forKey: .behavior),
                invert: try values.decodeIfPresent(Bool.self, forKey: .invert) ?? false)
        case "ByteLevel":
            // `trim_offsets` concerns only the offsets that the reference reports beside the ids.
            self = .byteLevel(
                addPrefixSpace: try values.decodeIfPresent(Bool.self, forKey: .addPrefixSpace) ?? true,
                useRegex: try values.decodeIfPresent(Bool.self, forKey: .useRegex) ?? true)
        case "Digits":
            self = .digits(individual: try values.decodeIfPresent(Bool.self, forKey: .individualDigits) ?? false)
        case "Punctuation":
            self = .punctuation(try values.decodeIfPresent(SplitBehavior.self, forKey: .behavior) ?? .isolated)
        case "WhitespaceSplit": self = .whitespaceSplit
        case "Sequence": self = .sequence(try values.decode([PreTokenizerSpec].self, forKey: .pretokenizers))
        case let other:
            throw TokenizerFile.Unsupported(
                feature: "the pre-tokenizer \(other)",
                supported: "Split, ByteLevel, Digits, Punctuation, WhitespaceSplit, Sequence")
        }
    }

    /// The steps in order, sequences opened.
    var steps: [PreTokenizerSpec] {
        if case .sequence(let parts) = self { parts.flatMap(\.steps) } else { [self] }
    }
}

indirect enum PostProcessorSpec: Decodable {
    case byteLevel
    /// The tokens put before and after one sequence.
    case template(before: [Int], after: [Int])
    case sequence([PostProcessorSpec])

    private struct Item: Decodable {
        struct Name: Decodable { var id: String }
        var SpecialToken: Name?
        var Sequence: Name?
    }
    private struct Special: Decodable { var ids: [Int] }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: SpecKeys.self)
        switch try values.decode(String.self, forKey: .type) {
        case "ByteLevel": self = .byteLevel
        case "TemplateProcessing":
            let specials = try values.decodeIfPresent([String: Special].self, forKey: .specialTokens) ?? [:]
            var before: [Int] = []
            var after: [Int] = []
            var passed = false
            for item in try values.decode([Item].self, forKey: .single) {
                if item.Sequence != nil { passed = true }
                guard let name = item.SpecialToken?.id else { continue }
                guard let ids = specials[name]?.ids else {
                    throw DecodingError.dataCorruptedError(
                        forKey: .single, in: values, debugDescription: "\(name) is not among special_tokens")
                }
                if passed { after += ids } else { before += ids }
            }
            self = .template(before: before, after: after)
        case "Sequence": self = .sequence(try values.decode([PostProcessorSpec].self, forKey: .processors))
        case let other:
            throw TokenizerFile.Unsupported(
                feature: "the post-processor \(other)", supported: "ByteLevel, TemplateProcessing, Sequence")
        }
    }

    var affixes: (before: [Int], after: [Int]) {
        switch self {
        case .byteLevel: ([], [])
        case .template(let before, let after): (before, after)
        case .sequence(let parts):
            parts.map(\.affixes).reduce(([], [])) { ($1.before + $0.0, $0.1 + $1.after) }
        }
    }
}

/// Only byte-level decoders are read: others belong to other kinds of model.
struct DecoderSpec: Decodable {
    init() {}

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: SpecKeys.self)
        switch try values.decode(String.self, forKey: .type) {
        case "ByteLevel": break
        case "Sequence":
            let parts = try values.decode([DecoderSpec].self, forKey: .decoders)
            guard parts.count == 1 else {
                throw TokenizerFile.Unsupported(feature: "\(parts.count) decoders in sequence", supported: "one ByteLevel")
            }
        case let other:
            throw TokenizerFile.Unsupported(feature: "the decoder \(other)", supported: "ByteLevel")
        }
    }
}
