/// Regular expressions of `tokenizer.json` files (Oniguruma's, Unicode on).
///
/// The two dialects disagree on a few escapes. ``translate(_:)`` rewrites those; constructs with another meaning in
/// PCRE2 are refused rather than matched differently.
enum OnigurumaDialect {
    /// Rewrites an Oniguruma pattern for PCRE2.
    ///
    /// `\s` is Unicode's White_Space (PCRE2's adds U+180E), `\w` is Alphabetic, marks, decimal digits, connectors and Latin-1's other digits,
    /// `\h` is a hexadecimal digit, and a script's name means the script itself, not its extensions.
    static func translate(_ source: String) throws(PatternError) -> String {
        let characters = Array(source.unicodeScalars)
        var result = String.UnicodeScalarView()
        var inClass = false
        var index = 0
        func add(_ text: String) { result.append(contentsOf: text.unicodeScalars) }
        while index < characters.count {
            let character = characters[index]
            let next = index + 1 < characters.count ? characters[index + 1] : nil
            index += 1
            switch character {
            case "\\":
                guard let next else { throw PatternError(source, "ends in a backslash") }
                index += 1
                switch next {
                case "s": add("\\p{White_Space}")
                case "S": add("\\P{White_Space}")
                case "w": add(inClass ? word : "[\(word)]")
                case "W":
                    if inClass { throw PatternError(source, "\\W inside a class is not supported") }
                    add("[^\(word)]")
                case "h": add(inClass ? "0-9A-Fa-f" : "[0-9A-Fa-f]")
                case "p", "P":
                    guard index < characters.count, characters[index] == "{",
                        let close = characters[index...].firstIndex(of: "}")
                    else {
                        throw PatternError(source, "\\\(next) is not followed by a property in braces")
                    }
                    var name = characters[(index + 1)..<close].map(String.init).joined()
                    var caret = ""
                    if name.hasPrefix("^") { (caret, name) = ("^", String(name.dropFirst())) }
                    let plain = name.count <= 2 || properties.contains(name)
                    add("\\\(next){\(caret)\(plain ? "" : "sc:")\(name)}")
                    index = close + 1
                default:
                    result.append(character)
                    result.append(next)
                }
            case "[" where inClass && next != ":":
                throw PatternError(source, "a class inside a class is not supported")
            case "&" where inClass && next == "&":
                throw PatternError(source, "the intersection of classes is not supported")
            case "[":
                if inClass, let close = (index..<characters.count).first(where: { characters[$0] == "]" }) {
                    for position in (index - 1)...close { result.append(characters[position]) }
                    index = close + 1
                    continue
                }
                inClass = true
                result.append(character)
                if index < characters.count, characters[index] == "^" {
                    result.append("^")
                    index += 1
                }
                if index < characters.count, characters[index] == "]" {
                    add("\\]")
                    index += 1
                }
            case "(" where !inClass && next == "*":
                // PCRE2 reads its own settings there, such as other limits.
                throw PatternError(source, "(* is not supported")
            case "]":
                inClass = false
                result.append(character)
            default:
                result.append(character)
            }
        }
        return "(*LF)" + String(result)
    }

    private static let word = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\u{B2}\u{B3}\u{B9}\u{BC}-\u{BE}"
    private static let properties: Set<String> = [
        "Any", "Alphabetic", "White_Space", "Uppercase", "Lowercase", "Emoji", "Extended_Pictographic",
    ]
}
