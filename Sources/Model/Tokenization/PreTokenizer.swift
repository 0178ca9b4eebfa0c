import Patterns

/// Cuts normalised text into the pieces within which BPE merges.
///
///     text ─ splits, one after another, each within the pieces of the one before ─ [prefix spaces] ─ pieces
///
/// The last step must be byte-level, because this tokenizer's BPE expects pieces of bytes.
struct PreTokenizer: Sendable {
    private struct Split: Sendable {
        enum Delimiter: Sendable {
            case literal([UInt8])
            case regex(Pattern)
        }
        var delimiter: Delimiter
        var behavior: SplitBehavior
        var invert: Bool
    }

    private var splits: [Split] = []
    /// Whether each piece that reaches the byte-level step gets a space in front unless it has one, and whether GPT-2's
    /// pattern splits it after that.
    private var addsPrefixSpace = false
    private var finalSplit: Split?

    static let gpt2Pattern = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

    init(_ spec: PreTokenizerSpec?, path: String) throws(TokenizerError) {
        let steps = spec?.steps ?? []
        guard case .byteLevel(let addsPrefixSpace, let usesRegex) = steps.last else {
            throw .unsupported(
                path: path, feature: "a pre-tokenizer without a final ByteLevel step",
                supported: "byte-level BPE: ByteLevel alone or last in a Sequence")
        }
        for step in steps.dropLast() {
            switch step {
            case .split(.string(let text), let behavior, let invert):
                splits.append(Split(delimiter: .literal(Array(text.utf8)), behavior: behavior, invert: invert))
            case .split(.regex(let text), let behavior, let invert):
                splits.append(Split(delimiter: .regex(try Self.pattern(text)), behavior: behavior, invert: invert))
            case .digits(let individual):
                let behavior = individual ? SplitBehavior.isolated : .contiguous
                splits.append(Split(delimiter: .regex(try Self.pattern(#"\p{N}"#)), behavior: behavior, invert: false))
            case .punctuation(let behavior):
                let pattern = try Self.pattern(#"[!-/:-@\[-`{-~\p{P}]"#)
                splits.append(Split(delimiter: .regex(pattern), behavior: behavior, invert: false))
            case .whitespaceSplit:
                splits.append(Split(delimiter: .regex(try Self.pattern(#"\s"#)), behavior: .removed, invert: false))
            case .byteLevel:
                throw .unsupported(path: path, feature: "a ByteLevel step before the last", supported: "ByteLevel last")
            case .sequence:
                preconditionFailure("steps are opened sequences")
            }
        }
        self.addsPrefixSpace = addsPrefixSpace
        if usesRegex {
            finalSplit = Split(delimiter: .regex(try Self.pattern(Self.gpt2Pattern)), behavior: .isolated, invert: false)
        }
    }

    private static func pattern(_ source: String) throws(TokenizerError) -> Pattern {
        try TokenizerError.naming("pre_tokenizer") { () throws(PatternError) in try Pattern(source, .oniguruma) }
    }

    /// The non-empty pieces of `text`, to which prefix spaces are added.
    func split(_ text: inout [UInt8], _ matcher: Pattern.Matcher) throws(TokenizerError) -> [Range<Int>] {
        var pieces = text.isEmpty ? [] : [0..<text.count]
        for split in splits { pieces = try Self.apply(split, to: text, pieces, matcher) }
        if addsPrefixSpace {
            var spaced: [UInt8] = []
            spaced.reserveCapacity(text.count + pieces.count)
            for index in pieces.indices {
                let start = spaced.count
                if text[pieces[index].lowerBound] != 0x20 { spaced.append(0x20) }
                spaced += text[pieces[index]]
                pieces[index] = start..<spaced.count
            }
            text = spaced
        }
        if let finalSplit { pieces = try Self.apply(finalSplit, to: text, pieces, matcher) }
        return pieces
    }

    private static func apply(
        _ split: Split, to text: [UInt8], _ pieces: [Range<Int>], _ matcher: Pattern.Matcher
    ) throws(TokenizerError) -> [Range<Int>] {
        var result: [Range<Int>] = []
        result.reserveCapacity(max(pieces.count, text.count / 4))
        var matches: [Range<Int>] = []
        for piece in pieces {
            matches.removeAll(keepingCapacity: true)
            switch split.delimiter {
            case .regex(let pattern):
                try TokenizerError.naming("pre_tokenizer") { () throws(PatternError) in
                    try pattern.appendMatches(in: text, piece, matcher, to: &matches)
                }
            case .literal(let literal): appendOccurrences(of: literal, in: text, piece, to: &matches)
            }
            append(piece, matches, split.behavior, invert: split.invert, to: &result)
        }
        return result
    }

    private static func appendOccurrences(
        of literal: [UInt8], in text: [UInt8], _ piece: Range<Int>, to matches: inout [Range<Int>]
    ) {
        guard let first = literal.first else { return }
        var index = piece.lowerBound
        while index + literal.count <= piece.upperBound {
            if text[index] == first, text[index..<index + literal.count].elementsEqual(literal) {
                matches.append(index..<index + literal.count)
                index += literal.count
            } else {
                index += 1
            }
        }
    }

    /// The rules of `NormalizedString::split` in `tokenizers`: sections alternate between delimiter and not, and each
    /// behaviour joins or drops them.
    private static func append(
        _ piece: Range<Int>, _ matches: [Range<Int>], _ behavior: SplitBehavior, invert: Bool,
        to result: inout [Range<Int>]
    ) {
        var sections: [(range: Range<Int>, isDelimiter: Bool)] = []
        var position = piece.lowerBound
        if behavior == .isolated {
            for match in matches {
                if match.lowerBound > position { result.append(position..<match.lowerBound) }
                result.append(match)
                position = match.upperBound
            }
            if position < piece.upperBound { result.append(position..<piece.upperBound) }
            return
        }
        for match in matches {
            if match.lowerBound > position { sections.append((position..<match.lowerBound, invert)) }
            sections.append((match, !invert))
            position = match.upperBound
        }
        if position < piece.upperBound { sections.append((position..<piece.upperBound, invert)) }

        let start = result.count
        var previous = false
        switch behavior {
        case .isolated:
            break
        case .removed:
            for section in sections where !section.isDelimiter { result.append(section.range) }
        case .mergedWithPrevious:
            for section in sections {
                if section.isDelimiter && !previous && result.count > start {
                    let last = result.removeLast()
                    result.append(last.lowerBound..<section.range.upperBound)
                } else {
                    result.append(section.range)
                }
                previous = section.isDelimiter
            }
        case .mergedWithNext:
            for section in sections.reversed() {
                if section.isDelimiter && !previous && result.count > start {
                    let last = result.removeLast()
                    result.append(section.range.lowerBound..<last.upperBound)
                } else {
                    result.append(section.range)
                }
                previous = section.isDelimiter
            }
            result[start...].reverse()
        case .contiguous:
            for section in sections {
                if section.isDelimiter == previous && result.count > start {
                    let last = result.removeLast()
                    result.append(last.lowerBound..<section.range.upperBound)
                } else {
                    result.append(section.range)
                }
                previous = section.isDelimiter
            }
        }
    }
}
