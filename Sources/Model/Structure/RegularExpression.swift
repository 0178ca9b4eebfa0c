/// A regular expression as a tree, read from the syntax that Python, JavaScript and PCRE share. Look-around, back-references and flags
/// are not regular and are refused by name.
indirect enum RegularExpression: Sendable, Equatable {
    case empty
    case set(CharacterRanges)
    case sequence([RegularExpression])
    case choice([RegularExpression])
    case repeated(RegularExpression, Int, Int?)
    /// A rule of a ``ProductionGrammar``. A regular expression by itself has none.
    case rule(String)

    /// - Parameter searching: Whether text may surround a match unless an anchor forbids it, as with JSON Schema's `pattern`.
    init(_ text: String, searching: Bool, path: String) throws(StructureError) {
        var parser = Parser(scalars: Array(text.unicodeScalars), path: path)
        self = try parser.whole(searching: searching)
    }

    static let newlines = CharacterRanges("\n\r\u{2028}\u{2029}")
    static let digits = CharacterRanges([0x30...0x39])
    static let words = CharacterRanges([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    static let spaces = CharacterRanges(" \t\n\r\u{B}\u{C}\u{A0}\u{FEFF}\u{2028}\u{2029}\u{1680}\u{202F}\u{205F}\u{3000}").union(
        CharacterRanges([0x2000...0x200A]))
    static let anything = RegularExpression.repeated(.set(.all), 0, nil)

    private struct Parser {
        let scalars: [Unicode.Scalar]
        let path: String
        var place = 0
        var depth = 0

        func refusal(_ reason: String) -> StructureError { StructureError(path, "the regular expression, character \(place + 1): \(reason)") }

        var next: Unicode.Scalar? { place < scalars.count ? scalars[place] : nil }

        mutating func takes(_ scalar: Unicode.Scalar) -> Bool {
            guard next == scalar else { return false }
            place += 1
            return true
        }

        mutating func whole(searching: Bool) throws(StructureError) -> RegularExpression {
            var options: [RegularExpression] = []
            repeat {
                let anchored = takes("^")
                var parts = try sequence()
                let ends = takes("$")
                if ends, let next, next != "|" { throw refusal("an anchor \"$\" may stand at the end alone") }
                if searching, !anchored { parts.insert(anything, at: 0) }
                if searching, !ends { parts.append(anything) }
                options.append(.sequence(parts))
            } while takes("|")
            if place < scalars.count { throw refusal("a parenthesis is closed that was not opened") }
            return options.count == 1 ? options[0] : .choice(options)
        }

        private mutating func alternatives() throws(StructureError) -> RegularExpression {
            depth += 1
            defer { depth -= 1 }
            guard depth <= 64 else { throw refusal("groups are nested more than 64 deep") }
            var options: [RegularExpression] = []
            repeat { options.append(.sequence(try sequence())) } while takes("|")
            return options.count == 1 ? options[0] : .choice(options)
        }

        private mutating func sequence() throws(StructureError) -> [RegularExpression] {
            var parts: [RegularExpression] = []
            while let scalar = next, scalar != "|", scalar != ")" {
                if scalar == "$" {
                    if depth == 0 { return parts }
                    throw refusal("an anchor within a group is not supported")
                }
                if scalar == "^" { throw refusal("an anchor \"^\" may stand at the beginning alone") }
                parts.append(try quantified(try atom()))
            }
            return parts
        }

        private mutating func atom() throws(StructureError) -> RegularExpression {
            let scalar = scalars[place]
            switch scalar {
            case "(": return try group()
            case "[": return .set(try bracket())
            case ".":
                place += 1
                return .set(newlines.inverted)
            case "\\": return .set(try escaped())
            case "*", "+", "?": throw refusal("nothing stands before \"\(scalar)\"")
            default:
                place += 1
                return .set(CharacterRanges([scalar.value...scalar.value]))
            }
        }

        private mutating func group() throws(StructureError) -> RegularExpression {
            place += 1
            if takes("?") {
                let isNamed = takes("P") ? next == "<" : next == "<"
                if takes(":") {
                } else if isNamed, place + 1 < scalars.count, !["=", "!"].contains(scalars[place + 1]) {
                    while let scalar = next, scalar != ">" { place += scalar == "\\" ? 2 : 1 }
                    guard takes(">") else { throw refusal("a group's name does not end") }
                } else {
                    throw refusal("lookarounds, flags and conditions are not supported")
                }
            }
            let inner = try alternatives()
            guard takes(")") else { throw refusal("a parenthesis is not closed") }
            return inner
        }

        private mutating func quantified(_ atom: RegularExpression) throws(StructureError) -> RegularExpression {
            var atom = atom
            while let scalar = next {
                var bounds: (least: Int, most: Int?)
                switch scalar {
                case "*": bounds = (0, nil)
                case "+": bounds = (1, nil)
                case "?": bounds = (0, 1)
                case "{":
                    guard let counts = try counts() else { return atom }
                    bounds = counts
                default: return atom
                }
                if scalar != "{" { place += 1 }
                // A lazy quantifier reads the same language.
                if takes("?") {} else if next == "+" { throw refusal("possessive quantifiers are not supported") }
                if let most = bounds.most, most < bounds.least { throw refusal("a count ends below its beginning") }
                guard max(bounds.least, bounds.most ?? 0) <= 10_000 else { throw refusal("a count is above 10000") }
                atom = .repeated(atom, bounds.least, bounds.most)
            }
            return atom
        }

        /// `{3}`, `{3,}`, `{3,5}`; anything else in braces is text.
        private mutating func counts() throws(StructureError) -> (Int, Int?)? {
            let start = place
            place += 1
            func number() -> Int? {
                let from = place
                while let scalar = next, digits.ranges[0].contains(scalar.value), place - from < 9 { place += 1 }
                return Int(String(String.UnicodeScalarView(scalars[from..<place])))
            }
            if let least = number() {
                if takes("}") { return (least, least) }
                if takes(",") {
                    let most = number()
                    if takes("}") { return (least, most) }
                }
            }
            place = start
            throw refusal("a brace that begins no count is written \"\\{\"")
        }

        private mutating func bracket() throws(StructureError) -> CharacterRanges {
            place += 1
            let isNegated = takes("^")
            var set = CharacterRanges.none
            var isFirst = true
            while let scalar = next, isFirst || scalar != "]" {
                isFirst = false
                if scalar == "[", place + 1 < scalars.count, scalars[place + 1] == ":" {
                    throw refusal("classes such as [:alpha:] are not supported")
                }
                let low = try classItem()
                guard next == "-", place + 1 < scalars.count, scalars[place + 1] != "]" else {
                    set = set.union(low)
                    continue
                }
                place += 1
                let high = try classItem()
                guard let from = low.only, let to = high.only, from <= to else { throw refusal("a range has no two ends in order") }
                set = set.union(CharacterRanges([from...to]).intersection(.all))
            }
            guard takes("]") else { throw refusal("a bracket is not closed") }
            return isNegated ? set.inverted : set
        }

        private mutating func classItem() throws(StructureError) -> CharacterRanges {
            if next == "\\" { return try escaped(inClass: true) }
            let value = scalars[place].value
            place += 1
            return CharacterRanges([value...value])
        }

        private mutating func escaped(inClass: Bool = false) throws(StructureError) -> CharacterRanges {
            place += 1
            guard let scalar = next else { throw refusal("a backslash ends it") }
            place += 1
            func one(_ value: UInt32) -> CharacterRanges { CharacterRanges([value...value]) }
            switch scalar {
            case "d": return digits
            case "D": return digits.inverted
            case "w": return words
            case "W": return words.inverted
            case "s": return spaces
            case "S": return spaces.inverted
            case "n": return one(10)
            case "r": return one(13)
            case "t": return one(9)
            case "f": return one(12)
            case "v": return one(11)
            case "0": return one(0)
            case "b" where inClass: return one(8)
            case "x": return one(try hexadecimal(2))
            case "u": return one(try hexadecimal(4))
            default:
                if scalar.properties.isAlphabetic || digits.ranges[0].contains(scalar.value) {
                    throw refusal("\"\\\(scalar)\" is not supported")
                }
                return one(scalar.value)
            }
        }

        private mutating func hexadecimal(_ count: Int) throws(StructureError) -> UInt32 {
            let text = String(String.UnicodeScalarView(scalars[place..<min(scalars.count, place + count)]))
            guard text.count == count, let value = UInt32(text, radix: 16), Unicode.Scalar(value) != nil else {
                throw refusal("expected \(count) hexadecimal digits of a character")
            }
            place += count
            return value
        }
    }
}

extension CharacterRanges {
    /// The one character of the set.
    var only: UInt32? {
        guard ranges.count == 1, ranges[0].lowerBound == ranges[0].upperBound else { return nil }
        return ranges[0].lowerBound
    }
}

extension Grammar {
    /// - Parameter rules: The first nodes of the rules that the expression calls.
    mutating func expression(
        _ expression: RegularExpression, _ writing: Writing, calling rules: [String: Node] = [:], from: Node
    ) throws(StructureError) -> Node {
        switch expression {
        case .empty: return from
        case .set(let set): return try character(set, writing, from: from)
        case .rule(let name):
            guard let rule = rules[name] else { preconditionFailure("the rule \(name) has no beginning") }
            return try call(rule, from: from)
        case .sequence(let parts):
            var place = from
            for part in parts { place = try self.expression(part, writing, calling: rules, from: place) }
            return place
        case .choice(let options):
            return try choice(options, from: from) { grammar, option, begin throws(StructureError) in
                try grammar.expression(option, writing, calling: rules, from: begin)
            }
        case .repeated(let inner, let least, let most):
            return try repeated(least, most, from: from) { grammar, begin throws(StructureError) in
                try grammar.expression(inner, writing, calling: rules, from: begin)
            }
        }
    }
}

extension RegularExpression {
    /// Decimal digits, at most 18, without needless zeros.
    static let natural = RegularExpression.choice([
        .set(CharacterRanges("0")), .sequence([.set(CharacterRanges([0x31...0x39])), .repeated(.set(digits), 0, 17)]),
    ])
    static let anyInteger = RegularExpression.sequence([.repeated(.set(CharacterRanges("-")), 0, 1), natural])

    /// Decimal integers from `low` to `high` without needless zeros: `-12`, `0`, `305`.
    static func integers(_ low: Int, _ high: Int) -> RegularExpression {
        var options: [RegularExpression] = []
        if low < 0 {
            let magnitudes = positive(high < 0 ? high.magnitude : 1, low.magnitude)
            options += magnitudes.map { .sequence([.set(CharacterRanges("-")), $0]) }
        }
        if high >= 0 { options += positive(UInt(max(low, 0)), UInt(high)) }
        return .choice(options)
    }

    private static func positive(_ low: UInt, _ high: UInt) -> [RegularExpression] {
        var options: [RegularExpression] = []
        for length in String(low).count...String(high).count {
            let from = length == String(low).count ? String(low) : "1" + String(repeating: "0", count: length - 1)
            let to = length == String(high).count ? String(high) : String(repeating: "9", count: length)
            options.append(digits(Array(from.utf8), Array(to.utf8)))
        }
        return options
    }

    /// Texts of digits between two of one length.
    private static func digits(_ low: [UInt8], _ high: [UInt8]) -> RegularExpression {
        guard let first = low.first, let last = high.first else { return .empty }
        // Everything of that length: its parts would be told apart for nothing, and three times as often with every digit.
        if low.allSatisfy({ $0 == UInt8(ascii: "0") }), high.allSatisfy({ $0 == UInt8(ascii: "9") }) {
            return .repeated(.set(Self.digits), low.count, low.count)
        }
        let (lowRest, highRest) = (Array(low.dropFirst()), Array(high.dropFirst()))
        func head(_ from: UInt8, _ to: UInt8) -> RegularExpression { .set(CharacterRanges([UInt32(from)...UInt32(to)])) }
        if first == last { return .sequence([head(first, first), digits(lowRest, highRest)]) }
        let (least, most) = (lowRest.map { _ in UInt8(ascii: "0") }, lowRest.map { _ in UInt8(ascii: "9") })
        var options = [
            RegularExpression.sequence([head(first, first), digits(lowRest, most)]),
            .sequence([head(last, last), digits(least, highRest)]),
        ]
        if last - first > 1 { options.append(.sequence([head(first + 1, last - 1), digits(least, most)])) }
        return .choice(options)
    }
}
