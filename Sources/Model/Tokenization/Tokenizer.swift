import Files
package import Foundation
import Patterns
import Synchronization

/// A token's number in the vocabulary.
package typealias TokenID = Int

/// The special tokens that text may spell.
package enum SpecialTokens: Sendable {
    /// None: text such as `<|end|>` is ordinary text. This is for all text of users.
    case none
    /// All, as `tokenizers` encodes by default. For text that the program itself composes.
    case parsed
}

/// A part of a rendered chat, with its origin.
package struct TextPiece: Equatable, Sendable {
    package var text: String
    /// Whether the template wrote the piece. Only then may it spell control tokens.
    package var isTemplate: Bool

    package init(_ text: String, isTemplate: Bool) {
        self.text = text
        self.isTemplate = isTemplate
    }
}

/// Text ↔ token ids, by a checkpoint's `tekken.json` or `tokenizer.json` (byte-level BPE).
///
///     text ─ added tokens ─ normalizer ─ pre-tokenizer ─ merges ─ ids
///     ids ─ bytes ─ text, invalid UTF-8 as U+FFFD
///
/// Ids agree with Hugging Face `tokenizers`. A value may be shared by threads. A control token is one that the file calls
/// special, or one spelled `<|…|>`.
package final class Tokenizer: Sendable {
    /// One more than the largest id.
    package let vocabularySize: Int
    /// The ids of tokens that the file calls special; `decode` can leave them out.
    package let specialIDs: Set<TokenID>
    /// The tokens that a template post-processor puts around one sequence (Llama-3's `<|begin_of_text|>`), added on demand.
    package let prefixIDs: [TokenID]
    package let suffixIDs: [TokenID]

    private let tokens: [String?]
    private let ids: [String: Int]
    private let decodedBytes: [UInt8]
    private let decodedStarts: [Int]
    private let normalizer: Normalizer
    private let preTokenizer: PreTokenizer
    private let merges: BytePairMerges
    /// Whole pieces that become tokens without merges (`ignore_merges`).
    private let wholePieces: [[UInt8]: Int32]
    private let rawTokens: AddedTokens
    private let normalizedTokens: AddedTokens
    private let scratches = Mutex<[Scratch]>([])

    /// The buffers of one encoding, which the next one reuses.
    private final class Scratch: @unchecked Sendable {
        let matcher = Pattern.Matcher()
        var cache = PieceCache()
    }

    /// Reads `tekken.json`, which goes first as in transformers, or `tokenizer.json` in a checkpoint's directory.
    ///
    /// - Parameter control: a control token that gets the id behind all others where the file has none so spelled.
    package convenience init(directory: URL, adding control: String? = nil) throws(TokenizerError) {
        let tekken = directory.appendingPathComponent("tekken.json")
        guard FileManager.default.fileExists(atPath: tekken.path) else {
            let file = directory.appendingPathComponent("tokenizer.json")
            try self.init(data: Self.read(file), path: file.path, adding: control)
            return
        }
        try self.init(TokenizerFile(tekken: Self.read(tekken), path: tekken.path), path: tekken.path)
    }

    package convenience init(file: URL) throws(TokenizerError) { try self.init(data: Self.read(file), path: file.path) }

    private static func read(_ file: URL) throws(TokenizerError) -> Data {
        do { return try Data(reading: file) } catch {
            throw .unreadable(path: file.path, reason: error.reason + (error.reason == FileError.missing ? advice : ""))
        }
    }

    private static let advice =
        "; a model without one is converted by: python -c \"from transformers import AutoTokenizer as T; T.from_pretrained('DIR', use_fast=True).save_pretrained('DIR')\""

    /// - Parameters:
    ///   - path: what errors call the file.
    ///   - control: a control token that gets the id behind all others where the file has none so spelled.
    package convenience init(data: Data, path: String = "tokenizer.json", adding control: String? = nil) throws(TokenizerError) {
        var file = try TokenizerFile(data: data, path: path)
        if let control { file.add(control) }
        try self.init(file, path: path)
    }

    init(_ file: TokenizerFile, path: String) throws(TokenizerError) {
        func malformed(_ place: String, _ reason: String) -> TokenizerError {
            .malformed(path: path, place: place, reason: reason)
        }
        guard file.decoder != nil else {
            throw .unsupported(path: path, feature: "no decoder", supported: "ByteLevel")
        }
        var ids = file.model.vocabulary
        let added = file.addedTokens ?? []
        let largest = max(ids.values.max() ?? -1, added.map(\.id).max() ?? -1)
        // A hostile id must not size an array.
        let bound = 4 * (ids.count + added.count) + 1_000_000
        guard largest < bound else { throw malformed("model.vocab", "id \(largest) in a vocabulary of \(ids.count)") }
        if let place = added.firstIndex(where: { $0.id < 0 }) {
            throw malformed("added_tokens.[\(place)]", "negative id \(added[place].id)")
        }
        var tokens = [String?](repeating: nil, count: largest + 1)
        for (token, id) in ids {
            guard id >= 0 else { throw malformed("model.vocab", "negative id \(id)") }
            guard tokens[id] == nil else { throw malformed("model.vocab", "id \(id) is given to two tokens") }
            tokens[id] = token
        }

        var byteIDs = [Int32](repeating: BytePairMerges.missing, count: 256)
        for (byte, character) in ByteAlphabet.characters.enumerated() {
            if let id = ids[String(character)] { byteIDs[byte] = Int32(id) }
        }
        var merges: [(left: Int32, right: Int32, merged: Int32)] = []
        merges.reserveCapacity(file.model.merges.count)
        for (rank, pair) in file.model.merges.enumerated() {
            guard pair.count == 2 else { throw malformed("model.merges.[\(rank)]", "expected two tokens, found \(pair.count)") }
            guard let left = ids[pair[0]], let right = ids[pair[1]], let merged = ids[pair[0] + pair[1]] else {
                throw malformed("model.merges.[\(rank)]", "\(pair) or what they join to is not in the vocabulary")
            }
            merges.append((Int32(left), Int32(right), Int32(merged)))
        }
        var unknownID: Int32?
        if let token = file.model.unknownToken {
            guard let id = ids[token] ?? added.first(where: { $0.content == token })?.id else {
                throw malformed("model.unk_token", "\(token) is not in the vocabulary")
            }
            guard id >= 0 else { throw malformed("model.unk_token", "\(token) has the negative id \(id)") }
            unknownID = Int32(id)
        }
        self.merges = BytePairMerges(
            byteIDs: byteIDs, unknownID: unknownID, fusesUnknown: file.model.fusesUnknown, merges: merges,
            ranksByResult: file.model.ranksByResult)
        var wholePieces: [[UInt8]: Int32] = [:]
        if file.model.ignoresMerges {
            for (token, id) in ids { if let bytes = ByteAlphabet.bytes(of: token) { wholePieces[bytes] = Int32(id) } }
        }
        self.wholePieces = wholePieces

        normalizer = try Normalizer(file.normalizer)
        preTokenizer = try PreTokenizer(file.preTokenizer, path: path)

        let matcher = Pattern.Matcher()
        var raw = AddedTokens()
        var normalized = AddedTokens()
        var specialIDs: Set<TokenID> = []
        for (index, token) in added.enumerated() {
            guard !token.content.isEmpty else { continue }
            if let id = file.model.vocabulary[token.content], id != token.id {
                throw malformed("added_tokens.[\(index)]", "\(token.content) has id \(token.id), but \(id) in the vocabulary")
            }
            tokens[token.id] = token.content
            ids[token.content] = token.id
            let special = token.special ?? false
            let isControl = special || (token.content.hasPrefix("<|") && token.content.hasSuffix("|>"))
            if special { specialIDs.insert(token.id) }
            let entry = AddedTokens.Token(
                id: Int32(token.id), isControl: isControl, singleWord: token.singleWord ?? false,
                stripsLeft: token.lstrip ?? false, stripsRight: token.rstrip ?? false)
            let content = Array(token.content.utf8)
            let form = try normalizer.apply(content, matcher)
            // Where normalising keeps a control token as it is, looking for it in the raw text finds the same places,
            // and there the text's origin is known.
            if token.normalized ?? !special, !(isControl && form == content) {
                normalized.add(form, entry)
            } else {
                raw.add(content, entry)
            }
        }
        rawTokens = raw
        normalizedTokens = normalized

        var decodedBytes: [UInt8] = []
        var decodedStarts = [0]
        for token in tokens {
            if let token { decodedBytes += ByteAlphabet.bytes(of: token) ?? Array(token.utf8) }
            decodedStarts.append(decodedBytes.count)
        }
        self.decodedBytes = decodedBytes
        self.decodedStarts = decodedStarts
        self.tokens = tokens
        self.ids = ids
        self.specialIDs = specialIDs
        vocabularySize = tokens.count
        let affixes = file.postProcessor?.affixes ?? (before: [], after: [])
        for id in affixes.before + affixes.after where !tokens.indices.contains(id) || tokens[id] == nil {
            throw malformed("post_processor", "id \(id) is not in the vocabulary")
        }
        (prefixIDs, suffixIDs) = affixes
    }

    /// The id of the token spelled `token` in the file, e.g. `<|end|>` or `Ġthe`.
    package func id(of token: String) -> TokenID? { ids[token] }

    /// The file's spelling of a token; nil for an id that no token has.
    package func token(for id: TokenID) -> String? { tokens.indices.contains(id) ? tokens[id] : nil }

    /// The bytes that a token stands for; empty for an id that no token has.
    package func bytes(of id: TokenID) -> ArraySlice<UInt8> {
        tokens.indices.contains(id) ? decodedBytes[decodedStarts[id]..<decodedStarts[id + 1]] : []
    }
}

// MARK: Encoding

extension Tokenizer {
    /// The ids of `text`.
    ///
    /// - Parameter addsAffixes: Whether the post-processor's tokens are put around the ids (`add_special_tokens=True`).
    package func encode(
        _ text: String, specials: SpecialTokens = .none, addsAffixes: Bool = false
    ) throws(TokenizerError) -> [TokenID] {
        let ids = try encode(utf8: Array(text.utf8), specials == .parsed ? .all : .none)
        return addsAffixes ? prefixIDs + ids + suffixIDs : ids
    }

    /// The ids of bytes that should be UTF-8; broken sequences are read as U+FFFD.
    package func encode(bytes: [UInt8], specials: SpecialTokens = .none) throws(TokenizerError) -> [TokenID] {
        try encode(String(decoding: bytes, as: UTF8.self), specials: specials)
    }

    /// The ids of a rendered chat. Control tokens are found in the template's own text; everything between them is joined
    /// before it is split, so the ids are those of the joined text wherever users spell no control token.
    package func encode(_ pieces: [TextPiece]) throws(TokenizerError) -> [TokenID] {
        var bytes: [UInt8] = []
        var trusted: [Range<Int>] = []
        for piece in pieces where !piece.text.isEmpty {
            let start = bytes.count
            bytes += piece.text.utf8
            guard piece.isTemplate else { continue }
            if let last = trusted.last, last.upperBound == start {
                trusted[trusted.count - 1] = last.lowerBound..<bytes.count
            } else {
                trusted.append(start..<bytes.count)
            }
        }
        return try encode(utf8: bytes, .ranges(trusted))
    }

    private func encode(utf8 text: [UInt8], _ trust: Trust) throws(TokenizerError) -> [TokenID] {
        let scratch = scratches.withLock { $0.popLast() } ?? Scratch()
        defer { scratches.withLock { $0.append(scratch) } }
        var ids: [Int32] = []
        ids.reserveCapacity(text.count / 3)
        var position = 0
        for match in rawTokens.matches(in: text, trust) {
            try encode(text, position..<match.range.lowerBound, trust, scratch, &ids)
            ids.append(match.id)
            position = match.range.upperBound
        }
        try encode(text, position..<text.count, trust, scratch, &ids)
        return ids.map(Int.init)
    }

    /// Encodes text without raw added tokens: normalise, find the added tokens of normalised text, split, merge.
    private func encode(
        _ text: [UInt8], _ range: Range<Int>, _ trust: Trust, _ scratch: Scratch, _ ids: inout [Int32]
    ) throws(TokenizerError) {
        guard !range.isEmpty else { return }
        let original = range.count == text.count ? text : Array(text[range])
        let normalized = try normalizer.apply(original, scratch.matcher)
        var remaining = normalized
        if !normalizedTokens.isEmpty {
            // Normalising loses the origin of characters, unless it changes nothing.
            var known = trust.slice(range)
            if case .ranges = known, normalized != original { known = .none }
            var position = 0
            for match in normalizedTokens.matches(in: normalized, known) {
                try merge(Array(normalized[position..<match.range.lowerBound]), scratch, &ids)
                ids.append(match.id)
                position = match.range.upperBound
            }
            if position > 0 { remaining = Array(normalized[position...]) }
        }
        try merge(remaining, scratch, &ids)
    }

    private func merge(_ text: [UInt8], _ scratch: Scratch, _ ids: inout [Int32]) throws(TokenizerError) {
        var text = text
        let pieces = try preTokenizer.split(&text, scratch.matcher)
        for piece in pieces {
            guard piece.count <= PieceCache.longestPiece else {
                ids += merge(text[piece])
                continue
            }
            let hash = scratch.cache.hash(text, piece)
            if scratch.cache.append(text, piece, hash, to: &ids) { continue }
            let encoded = merge(text[piece])
            scratch.cache.remember(text, piece, hash, encoded)
            ids += encoded
        }
    }

    private func merge(_ piece: ArraySlice<UInt8>) -> [Int32] {
        if !wholePieces.isEmpty, let id = wholePieces[Array(piece)] { return [id] }
        return merges.encode(piece)
    }
}

// MARK: Decoding

extension Tokenizer {
    /// The text of `ids`. Unknown ids are skipped, as in the reference.
    package func decode(_ ids: some Sequence<TokenID>, skipSpecial: Bool = false) -> String {
        var result: [UInt8] = []
        for id in ids where !(skipSpecial && specialIDs.contains(id)) { result += bytes(of: id) }
        return String(decoding: result, as: UTF8.self)
    }
}
