/// A written context-free grammar, in the form that GBNF, xgrammar and vLLM share:
///
///     root   ::= greeting ", " name "!"          # a comment
///     name   ::= [A-Z] [a-z]{1,19} | "(" name ")"
///
/// Literals, classes of characters, `.`, groups, alternatives, `* + ?`, `{m,n}`, and rules that call one another. The answer is one text of `root`.
struct ProductionGrammar {
    /// The expression of each rule.
    private(set) var rules: [String: RegularExpression] = [:]
    private var order: [String] = []
    private static let most = 2000

    /// - Throws: A syntax error by line and column, or a rule that is missing, is defined twice, never ends, or calls itself before it reads anything.
    init(_ text: String) throws(StructureError) {
        var parser = Parser(text)
        while let (name, body) = try parser.rule() {
            if rules.updateValue(body, forKey: name) != nil { throw StructureError("", "the grammar: the rule \"\(name)\" is defined twice") }
            order.append(name)
            guard order.count <= Self.most else { throw StructureError("", "the grammar: more than \(Self.most) rules") }
        }
        guard rules["root"] != nil else { throw StructureError("", "the grammar: expected a rule \"root\", which the answer follows") }
        for name in order {
            for called in rules[name]?.called ?? [] where rules[called] == nil {
                throw StructureError("", "the grammar: the rule \"\(name)\" calls \"\(called)\", which is not defined")
            }
        }
        try refuseEndless()
        for name in order { rules[name] = rules[name].map { Self.withoutLeftRecursion($0, of: name).factored } }
        try refuseLeftRecursion()
    }

    /// The least set of rules that satisfies `holds`, given the rules found before.
    private func least(_ holds: (RegularExpression, Set<String>) -> Bool) -> Set<String> {
        var found: Set<String> = []
        // Called rules usually follow their callers.
        while true {
            let before = found.count
            for name in order.reversed() where !found.contains(name) {
                if let body = rules[name], holds(body, found) { found.insert(name) }
            }
            if found.count == before { return found }
        }
    }

    private func refuseEndless() throws(StructureError) {
        let ending = least { $0.ends(by: $1) }
        if let name = order.first(where: { !ending.contains($0) }) {
            throw StructureError("", "the grammar: no text of the rule \"\(name)\" ever ends")
        }
    }

    /// `a ::= a x | y` is `a ::= y x*`.
    private static func withoutLeftRecursion(_ body: RegularExpression, of name: String) -> RegularExpression {
        var (heads, tails): ([RegularExpression], [RegularExpression]) = ([], [])
        for option in body.options {
            let parts = option.parts
            if parts.first == .rule(name) {
                if parts.count > 1 { tails.append(.sequence(Array(parts.dropFirst()))) }
            } else {
                heads.append(option)
            }
        }
        return tails.isEmpty && heads.count == body.options.count ? body : .sequence([.choice(heads), .repeated(.choice(tails), 0, nil)])
    }

    private func refuseLeftRecursion() throws(StructureError) {
        let empty = least { $0.canBeEmpty(by: $1) }
        let first = rules.mapValues { $0.first(empty) }
        for name in order {
            var seen: Set<String> = []
            var open = first[name].map(Array.init) ?? []
            while let called = open.popLast() {
                if called == name {
                    throw StructureError(
                        "", "the grammar: the rule \"\(name)\" comes back to itself before it has read anything; write what is repeated with *")
                }
                if seen.insert(called).inserted { open += first[called] ?? [] }
            }
        }
    }

    func append(to grammar: inout Grammar, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        var nodes: [String: Grammar.Node] = [:]
        for name in order { nodes[name] = try grammar.node() }
        for name in order {
            guard let begin = nodes[name], let body = rules[name] else { continue }
            grammar.end(try grammar.expression(body, .plain, calling: nodes, from: begin))
        }
        guard let root = nodes["root"] else { return from }
        return try grammar.call(root, from: from)
    }
}

extension RegularExpression {
    fileprivate var options: [RegularExpression] { if case .choice(let options) = self { options } else { [self] } }

    /// Its consecutive parts.
    fileprivate var parts: [RegularExpression] {
        switch self {
        case .empty: []
        case .sequence(let parts): parts.flatMap(\.parts)
        default: [self]
        }
    }

    fileprivate var called: [String] {
        switch self {
        case .empty, .set: []
        case .rule(let name): [name]
        case .sequence(let parts), .choice(let parts): parts.flatMap(\.called)
        case .repeated(let inner, _, _): inner.called
        }
    }

    /// Whether some text of the expression ends, given the rules that are known to end.
    fileprivate func ends(by rules: Set<String>) -> Bool {
        switch self {
        case .empty, .set: true
        case .rule(let name): rules.contains(name)
        case .sequence(let parts): parts.allSatisfy { $0.ends(by: rules) }
        case .choice(let options): options.contains { $0.ends(by: rules) }
        case .repeated(let inner, let least, _): least == 0 || inner.ends(by: rules)
        }
    }

    fileprivate func canBeEmpty(by rules: Set<String>) -> Bool {
        switch self {
        case .empty: true
        case .set: false
        case .rule(let name): rules.contains(name)
        case .sequence(let parts): parts.allSatisfy { $0.canBeEmpty(by: rules) }
        case .choice(let options): options.contains { $0.canBeEmpty(by: rules) }
        case .repeated(let inner, let least, let most): least == 0 || most == 0 || inner.canBeEmpty(by: rules)
        }
    }

    /// The rules that may begin before anything is read.
    fileprivate func first(_ empty: Set<String>) -> Set<String> {
        switch self {
        case .empty, .set: return []
        case .rule(let name): return [name]
        case .choice(let options): return options.reduce(into: []) { $0.formUnion($1.first(empty)) }
        case .repeated(let inner, _, _): return inner.first(empty)
        case .sequence(let parts):
            var found: Set<String> = []
            for part in parts {
                found.formUnion(part.first(empty))
                if !part.canBeEmpty(by: empty) { break }
            }
            return found
        }
    }

    /// The same language with what alternatives begin with alike said once: `a "x" | a "y"` as `a ("x" | "y")`. Else every level of nested calls would
    /// double the ways to read a text.
    fileprivate var factored: RegularExpression {
        switch self {
        case .empty, .set, .rule: return self
        case .sequence(let parts): return .sequence(parts.map(\.factored))
        case .repeated(let inner, let least, let most): return .repeated(inner.factored, least, most)
        case .choice(let options):
            var groups: [(head: RegularExpression?, tails: [RegularExpression])] = []
            for parts in options.map({ $0.factored.parts }) {
                let tail = RegularExpression.sequence(Array(parts.dropFirst()))
                if let place = groups.firstIndex(where: { $0.head == parts.first }) {
                    if !groups[place].tails.contains(tail) { groups[place].tails.append(tail) }
                } else {
                    groups.append((parts.first, [tail]))
                }
            }
            let made = groups.map { group -> RegularExpression in
                guard let head = group.head else { return .empty }
                return .sequence([head, group.tails.count == 1 ? group.tails[0] : RegularExpression.choice(group.tails).factored])
            }
            return made.count == 1 ? made[0] : .choice(made)
        }
    }
}

extension ProductionGrammar {
    private struct Parser {
        private let scalars: [Unicode.Scalar]
        private var place = 0
        private var depth = 0

        init(_ text: String) { scalars = Array(text.unicodeScalars) }

        private func refusal(_ reason: String) -> StructureError {
            let before = scalars[..<min(place, scalars.count)]
            let line = before.count { $0 == "\n" } + 1
            let column = before.count - (before.lastIndex(of: "\n").map { $0 + 1 } ?? 0) + 1
            return StructureError("", "the grammar, line \(line), column \(column): \(reason)")
        }

        private var next: Unicode.Scalar? { place < scalars.count ? scalars[place] : nil }

        private var found: String { next.map { "found \"\($0)\"" } ?? "the grammar ends" }

        private mutating func skip() {
            while let scalar = next {
                if scalar == "#" {
                    while let scalar = next, scalar != "\n" { place += 1 }
                } else if scalar.properties.isWhitespace {
                    place += 1
                } else {
                    return
                }
            }
        }

        private mutating func takes(_ text: String) -> Bool {
            guard scalars[place...].starts(with: text.unicodeScalars) else { return false }
            place += text.unicodeScalars.count
            return true
        }

        private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
            scalar.isASCII && scalar.properties.isAlphabetic || scalar == "_"
        }

        private mutating func name() -> String? {
            let start = place
            guard let scalar = next, Self.isLetter(scalar) else { return nil }
            while let scalar = next, Self.isLetter(scalar) || ("0"..."9").contains(scalar) || scalar == "-" || scalar == "." { place += 1 }
            return String(String.UnicodeScalarView(scalars[start..<place]))
        }

        mutating func rule() throws(StructureError) -> (name: String, body: RegularExpression)? {
            skip()
            if next == nil { return nil }
            guard let name = name() else { throw refusal("expected a rule's name; \(found)") }
            skip()
            guard takes("::=") else {
                let isLark = next == ":" || next == "?" || next == "%"
                throw refusal("expected \"::=\" behind the rule's name; \(found)\(isLark ? " (Lark's form is not accepted; write name ::= …)" : "")")
            }
            return (name, try alternatives())
        }

        private mutating func alternatives() throws(StructureError) -> RegularExpression {
            depth += 1
            defer { depth -= 1 }
            guard depth <= 64 else { throw refusal("groups are nested more than 64 deep") }
            var options: [RegularExpression] = []
            repeat {
                options.append(.sequence(try sequence()))
                skip()
            } while takes("|")
            return options.count == 1 ? options[0] : .choice(options)
        }

        private mutating func sequence() throws(StructureError) -> [RegularExpression] {
            var parts: [RegularExpression] = []
            while let part = try part() { parts.append(try quantified(part)) }
            return parts
        }

        /// Nil at the end of the sequence.
        private mutating func part() throws(StructureError) -> RegularExpression? {
            skip()
            guard let scalar = next else { return nil }
            switch scalar {
            case "|", ")": return nil
            case "\"": return try literal()
            case "[": return try bracket()
            case ".":
                place += 1
                return .set(.all)
            case "(":
                place += 1
                if next == "=" || next == "!" { throw refusal("looking ahead is not supported") }
                let inner = try alternatives()
                skip()
                guard takes(")") else { throw refusal("expected \")\"; \(found)") }
                return inner
            default:
                let start = place
                guard let name = name() else { throw refusal("expected a literal, a class, a rule's name or a group; \(found)") }
                skip()
                // The next rule begins.
                if takes("::=") {
                    guard depth == 1 else { throw refusal("a rule begins within a group that is not closed") }
                    place = start
                    return nil
                }
                return .rule(name)
            }
        }

        private mutating func quantified(_ part: RegularExpression) throws(StructureError) -> RegularExpression {
            var part = part
            while true {
                skip()
                if takes("*") {
                    part = .repeated(part, 0, nil)
                } else if takes("+") {
                    part = .repeated(part, 1, nil)
                } else if takes("?") {
                    part = .repeated(part, 0, 1)
                } else if takes("{") {
                    let (least, most) = try counts()
                    part = .repeated(part, least, most)
                } else {
                    return part
                }
            }
        }

        /// `3}`, `3,}`, `,5}`, `3,5}`.
        private mutating func counts() throws(StructureError) -> (Int, Int?) {
            func number() throws(StructureError) -> Int? {
                skip()
                let from = place
                while let scalar = next, ("0"..."9").contains(scalar), place - from < 9 { place += 1 }
                let value = Int(String(String.UnicodeScalarView(scalars[from..<place])))
                skip()
                if let value, value > 10_000 { throw refusal("a count is above 10000") }
                return value
            }
            let least = try number()
            if takes("}"), let least { return (least, least) }
            guard takes(",") else { throw refusal("expected counts such as {2}, {2,} or {2,5}; \(found)") }
            let most = try number()
            guard takes("}"), least != nil || most != nil else { throw refusal("expected counts such as {2}, {2,} or {2,5}; \(found)") }
            if let most, most < least ?? 0 { throw refusal("a count ends below its beginning") }
            return (least ?? 0, most)
        }

        private mutating func literal() throws(StructureError) -> RegularExpression {
            place += 1
            var parts: [RegularExpression] = []
            while let scalar = next, scalar != "\"" {
                if scalar == "\n" { throw refusal("a literal ends within its line; write \\n") }
                parts.append(.set(scalar == "\\" ? try escaped() : CharacterRanges([scalar.value...scalar.value])))
                if scalar != "\\" { place += 1 }
            }
            guard takes("\"") else { throw refusal("a literal is not closed") }
            return .sequence(parts)
        }

        private mutating func escaped() throws(StructureError) -> CharacterRanges {
            place += 1
            guard let scalar = next else { throw refusal("a backslash ends it") }
            place += 1
            let plain: [Unicode.Scalar: UInt32] = [
                "n": 10, "r": 13, "t": 9, "f": 12, "v": 11, "b": 8, "a": 7, "0": 0, "e": 27, "\"": 34, "'": 39, "\\": 92, "/": 47, "?": 63,
                "[": 91, "]": 93, "-": 45, "^": 94,
            ]
            if let value = plain[scalar] { return CharacterRanges([value...value]) }
            guard let count = ["x": 2, "u": 4, "U": 8][scalar] else { throw refusal("the escape \"\\\(scalar)\" is not known") }
            let text = String(String.UnicodeScalarView(scalars[place..<min(scalars.count, place + count)]))
            guard text.count == count, let value = UInt32(text, radix: 16), Unicode.Scalar(value) != nil else {
                throw refusal("expected \(count) hexadecimal digits of a character")
            }
            place += count
            return CharacterRanges([value...value])
        }

        private mutating func bracket() throws(StructureError) -> RegularExpression {
            place += 1
            let isNegated = takes("^")
            var set = CharacterRanges.none
            while let scalar = next, scalar != "]" {
                let low = try member()
                guard next == "-", place + 1 < scalars.count, scalars[place + 1] != "]" else {
                    set = set.union(low)
                    continue
                }
                place += 1
                let high = try member()
                guard let from = low.only, let to = high.only, from <= to else { throw refusal("a range has no two ends in order") }
                set = set.union(CharacterRanges([from...to]).intersection(.all))
            }
            guard takes("]") else { throw refusal("a class is not closed") }
            if isNegated { set = set.inverted }
            if set.ranges.isEmpty { throw refusal("a class has no characters") }
            return .set(set)
        }

        private mutating func member() throws(StructureError) -> CharacterRanges {
            guard let scalar = next else { throw refusal("a class is not closed") }
            if scalar == "\\" {
                let classes: [Unicode.Scalar: CharacterRanges] = [
                    "d": RegularExpression.digits, "D": RegularExpression.digits.inverted, "w": RegularExpression.words,
                    "W": RegularExpression.words.inverted, "s": RegularExpression.spaces, "S": RegularExpression.spaces.inverted,
                ]
                if place + 1 < scalars.count, let known = classes[scalars[place + 1]] {
                    place += 2
                    return known
                }
                return try escaped()
            }
            place += 1
            return CharacterRanges([scalar.value...scalar.value])
        }
    }
}
