/// LaTeX's commands, spaces and groups.
extension PlainText {
    /// Commands that only dress the group behind them.
    private static let wrappers: Set = [
        "text", "textbf", "textit", "emph", "mathrm", "mathbf", "mathit", "mathsf", "mathcal", "mathtt", "mathbb", "bm",
        "boldsymbol",
        "operatorname", "mbox", "hbox", "underline", "textsf", "texttt", "textrm", "textup", "textsc", "textnormal", "ensuremath",
        "uline",
    ]
    private static let symbols: [String: String] = [
        "times": "×", "cdot": "×", "ast": "×", "div": "÷", "pm": "±", "approx": "≈", "sim": "~", "pi": "π", "circ": "°",
        "degree": "°", "infty": "∞",
        "ldots": "…", "dots": "…", "neq": "≠", "sqrt": "√", "quad": " ", "qquad": " ", "item": "\n", "newline": "\n", "leq": "≤",
        "geq": "≥", "le": "≤",
        "ge": "≥", "lt": "<", "gt": ">", "euro": "€", "pounds": "£",
    ]
    private static let fractions: Set = ["frac", "tfrac", "dfrac", "cfrac", "nicefrac", "sfrac"]

    /// A backslash and what it begins.
    mutating func command() {
        guard let next = peek() else { return take("\\") }
        guard ("a"..."z").contains(next) || ("A"..."Z").contains(next) else { return escape(next) }
        var end = place + 1
        while end < input.count, ("a"..."z").contains(input[end]) || ("A"..."Z").contains(input[end]) { end += 1 }
        let name = String(String.UnicodeScalarView(input[(place + 1)..<end]))
        place = end
        if Self.fractions.contains(name) { return emit("\\frac") }
        if let symbol = Self.symbols[name] { return emit(symbol) }
        switch name {
        case "boxed", "fbox", "framebox":
            while place < input.count, input[place] == " " { place += 1 }
            emit("\\boxed")
            // Without braces it takes what stands there: TeX the first digit, whoever writes so the number.
            guard let first = peek(0), first != "{" else { return }
            emit("{")
            while let next = peek(0), Self.isDigit(next) || ("a"..."z").contains(next) || ("A"..."Z").contains(next) { take(next) }
            emit("}")
        case "left", "right", "big", "Big", "bigg", "Bigg", "displaystyle", "textstyle", "limits", "checkmark": break
        case "begin", "end", "tag", "label", "hspace", "vspace", "phantom", "color":
            skipGroup()
            emit("\n")
        case _ where Self.wrappers.contains(name):
            while place < input.count, input[place] == " " { place += 1 }
            if place < input.count, input[place] == "{" {
                braces.append(false)
                place += 1
            }
        default: emit(" ")
        }
    }

    private mutating func escape(_ next: Unicode.Scalar) {
        place += 2
        switch next {
        case "(", ")", "[", "]", "*", "`": emit("*")
        case ",", ";", ":", " ", ">": emit("\u{2009}")
        case "!", "{", "}", "/": break
        case "\\": emit("\n")
        default:
            // \% \$ \_ \# \& stand for themselves.
            output.append(next)
        }
    }

    private mutating func skipGroup() {
        guard place < input.count, input[place] == "{", let close = input[place...].firstIndex(of: "}"), close - place < 80 else {
            return
        }
        place = close + 1
    }

    /// A currency's sign stands before an amount, with a sign or without; the others enclose mathematics.
    mutating func dollar() {
        let next = peek() == " " || peek() == "-" ? peek(2) : peek()
        take(Self.isDigit(next) || next == "." ? "$" : "*")
    }

    /// `{,}` and `{.}` are the marks within them.
    mutating func brace() {
        if let mark = peek(), mark == "," || mark == ".", peek(2) == "}" {
            output.append(mark)
            place += 3
        } else {
            braces.append(true)
            take("{")
        }
    }
}
