/// Cuts a Jinja template into tokens, with the white-space rules that transformers sets: `trim_blocks` (the newline after a
/// block tag goes), `lstrip_blocks` (so does the indentation before one), one newline at the very end goes.
struct TemplateLexer {
    enum Token: Equatable {
        case data(String)
        case blockBegin, blockEnd
        case variableBegin, variableEnd
        case name(String)
        case string(String)
        case integer(Int)
        case number(Double)
        case symbol(String)
        case end
    }

    struct Located {
        var token: Token
        var line: Int
    }

    private let source: [Unicode.Scalar]
    private var index = 0
    private var line = 1
    private var tokens: [Located] = []
    /// Whether the next text begins a line, so that its indentation may be removed.
    private var atLineStart = true
    /// Longer chains of operators would make a tree too deep to walk.
    private static let longestTag = 4000

    /// Far more than any model's template has.
    private static let longestTemplate = 4 << 20

    static func tokens(of template: String) throws(TemplateError) -> [Located] {
        guard template.utf8.count <= longestTemplate else {
            throw .limit(line: 1, reason: "a template of more than \(longestTemplate) bytes")
        }
        var lexer = TemplateLexer(template)
        try lexer.run()
        return lexer.tokens
    }

    private init(_ template: String) {
        var scalars: [Unicode.Scalar] = []
        for scalar in template.unicodeScalars {
            if scalar == "\n", scalars.last == "\r" { scalars.removeLast() }
            scalars.append(scalar)
        }
        scalars = scalars.map { $0 == "\r" ? "\n" : $0 }
        if scalars.last == "\n" { scalars.removeLast() }
        source = scalars
    }

    private func peek(_ offset: Int = 0) -> Unicode.Scalar? {
        index + offset < source.count ? source[index + offset] : nil
    }

    private func at(_ text: String) -> Bool {
        var position = index
        for scalar in text.unicodeScalars {
            guard position < source.count, source[position] == scalar else { return false }
            position += 1
        }
        return true
    }

    private mutating func advance(_ count: Int = 1) {
        for _ in 0..<count {
            if source[index] == "\n" { line += 1 }
            index += 1
        }
    }

    private mutating func skipSpace() {
        while let scalar = peek(), scalar.properties.isWhitespace { advance() }
    }

    private mutating func emit(_ token: Token) { tokens.append(Located(token: token, line: line)) }

    private mutating func run() throws(TemplateError) {
        while index < source.count {
            var text: [Unicode.Scalar] = []
            let textLine = line
            while index < source.count, !(source[index] == "{" && ["{", "%", "#"].contains(peek(1))) {
                text.append(source[index])
                advance()
            }
            guard index < source.count else {
                tokens.append(Located(token: .data(Self.string(text)), line: textLine))
                break
            }
            let kind = source[index + 1]
            let sign = peek(2)
            trimBefore(&text, sign: sign, isVariable: kind == "{")
            if !text.isEmpty { tokens.append(Located(token: .data(Self.string(text)), line: textLine)) }
            let start = line
            advance(2)
            if sign == "-" || sign == "+" && kind != "{" { advance() }
            switch kind {
            case "#":
                while index < source.count, !at("#}") { advance() }
                guard index < source.count else { throw .syntax(line: start, reason: "the comment does not end") }
                let trims = source[index - 1] == "-"
                let keeps = source[index - 1] == "+"
                advance(2)
                closeTag(trims: trims, keeps: keeps)
            case "%":
                if try raw() { continue }
                emit(.blockBegin)
                try inside(closing: "%}", start)
                emit(.blockEnd)
            default:
                emit(.variableBegin)
                try inside(closing: "}}", start)
                emit(.variableEnd)
            }
        }
        emit(.end)
    }

    private func trimBefore(_ text: inout [Unicode.Scalar], sign: Unicode.Scalar?, isVariable: Bool) {
        if sign == "-" {
            while text.last?.properties.isWhitespace == true { text.removeLast() }
        } else if sign != "+", !isVariable {
            let newline = text.lastIndex(of: "\n")
            guard newline != nil || atLineStart else { return }
            let lineStart = newline.map { $0 + 1 } ?? 0
            if text[lineStart...].allSatisfy(\.properties.isWhitespace) { text.removeSubrange(lineStart...) }
        }
    }

    /// After a block tag or comment: what follows loses all white space, or one newline, or nothing.
    private mutating func closeTag(trims: Bool, keeps: Bool) {
        let before = index
        if trims { skipSpace() } else if !keeps, peek() == "\n" { advance() }
        atLineStart = index > before && source[index - 1] == "\n"
    }

    /// `{% raw %} … {% endraw %}`, after its `{%`; false where the tag is another.
    private mutating func raw() throws(TemplateError) -> Bool {
        let (savedIndex, savedLine) = (index, line)
        skipSpace()
        guard at("raw") else {
            (index, line) = (savedIndex, savedLine)
            return false
        }
        advance(3)
        skipSpace()
        let trims = peek() == "-"
        if trims { advance() }
        guard at("%}") else {
            (index, line) = (savedIndex, savedLine)
            return false
        }
        advance(2)
        if trims { skipSpace() }
        atLineStart = false
        var text: [Unicode.Scalar] = []
        while index < source.count {
            if at("{%") {
                let (bodyIndex, bodyLine) = (index, line)
                advance(2)
                let sign = peek()
                if sign == "-" || sign == "+" { advance() }
                skipSpace()
                if at("endraw") {
                    advance(6)
                    skipSpace()
                    let trims = peek() == "-"
                    let keeps = peek() == "+"
                    if trims || keeps { advance() }
                    if at("%}") {
                        trimBefore(&text, sign: sign, isVariable: false)
                        emit(.data(Self.string(text)))
                        advance(2)
                        closeTag(trims: trims, keeps: keeps)
                        return true
                    }
                }
                (index, line) = (bodyIndex, bodyLine)
            }
            text.append(source[index])
            advance()
        }
        throw .syntax(line: savedLine, reason: "raw has no endraw")
    }

    private mutating func inside(closing: String, _ start: Int) throws(TemplateError) {
        var depth = 0
        let first = tokens.count
        while true {
            skipSpace()
            guard tokens.count - first < Self.longestTag else {
                throw .limit(line: start, reason: "a tag of more than \(Self.longestTag) tokens")
            }
            guard let scalar = peek() else { throw .syntax(line: start, reason: "the tag does not end in \(closing)") }
            if depth == 0 {
                if at(closing) || at("-" + closing) || (closing == "%}" && at("+" + closing)) {
                    let trims = scalar == "-"
                    let keeps = scalar == "+"
                    advance(trims || keeps ? 3 : 2)
                    closeTag(trims: trims, keeps: keeps || closing == "}}")
                    return
                }
            }
            if scalar == "'" || scalar == "\"" {
                emit(.string(try quoted(scalar)))
            } else if ("0"..."9").contains(scalar) {
                try number()
            } else if scalar == "_" || scalar.properties.isXIDStart {
                var name = ""
                while let next = peek(), next == "_" || next.properties.isXIDContinue {
                    name.unicodeScalars.append(next)
                    advance()
                }
                emit(.name(name))
            } else {
                let two = Self.string(Array(source[index..<min(index + 2, source.count)]))
                let symbol = ["//", "**", "==", "!=", ">=", "<="].contains(two) ? two : String(scalar)
                guard "+-*/%~=<>.:|,()[]{}//**==!=>=<=".contains(symbol), symbol != "!" else {
                    throw .syntax(line: line, reason: "unexpected character \(symbol)")
                }
                if "([{".contains(symbol) { depth += 1 }
                if ")]}".contains(symbol) { depth -= 1 }
                emit(.symbol(symbol))
                advance(symbol.unicodeScalars.count)
            }
        }
    }

    private mutating func number() throws(TemplateError) {
        var text = ""
        func isDigit(_ scalar: Unicode.Scalar?) -> Bool { scalar.map { ("0"..."9").contains($0) || $0 == "_" } ?? false }
        while isDigit(peek()) {
            text.unicodeScalars.append(source[index])
            advance()
        }
        var isInteger = true
        if peek() == ".", isDigit(peek(1)) {
            isInteger = false
            text += "."
            advance()
            while isDigit(peek()) {
                text.unicodeScalars.append(source[index])
                advance()
            }
        }
        if peek() == "e" || peek() == "E", isDigit(peek(1)) || (["+", "-"].contains(peek(1)) && isDigit(peek(2))) {
            isInteger = false
            repeat {
                text.unicodeScalars.append(source[index])
                advance()
            } while isDigit(peek()) || ["+", "-"].contains(peek())
        }
        text = text.filter { $0 != "_" }
        if isInteger, let value = Int(text) {
            emit(.integer(value))
        } else if !isInteger, let value = Double(text) {
            emit(.number(value))
        } else {
            throw .syntax(line: line, reason: "\(text) is not a number this interpreter can hold")
        }
    }

    /// A string literal with Python's escapes; unknown escapes keep their backslash.
    private mutating func quoted(_ quote: Unicode.Scalar) throws(TemplateError) -> String {
        let start = line
        advance()
        var result = String.UnicodeScalarView()
        while let scalar = peek(), scalar != quote {
            advance()
            guard scalar == "\\" else {
                result.append(scalar)
                continue
            }
            guard let escape = peek() else { break }
            advance()
            switch escape {
            case "n": result.append("\n")
            case "t": result.append("\t")
            case "r": result.append("\r")
            case "b": result.append("\u{8}")
            case "f": result.append("\u{C}")
            case "v": result.append("\u{B}")
            case "a": result.append("\u{7}")
            case "\\", "'", "\"": result.append(escape)
            case "\n": break
            case "x", "u", "U":
                let length = escape == "x" ? 2 : escape == "u" ? 4 : 8
                guard index + length <= source.count,
                    let value = UInt32(Self.string(Array(source[index..<index + length])), radix: 16),
                    let scalar = Unicode.Scalar(value)
                else { throw .syntax(line: line, reason: "a broken \\\(escape) escape") }
                result.append(scalar)
                advance(length)
            case "0"..."7":
                var value = escape.value - 0x30
                for _ in 0..<2 {
                    guard let digit = peek(), ("0"..."7").contains(digit) else { break }
                    value = value * 8 + digit.value - 0x30
                    advance()
                }
                result.append(Unicode.Scalar(value) ?? "\u{FFFD}")
            default:
                result.append("\\")
                result.append(escape)
            }
        }
        guard peek() == quote else { throw .syntax(line: start, reason: "the string does not end") }
        advance()
        return String(result)
    }

    private static func string(_ scalars: [Unicode.Scalar]) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }
}
