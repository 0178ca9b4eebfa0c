import Foundation

/// HTML's tags and entities, and the special tokens of chat templates.
extension PlainText {
    private static let emphases: Set = [
        "b", "strong", "i", "em", "u", "code", "mark", "tt", "kbd", "span", "font", "big", "small", "ins", "q",
    ]
    private static let answers: Set = ["answer", "final_answer", "finalanswer", "final-answer"]
    private static let entities: [String: String] = [
        "nbsp": "\u{A0}", "lt": "<", "gt": ">", "amp": "&", "quot": "\"", "apos": "'", "thinsp": "\u{2009}", "ensp": " ",
        "emsp": " ",
        "frac12": "½", "frac14": "¼", "frac34": "¾", "frasl": "⁄", "minus": "-", "times": "×", "deg": "°", "sup2": "²",
        "sup3": "³", "pi": "π",
        "percnt": "%", "dollar": "$", "euro": "€", "pound": "£", "yen": "¥", "colon": ":", "ndash": "–", "mdash": "—",
        "middot": "·",
        "lsquo": "‘", "rsquo": "’", "ldquo": "“", "rdquo": "”", "hellip": "…", "rarr": "→", "lpar": "(", "rpar": ")",
    ]

    /// Whether a tag begins here, which is then consumed.
    mutating func tag() -> Bool {
        let rest = input[(place + 1)...].prefix(200)
        guard let first = rest.first,
            first == "/" || first == "|" || first == "｜" || first == "!" || first.properties.isAlphabetic,
            let close = rest.firstIndex(of: ">"), !rest[..<close].contains("<")
        else { return false }
        var name = String(String.UnicodeScalarView(rest[..<close])).lowercased()
        if first == "|" || first == "｜" {
            guard name.count > 2, name.last == "|" || name.last == "｜" else { return false }
            place = close + 1
            emit("\n")
            return true
        }
        let isClosing = first == "/"
        if isClosing { name.removeFirst() }
        name = String(name.prefix { !$0.isWhitespace && $0 != "/" })
        guard isClosing || first == "!" || rest[..<close].allSatisfy({ $0 != "\n" }),
            name.allSatisfy({ $0.isLetter || $0.isNumber || "_-:!".contains($0) })
        else { return false }
        place = close + 1
        switch name {
        case _ where Self.emphases.contains(name): emit("*")
        case _ where Self.answers.contains(name): emit(isClosing ? "</answer>" : "<answer>")
        case "sup": if !isClosing { superscript() }
        case "sub": break
        case "del", "strike": if !isClosing { skip(to: "</\(name)>") }
        default: emit("\n")
        }
        return true
    }

    /// The exponent of `10<sup>3</sup>`, the numerator of `<sup>3</sup>/<sub>4</sub>`, or the "st" of 21<sup>st</sup>.
    private mutating func superscript() {
        let content = input[place...].prefix { $0 != "<" }
        let bar = input[min(content.endIndex + 6, input.count)...]
        if bar.first == "/" || bar.first == "\u{2044}" || bar.starts(with: "&frasl;".unicodeScalars) {
            if Self.isDigit(output.last) { emit(" ") }
        } else if let first = content.first, Self.isDigit(first) || "-+−".unicodeScalars.contains(first) {
            emit("^")
        }
    }

    private mutating func skip(to closing: String) {
        let rest = input[place...].prefix(2000)
        let wanted = Array(closing.unicodeScalars)
        if let start = rest.indices.first(where: { rest[$0...].starts(with: wanted) }) { place = start + wanted.count }
    }

    /// Whether an entity begins here; it is read like the character that it stands for.
    mutating func entity() -> Bool {
        let rest = input[(place + 1)...].prefix(10)
        guard let end = rest.firstIndex(of: ";"), end > place + 1 else { return false }
        let name = String(String.UnicodeScalarView(rest[..<end]))
        var text = Self.entities[name]
        if text == nil, name.first == "#" {
            let isHex = name.dropFirst().first.map { $0 == "x" || $0 == "X" } ?? false
            let code = isHex ? UInt32(name.dropFirst(2), radix: 16) : UInt32(name.dropFirst())
            text = code.flatMap(Unicode.Scalar.init).map { String($0) }
        }
        guard let scalar = text?.unicodeScalars.first else { return false }
        if name == "lt", nested() { return true }
        place = end
        if scalar.isASCII { take(scalar) } else { foreign(scalar) }
        return true
    }

    /// A tag whose brackets were escaped: `&lt;answer&gt;`.
    private mutating func nested() -> Bool {
        let rest = input[(place + 4)...].prefix(40)
        guard let end = rest.firstIndex(of: "&"), input[end...].starts(with: "&gt;".unicodeScalars) else { return false }
        var name = String(String.UnicodeScalarView(rest[..<end])).lowercased()
        let isClosing = name.first == "/"
        if isClosing { name.removeFirst() }
        guard Self.answers.contains(name) else { return false }
        emit(isClosing ? "</answer>" : "<answer>")
        place = end + 4
        return true
    }
}
