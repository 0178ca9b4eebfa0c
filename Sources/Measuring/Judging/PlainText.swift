import Foundation

/// A text without its typesetting, so that one reading serves LaTeX, Markdown, HTML, full width and other scripts' digits.
///
///     $\mathbf{C}$   `C`   __C__   <b>C</b>   Ｃ   Ⓒ      C, between stars where it was set apart
///     9{,}500   10\,000   10~000   ١٬٢٣٤   １，２３４       9,500   10 000   10 000   1,234   1,234
///     10³   10<sup>3</sup>   ½   1½   3⁄4   −5           10^3   10^3   1/2   1 1/2   3/4   -5
///
/// What marks an answer stays: `\boxed{…}`, `<answer>…</answer>`, `####`; so do `\frac` and roots, as `√`. Text of plain letters and
/// digits, which most answers are, is returned as it is.
struct PlainText {
    static func of(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 >= 0x80 || special[Int($0)] }) else { return text }
        var plain = PlainText(text)
        plain.run()
        return String(String.UnicodeScalarView(plain.output))
    }

    /// The ASCII characters that typesetting is made of.
    private static let special: [Bool] = {
        var table = Array(repeating: false, count: 128)
        for byte in "\\$<&`_#>|~{[".utf8 { table[Int(byte)] = true }
        return table
    }()

    let input: [Unicode.Scalar]
    var place = 0
    var output: [Unicode.Scalar] = []
    /// For each open brace of the input whether it stands in the output: those of `\text{…}` do not.
    var braces: [Bool] = []
    /// Whether a `~~` may still find its closing.
    private var isStrikable = true

    private init(_ text: String) {
        input = Array(text.unicodeScalars)
        output.reserveCapacity(input.count)
    }

    private mutating func run() {
        var (startsLine, isRow) = (true, false)
        while place < input.count {
            let scalar = input[place]
            if startsLine {
                if scalar == "|" {
                    isRow = true
                    if skipsRule() { continue }
                } else if startOfLine() {
                    continue
                }
            }
            startsLine = scalar == "\n" || startsLine && (scalar == " " || scalar == "\t")
            if scalar == "\n" { isRow = false }
            switch scalar {
            case "|" where isRow:
                // A row's cells stand on lines of their own.
                emit("\n")
                place += 1
            case "\\": command()
            case "$": dollar()
            case "<": if !tag() { take(scalar) }
            case "&": if !entity() { take(scalar) }
            case "`": backtick()
            case "_": take(isBetweenWords ? "_" : "*")
            case "~": tilde()
            case "{": brace()
            case "}":
                if braces.popLast() ?? true { output.append("}") }
                place += 1
            default:
                if scalar.isASCII { take(scalar) } else { foreign(scalar) }
            }
        }
    }

    /// Puts a scalar for the one that is read.
    mutating func take(_ scalar: Unicode.Scalar) {
        output.append(scalar)
        place += 1
    }

    mutating func emit(_ text: String) { output += text.unicodeScalars }

    func peek(_ offset: Int = 1) -> Unicode.Scalar? { place + offset < input.count ? input[place + offset] : nil }

    func isAhead(_ text: String) -> Bool { input[place...].starts(with: text.unicodeScalars) }

    static func isDigit(_ scalar: Unicode.Scalar?) -> Bool { scalar.map { ("0"..."9").contains($0) } ?? false }

    // MARK: Markdown

    /// Quotes, headings and check boxes; whether anything was consumed.
    private mutating func startOfLine() -> Bool {
        switch input[place] {
        case ">":
            place += 1
            return true
        case "#":
            let count = input[place...].prefix(7) { $0 == "#" }
            // Four are GSM8K's mark.
            guard count != 4, count <= 6, peek(count) == " " else { return false }
            place += count
            return true
        case "-", "*", "+":
            guard peek() == " ", peek(2) == "[", peek(4) == "]", let mark = peek(3), " xX".unicodeScalars.contains(mark) else {
                return false
            }
            if mark == " " {
                while place < input.count, input[place] != "\n" { place += 1 }
            } else {
                place += 5
            }
            return true
        default: return false
        }
    }

    /// The line of dashes under a table's head.
    private mutating func skipsRule() -> Bool {
        let line = input[place...].prefix { $0 != "\n" }
        guard line.contains("-"), line.allSatisfy({ "|-: \r".unicodeScalars.contains($0) }) else { return false }
        place = line.endIndex
        return true
    }

    /// An underscore within a name or between digits is none of Markdown's.
    private var isBetweenWords: Bool {
        guard place > 0, let next = peek() else { return false }
        func isWord(_ scalar: Unicode.Scalar) -> Bool { Self.isDigit(scalar) || scalar.properties.isAlphabetic }
        return isWord(input[place - 1]) && isWord(next)
    }

    private mutating func backtick() {
        guard isAhead("```") else { return take("*") }
        place += 3
        while place < input.count, input[place].properties.isAlphabetic { place += 1 }
        emit("\n")
    }

    /// What is struck out is taken back; one tilde between digits is LaTeX's space.
    private mutating func tilde() {
        if isStrikable, isAhead("~~") {
            let rest = input[(place + 2)...]
            if let close = rest.indices.first(where: { rest[$0] == "~" && $0 + 1 < input.count && input[$0 + 1] == "~" }) {
                place = close + 2
                return
            }
            isStrikable = false
        }
        take(Self.isDigit(output.last) && Self.isDigit(peek()) ? "\u{2009}" : "~")
    }
}

extension ArraySlice {
    /// How many of the first `limit` elements hold.
    fileprivate func prefix(_ limit: Int, while holds: (Element) -> Bool) -> Int { prefix(limit).prefix(while: holds).count }
}
