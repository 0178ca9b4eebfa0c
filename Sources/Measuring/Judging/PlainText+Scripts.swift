import Foundation

/// Characters beyond ASCII: full width, superscripts, vulgar fractions, digits of other scripts, punctuation of other languages.
extension PlainText {
    private static let superscripts = Array("⁰¹²³⁴⁵⁶⁷⁸⁹".unicodeScalars)
    private static let marks: [Unicode.Scalar: String] = [
        "。": ". ", "｡": ". ", "।": ". ", "、": ", ", "\u{3000}": " ", "⁄": "/", "∕": "/", "−": "-", "﹣": "-", "‑": "-", "٫": ".",
        "٬": ",", "٪": "%",
        "؛": ";", "؟": "?", "«": "\"", "»": "\"", "「": "\"", "」": "\"", "『": "\"", "』": "\"", "【": "\"", "】": "\"", "〈": "\"",
        "〉": "\"", "《": "\"",
        "》": "\"", "⋅": "×", "·": "×", "✕": "×", "⁎": "×", "⇒": "→", "➡": "→", "⟹": "→",
    ]

    /// The character that is read, in `input` or behind an entity that ends there.
    mutating func foreign(_ scalar: Unicode.Scalar) {
        if let mark = Self.marks[scalar] {
            emit(mark)
            place += 1
            return
        }
        switch scalar.value {
        case 0xFF01...0xFF5E: take(Unicode.Scalar(scalar.value - 0xFEE0) ?? scalar)
        case 0x200B...0x200F, 0x202A...0x202E, 0x2060...0x2069, 0xFE0F, 0xFEFF: place += 1
        case 0xB2, 0xB3, 0xB9, 0x2070...0x207B: superscript(scalar)
        case 0x2080...0x2089: take(Unicode.Scalar(scalar.value - 0x2080 + 48) ?? scalar)
        case 0xBC...0xBE, 0x2150...0x215F:
            // ½ after a digit is the fraction of a mixed number.
            if Self.isDigit(output.last) { emit(" ") }
            emit(compatible(scalar).replacing("\u{2044}", with: "/"))
            place += 1
        case 0x1F150...0x1F169: take(Unicode.Scalar(scalar.value - 0x1F150 + 65) ?? scalar)
        case 0x1F170...0x1F189: take(Unicode.Scalar(scalar.value - 0x1F170 + 65) ?? scalar)
        case 0x2460...0x24FF, 0x1D400...0x1D7FF, 0x1F110...0x1F149:
            emit(compatible(scalar))
            place += 1
        default:
            if scalar.properties.generalCategory == .decimalNumber, let value = scalar.properties.numericValue {
                take(Unicode.Scalar(UInt8(48 + Int(value))))
            } else {
                take(scalar)
            }
        }
    }

    private func compatible(_ scalar: Unicode.Scalar) -> String { String(scalar).precomposedStringWithCompatibilityMapping }

    /// A run of superscripts: an exponent, or before a fraction's bar a numerator.
    private mutating func superscript(_ first: Unicode.Scalar) {
        var (run, scalar, end): ([Unicode.Scalar], Unicode.Scalar?, Int) = ([], first, place)
        while let next = scalar {
            if let digit = Self.superscripts.firstIndex(of: next) {
                run.append(Unicode.Scalar(UInt8(48 + digit)))
            } else if next == "⁻" || next == "⁺" {
                run.append(next == "⁻" ? "-" : "+")
            } else {
                break
            }
            end += 1
            scalar = end < input.count ? input[end] : nil
        }
        place = max(end, place + 1)
        if run.isEmpty {
            output.append(first)
        } else if scalar == "\u{2044}" {
            if Self.isDigit(output.last) { emit(" ") }
            output += run
        } else {
            output.append("^")
            output += run
        }
    }
}
