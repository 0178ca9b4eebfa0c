/// Regular expressions of Python's `re` for `str`, as peft matches module names with them.
///
/// ``translate(_:)`` rewrites constructs that PCRE2 spells differently and refuses those that Python refuses, so that a pattern selects the same names
/// in both or none at all. Source: Python 3.11's `re` documentation and `re._parser`.
enum PythonDialect {
    static func translate(_ source: String) throws(PatternError) -> String {
        var translation = PythonTranslation(source)
        return try translation.run()
    }
}

private struct PythonTranslation {
    private let source: String
    private let characters: [Unicode.Scalar]
    private var index = 0
    private var result = String.UnicodeScalarView()

    init(_ source: String) {
        self.source = source
        characters = Array(source.unicodeScalars)
    }

    private func refused(_ reason: String) -> PatternError { PatternError(source, reason) }
    private mutating func add(_ text: String) { result.append(contentsOf: text.unicodeScalars) }
    private func at(_ offset: Int) -> Unicode.Scalar? { index + offset < characters.count ? characters[index + offset] : nil }

    mutating func run() throws(PatternError) -> String {
        while let character = at(0) {
            index += 1
            switch character {
            case "\\": try escape(inClass: false)
            case "[": try characterClass()
            case "(": try group()
            case "{": quantifier()
            default: result.append(character)
            }
        }
        return "(*LF)" + String(result)
    }

    /// After a backslash.
    private mutating func escape(inClass: Bool) throws(PatternError) {
        guard let character = at(0) else { throw refused("ends in a backslash") }
        index += 1
        switch character {
        case "d", "D", "s", "S", "w", "W", "f", "n", "r", "t": add("\\\(character)")
        case "a": add("\\x07")
        case "v": add("\\x0B")
        case "b" where inClass: add("\\x08")
        case "b",
            "A" where !inClass,
            "B" where !inClass:
            add("\\\(character)")
        case "Z" where !inClass, "z" where !inClass: add("\\z")
        case "x": add("\\x{\(try hexadecimal(2))}")
        case "u": add("\\x{\(try hexadecimal(4))}")
        case "U": add("\\x{\(try hexadecimal(8))}")
        case "0"..."9": try number(character, inClass: inClass)
        case "a"..."z", "A"..."Z": throw refused("Python has no escape \\\(character)\(inClass ? " in a class" : "")")
        default: add("\\\(character)")
        }
    }

    private mutating func hexadecimal(_ count: Int) throws(PatternError) -> String {
        let digits = characters[index..<min(index + count, characters.count)].map { Character($0) }
        guard digits.count == count, digits.allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
            throw refused("an escape without \(count) hexadecimal digits")
        }
        index += count
        return String(digits)
    }

    /// `\0`, `\07` and `\101` are characters; `\1` and `\12` are what a group holds.
    private mutating func number(_ first: Unicode.Scalar, inClass: Bool) throws(PatternError) {
        func isOctal(_ scalar: Unicode.Scalar?) -> Bool { scalar.map { ("0"..."7").contains($0) } ?? false }
        var digits = String(first)
        if first == "0" || (isOctal(first) && isOctal(at(0)) && isOctal(at(1))) || inClass {
            while digits.unicodeScalars.count < 3, isOctal(at(0)), let digit = at(0) {
                digits.unicodeScalars.append(digit)
                index += 1
            }
            guard let value = Int(digits, radix: 8), value <= 0o377 else { throw refused("the escape \\\(digits)") }
            return add("\\x{\(String(value, radix: 16))}")
        }
        if let digit = at(0), ("0"..."9").contains(digit) {
            digits.unicodeScalars.append(digit)
            index += 1
        }
        add("\\g{\(digits)}")
    }

    /// After `[`. An opening bracket within a class is a character in Python and may begin a named class in PCRE2.
    private mutating func characterClass() throws(PatternError) {
        add("[")
        if at(0) == "^" {
            add("^")
            index += 1
        }
        if at(0) == "]" {
            add("\\]")
            index += 1
        }
        while let character = at(0) {
            index += 1
            switch character {
            case "\\": try escape(inClass: true)
            case "[": add("\\[")
            case "]": return add("]")
            default: result.append(character)
            }
        }
        throw refused("a class has no end")
    }

    /// After `(`: the forms that Python knows, and no others.
    private mutating func group() throws(PatternError) {
        if at(0) == "*" { throw refused("nothing to repeat after (") }
        guard at(0) == "?" else { return add("(") }
        let rest = String(String.UnicodeScalarView(characters[index...].prefix(4)))
        let plain = ["?:", "?=", "?!", "?<=", "?<!", "?>", "?(", "?#", "?P<", "?P="]
        if let form = plain.first(where: { rest.hasPrefix($0) }) {
            index += form.unicodeScalars.count
            add("(" + form)
            guard form == "?#" else { return }
            // A comment holds no escapes.
            while let character = at(0), character != ")" {
                index += 1
                result.append(character)
            }
            return
        }
        try flags()
    }

    /// `(?i)` and its like, which stand at the very start for the whole pattern, or with a colon for a group.
    private mutating func flags() throws(PatternError) {
        let start = index - 1
        index += 1
        var kept = ""
        while let flag = at(0), flag != ")" && flag != ":" {
            switch flag {
            case "i", "m", "s", "x", "-": kept.unicodeScalars.append(flag)
            case "a", "u": break  // Names are ASCII.
            default: throw refused("Python has no group (?\(flag)")
            }
            index += 1
        }
        guard let end = at(0) else { throw refused("a group has no end") }
        if end == ")", start != 0 { throw refused("flags for the whole pattern stand at its start") }
        index += 1
        add("(?\(kept)\(end)")
    }

    /// After `{`: Python reads `{,3}` as `{0,3}`, where PCRE2 sees characters.
    private mutating func quantifier() {
        add("{")
        var length = 1
        while let digit = at(length), ("0"..."9").contains(digit) { length += 1 }
        if at(0) == ",", at(length) == "}" { add("0") }
    }
}
