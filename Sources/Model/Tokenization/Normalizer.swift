import Foundation
import Patterns

/// Rewrites text before it is split: Unicode normal forms, replacements, prefixes.
///
/// Works on UTF-8. Composition (NFC) is the common case and mostly finds nothing to do, so a scan decides first.
indirect enum Normalizer: Sendable {
    case none
    case nfc, nfd, nfkc, nfkd, lowercase
    case prepend(String)
    case replaceString([UInt8], with: [UInt8])
    case replaceRegex(Pattern, with: [UInt8])
    case strip(left: Bool, right: Bool)
    case sequence([Normalizer])

    init(_ spec: NormalizerSpec?) throws(TokenizerError) {
        switch spec {
        case nil: self = .none
        case .nfc: self = .nfc
        case .nfd: self = .nfd
        case .nfkc: self = .nfkc
        case .nfkd: self = .nfkd
        case .lowercase: self = .lowercase
        case .prepend(let text): self = .prepend(text)
        case .replace(.string(let text), let content):
            self = .replaceString(Array(text.utf8), with: Array(content.utf8))
        case .replace(.regex(let text), let content):
            let pattern = try TokenizerError.naming("normalizer") { () throws(PatternError) in try Pattern(text, .oniguruma) }
            self = .replaceRegex(pattern, with: Array(content.utf8))
        case .strip(let left, let right): self = .strip(left: left, right: right)
        case .sequence(let specs):
            var parts: [Normalizer] = []
            for spec in specs { parts.append(try Normalizer(spec)) }
            self = .sequence(parts)
        }
    }

    /// The normalised form of `text`, valid UTF-8 in and out.
    func apply(_ text: [UInt8], _ matcher: Pattern.Matcher) throws(TokenizerError) -> [UInt8] {
        switch self {
        case .none:
            return text
        case .nfc:
            if Self.isPlainlyComposed(text) { return text }
            return Self.normalForm(text) { $0.precomposedStringWithCanonicalMapping }
        case .nfd:
            if text.allSatisfy({ $0 < 0x80 }) { return text }
            return Self.normalForm(text) { $0.decomposedStringWithCanonicalMapping }
        case .nfkc:
            if text.allSatisfy({ $0 < 0x80 }) { return text }
            return Self.normalForm(text) { $0.decomposedStringWithCompatibilityMapping.precomposedStringWithCanonicalMapping }
        case .nfkd:
            if text.allSatisfy({ $0 < 0x80 }) { return text }
            return Self.normalForm(text) { $0.decomposedStringWithCompatibilityMapping }
        case .lowercase:
            // Character by character: the reference does not give a final sigma its own form.
            var result = ""
            for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
                result += scalar.properties.lowercaseMapping
            }
            return Array(result.utf8)
        case .prepend(let prefix):
            return text.isEmpty ? text : Array(prefix.utf8) + text
        case .replaceString(let target, let replacement):
            guard !target.isEmpty else { return text }
            var result: [UInt8] = []
            var index = 0
            while index < text.count {
                if text[index] == target[0], text[index...].starts(with: target) {
                    result += replacement
                    index += target.count
                } else {
                    result.append(text[index])
                    index += 1
                }
            }
            return result
        case .replaceRegex(let pattern, let replacement):
            var matches: [Range<Int>] = []
            try TokenizerError.naming("normalizer") { () throws(PatternError) in
                try pattern.appendMatches(in: text, 0..<text.count, matcher, to: &matches)
            }
            var result: [UInt8] = []
            var position = 0
            for match in matches {
                result += text[position..<match.lowerBound]
                result += replacement
                position = match.upperBound
            }
            result += text[position...]
            return result
        case .strip(let left, let right):
            var scalars = String(decoding: text, as: UTF8.self).unicodeScalars[...]
            if left { scalars = scalars.drop { $0.properties.isWhitespace } }
            if right { while scalars.last?.properties.isWhitespace == true { scalars.removeLast() } }
            return Array(String(scalars).utf8)
        case .sequence(let parts):
            var result = text
            for part in parts { result = try part.apply(result, matcher) }
            return result
        }
    }

    /// A Unicode normal form with the reference's tables of Unicode 9, in which younger characters are inert and
    /// divide the text.
    private static func normalForm(_ text: [UInt8], _ form: (String) -> String) -> [UInt8] {
        var result: [UInt8] = []
        var run = ""
        func flush() {
            if !run.isEmpty { result += composingHangul(form(run)).utf8 }
            run = ""
        }
        for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
            switch scalar.value {
            // Marks that stand for two marks: Foundation sorts the pair among its neighbours only when it is spelled out.
            case 0x344: run += "\u{308}\u{301}"
            case 0xF73: run += "\u{F71}\u{F72}"
            case 0xF75: run += "\u{F71}\u{F74}"
            case 0xF81: run += "\u{F71}\u{F80}"
            case 0x300... where (scalar.properties.age?.major ?? 0) > 9:
                flush()
                result += String(scalar).utf8
            default: run.unicodeScalars.append(scalar)
            }
        }
        flush()
        return result
    }

    /// Foundation leaves a syllable without a final followed by the first final, U+11A8, uncomposed; the standard joins them.
    private static func composingHangul(_ text: String) -> String {
        guard text.unicodeScalars.contains("\u{11A8}") else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar == "\u{11A8}", let last = result.last, (0xAC00...0xD7A3).contains(last.value),
                (last.value - 0xAC00) % 28 == 0, let joined = Unicode.Scalar(last.value + 1)
            {
                result.removeLast()
                result.append(joined)
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }

    /// Whether every character is a starter that no composition or decomposition touches, judged by blocks: Latin up to
    /// U+02FF, Cyrillic, general punctuation, CJK, kana, Hangul syllables, fullwidth forms, emoji. False only means "look".
    static func isPlainlyComposed(_ text: [UInt8]) -> Bool {
        var index = 0
        while index < text.count {
            let first = text[index]
            if first < 0xCC {
                index += first < 0x80 ? 1 : 2
                continue
            }
            let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
            guard index + length <= text.count else { return false }
            var value = UInt32(first) & (length == 2 ? 0x1F : length == 3 ? 0x0F : 0x07)
            for offset in 1..<length { value = value << 6 | UInt32(text[index + offset] & 0x3F) }
            switch value {
            case 0x400...0x482, 0x2002...0x2070, 0x3000...0x3029, 0x30A0...0x9FFF, 0xAC00...0xD7A3, 0xFF00...0xFFEF,
                0x1F300...0x1FAFF:
                index += length
            default:
                return false
            }
        }
        return true
    }
}
