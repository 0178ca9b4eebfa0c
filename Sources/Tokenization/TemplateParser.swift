/// Parses a Jinja template into its syntax tree: precedence climbing for expressions, recursive descent for blocks.
///
///     conditional → or → and → not → comparison → sum → concatenation (~) → product → power → unary → postfix, filter, test
///
/// Everything that could fail to be known later is checked here: tags, filters, tests, methods and functions.
struct TemplateParser {
    private let tokens: [TemplateLexer.Located]
    private var index = 0
    private var depth = 0
    /// Names that the template itself binds, which may hold macros.
    private var boundNames: Set<String> = []
    private var calledNames: [(name: String, line: Int)] = []

    private static let deepest = 120

    static func parse(_ template: String) throws(TemplateError) -> [Statement] {
        var parser = TemplateParser(tokens: try TemplateLexer.tokens(of: template))
        let (body, end) = try parser.statements(until: [])
        precondition(end == nil)
        for call in parser.calledNames where !parser.boundNames.contains(call.name) {
            guard TemplateInterpreter.functions.contains(call.name) else {
                throw .unsupported(line: call.line, construct: "the function \(call.name)")
            }
        }
        return body
    }

    private init(tokens: [TemplateLexer.Located]) { self.tokens = tokens }

    // MARK: Tokens

    private var token: TemplateLexer.Token { tokens[index].token }
    private var line: Int { tokens[index].line }

    private mutating func next() { if index + 1 < tokens.count { index += 1 } }

    private func isSymbol(_ text: String) -> Bool { token == .symbol(text) }
    private func isName(_ text: String) -> Bool { token == .name(text) }

    private mutating func skip(symbol: String) -> Bool {
        guard isSymbol(symbol) else { return false }
        next()
        return true
    }

    private mutating func skip(name: String) -> Bool {
        guard isName(name) else { return false }
        next()
        return true
    }

    private mutating func expect(symbol: String) throws(TemplateError) {
        guard skip(symbol: symbol) else { throw .syntax(line: line, reason: "expected \(symbol), found \(shown)") }
    }

    private mutating func expect(name: String) throws(TemplateError) {
        guard skip(name: name) else { throw .syntax(line: line, reason: "expected \(name), found \(shown)") }
    }

    private mutating func name() throws(TemplateError) -> String {
        guard case .name(let name) = token else { throw .syntax(line: line, reason: "expected a name, found \(shown)") }
        next()
        return name
    }

    private mutating func endBlock() throws(TemplateError) {
        guard token == .blockEnd else { throw .syntax(line: line, reason: "expected the tag's end, found \(shown)") }
        next()
    }

    private var shown: String {
        switch token {
        case .data: "text"
        case .blockBegin: "{%"
        case .blockEnd: "%}"
        case .variableBegin: "{{"
        case .variableEnd: "}}"
        case .name(let name): name
        case .string(let text): "'\(text)'"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .symbol(let symbol): symbol
        case .end: "the template's end"
        }
    }

    private mutating func deepen() throws(TemplateError) {
        depth += 1
        if depth > Self.deepest { throw .syntax(line: line, reason: "nested more than \(Self.deepest) levels deep") }
    }

    // MARK: Statements

    /// Statements up to a tag in `ends`, whose name is consumed and returned; nil at the template's end.
    private mutating func statements(until ends: Set<String>) throws(TemplateError) -> ([Statement], String?) {
        try deepen()
        defer { depth -= 1 }
        var result: [Statement] = []
        let start = line
        while true {
            let line = line
            switch token {
            case .data(let text):
                next()
                if !text.isEmpty { result.append(Statement(line: line, kind: .text(text))) }
            case .variableBegin:
                next()
                result.append(Statement(line: line, kind: .output(try tuple())))
                guard token == .variableEnd else { throw .syntax(line: self.line, reason: "expected }}, found \(shown)") }
                next()
            case .blockBegin:
                next()
                let tag = try name()
                if ends.contains(tag) { return (result, tag) }
                result.append(Statement(line: line, kind: try statement(tag, line)))
            default:
                guard ends.isEmpty else {
                    throw .syntax(line: start, reason: "expected \(ends.sorted().joined(separator: " or ")), found \(shown)")
                }
                return (result, nil)
            }
        }
    }

    private mutating func body(until end: String) throws(TemplateError) -> [Statement] {
        let (body, _) = try statements(until: [end])
        try endBlock()
        return body
    }

    private mutating func statement(_ tag: String, _ line: Int) throws(TemplateError) -> Statement.Kind {
        switch tag {
        case "if": return try branch()
        case "for": return try loop(line)
        case "set": return try assignment()
        case "macro":
            let name = try name()
            boundNames.insert(name)
            try expect(symbol: "(")
            var parameters: [(name: String, defaultValue: Expression?)] = []
            while !skip(symbol: ")") {
                if !parameters.isEmpty { try expect(symbol: ",") }
                let parameter = try self.name()
                boundNames.insert(parameter)
                parameters.append((parameter, skip(symbol: "=") ? try expression() : nil))
            }
            try endBlock()
            return .macro(name, parameters, try body(until: "endmacro"))
        case "generation":
            try endBlock()
            return .group(try body(until: "endgeneration"))
        case "break":
            try endBlock()
            return .breakLoop
        case "continue":
            try endBlock()
            return .continueLoop
        case let tag where tag.hasPrefix("end") || tag == "else" || tag == "elif":
            throw .syntax(line: line, reason: "\(tag) closes nothing")
        default:
            throw .unsupported(line: line, construct: "the tag {% \(tag) %}")
        }
    }

    private mutating func branch() throws(TemplateError) -> Statement.Kind {
        var branches: [(condition: Expression, body: [Statement])] = []
        var otherwise: [Statement] = []
        var tag: String? = "if"
        while tag == "if" || tag == "elif" {
            let condition = try expression()
            try endBlock()
            let (body, end) = try statements(until: ["elif", "else", "endif"])
            branches.append((condition, body))
            tag = end
        }
        if tag == "else" {
            try endBlock()
            otherwise = try body(until: "endif")
        } else {
            try endBlock()
        }
        return .branch(branches, otherwise: otherwise)
    }

    private mutating func loop(_ line: Int) throws(TemplateError) -> Statement.Kind {
        let target = try target()
        try expect(name: "in")
        let items = try tuple(conditional: false)
        let filter = skip(name: "if") ? try expression() : nil
        if isName("recursive") { throw .unsupported(line: line, construct: "a recursive loop") }
        try endBlock()
        let (body, end) = try statements(until: ["else", "endfor"])
        try endBlock()
        let otherwise = end == "else" ? try self.body(until: "endfor") : []
        return .loop(target, items, filter: filter, body: body, otherwise: otherwise)
    }

    private mutating func assignment() throws(TemplateError) -> Statement.Kind {
        let target = try target()
        if skip(symbol: "=") {
            let value = try tuple()
            try endBlock()
            return .set(target, value)
        }
        guard case .name(let name) = target else { throw .syntax(line: line, reason: "a block is set to one name") }
        var filters: [(name: String, arguments: Expression.Arguments)] = []
        while skip(symbol: "|") {
            let filter = try filterName()
            filters.append((filter, isSymbol("(") ? try arguments() : Expression.Arguments()))
        }
        try endBlock()
        return .setBlock(name, try body(until: "endset"), filters: filters)
    }

    private mutating func target() throws(TemplateError) -> Target {
        var targets: [Target] = []
        var isTuple = false
        repeat {
            if skip(symbol: "(") {
                targets.append(try target())
                try expect(symbol: ")")
            } else {
                let name = try name()
                boundNames.insert(name)
                targets.append(skip(symbol: ".") ? .member(name, try self.name()) : .name(name))
            }
            guard skip(symbol: ",") else { break }
            isTuple = true
        } while !isName("in") && !isSymbol("=")
        return isTuple ? .tuple(targets) : targets[0]
    }

    // MARK: Expressions

    private mutating func tuple(conditional: Bool = true) throws(TemplateError) -> Expression {
        let line = line
        let first = conditional ? try expression() : try or()
        guard isSymbol(",") else { return first }
        var items = [first]
        while skip(symbol: ",") {
            if token == .blockEnd || token == .variableEnd || isSymbol(")") { break }
            items.append(conditional ? try expression() : try or())
        }
        return Expression(line, .tuple(items))
    }

    private mutating func expression() throws(TemplateError) -> Expression {
        try deepen()
        defer { depth -= 1 }
        var result = try or()
        while isName("if") {
            let line = line
            next()
            let condition = try or()
            let otherwise = skip(name: "else") ? try expression() : nil
            result = Expression(line, .conditional(condition, then: result, otherwise: otherwise))
        }
        return result
    }

    private mutating func or() throws(TemplateError) -> Expression {
        var left = try and()
        while isName("or") {
            let line = line
            next()
            left = Expression(line, .or(left, try and()))
        }
        return left
    }

    private mutating func and() throws(TemplateError) -> Expression {
        var left = try not()
        while isName("and") {
            let line = line
            next()
            left = Expression(line, .and(left, try not()))
        }
        return left
    }

    private mutating func not() throws(TemplateError) -> Expression {
        guard isName("not") else { return try comparison() }
        try deepen()
        defer { depth -= 1 }
        let line = line
        next()
        return Expression(line, .not(try not()))
    }

    private mutating func comparison() throws(TemplateError) -> Expression {
        let line = line
        let first = try sum()
        var rest: [(operation: String, operand: Expression)] = []
        while true {
            if case .symbol(let symbol) = token, ["==", "!=", "<", "<=", ">", ">="].contains(symbol) {
                next()
                rest.append((symbol, try sum()))
            } else if skip(name: "in") {
                rest.append(("in", try sum()))
            } else if isName("not"), tokens[index + 1].token == .name("in") {
                next()
                next()
                rest.append(("not in", try sum()))
            } else {
                return rest.isEmpty ? first : Expression(line, .comparison(first, rest))
            }
        }
    }

    private mutating func sum() throws(TemplateError) -> Expression {
        var left = try concatenation()
        while case .symbol(let symbol) = token, symbol == "+" || symbol == "-" {
            let line = line
            next()
            left = Expression(line, .binary(symbol, left, try concatenation()))
        }
        return left
    }

    private mutating func concatenation() throws(TemplateError) -> Expression {
        var left = try product()
        while isSymbol("~") {
            let line = line
            next()
            left = Expression(line, .binary("~", left, try product()))
        }
        return left
    }

    private mutating func product() throws(TemplateError) -> Expression {
        var left = try power()
        while case .symbol(let symbol) = token, ["*", "/", "//", "%"].contains(symbol) {
            let line = line
            next()
            left = Expression(line, .binary(symbol, left, try power()))
        }
        return left
    }

    private mutating func power() throws(TemplateError) -> Expression {
        var left = try unary()
        while isSymbol("**") {
            let line = line
            next()
            left = Expression(line, .binary("**", left, try unary()))
        }
        return left
    }

    private mutating func unary(filtered: Bool = true) throws(TemplateError) -> Expression {
        try deepen()
        defer { depth -= 1 }
        let line = line
        var result: Expression
        if skip(symbol: "-") {
            result = Expression(line, .negative(try unary(filtered: false)))
        } else if skip(symbol: "+") {
            result = Expression(line, .positive(try unary(filtered: false)))
        } else {
            result = try primary()
        }
        result = try postfix(result)
        return filtered ? try filtersAndTests(result) : result
    }

    private mutating func primary() throws(TemplateError) -> Expression {
        let line = line
        switch token {
        case .name(let name):
            next()
            switch name {
            case "true", "True": return Expression(line, .literal(.bool(true)))
            case "false", "False": return Expression(line, .literal(.bool(false)))
            case "none", "None": return Expression(line, .literal(.none))
            default: return Expression(line, .name(name))
            }
        case .string(var text):
            next()
            while case .string(let more) = token {
                text += more
                next()
            }
            return Expression(line, .literal(.text(text)))
        case .integer(let value):
            next()
            return Expression(line, .literal(.integer(value)))
        case .number(let value):
            next()
            return Expression(line, .literal(.number(value)))
        case .symbol("("):
            next()
            if skip(symbol: ")") { return Expression(line, .tuple([])) }
            let inner = try tuple()
            try expect(symbol: ")")
            return inner
        case .symbol("["):
            next()
            var items: [Expression] = []
            while !skip(symbol: "]") {
                if !items.isEmpty {
                    try expect(symbol: ",")
                    if skip(symbol: "]") { break }
                }
                items.append(try expression())
            }
            return Expression(line, .list(items))
        case .symbol("{"):
            next()
            var members: [(key: Expression, value: Expression)] = []
            while !skip(symbol: "}") {
                if !members.isEmpty {
                    try expect(symbol: ",")
                    if skip(symbol: "}") { break }
                }
                let key = try expression()
                try expect(symbol: ":")
                members.append((key, try expression()))
            }
            return Expression(line, .object(members))
        default:
            throw .syntax(line: line, reason: "expected an expression, found \(shown)")
        }
    }

    private mutating func postfix(_ start: Expression) throws(TemplateError) -> Expression {
        var result = start
        while true {
            let line = line
            if skip(symbol: ".") {
                if case .integer(let position) = token {
                    next()
                    result = Expression(line, .subscripted(result, Expression(line, .literal(.integer(position)))))
                } else {
                    result = Expression(line, .attribute(result, try name()))
                }
            } else if isSymbol("[") {
                result = try subscripted(result)
            } else if isSymbol("(") {
                result = try call(result)
            } else {
                return result
            }
        }
    }

    private mutating func subscripted(_ base: Expression) throws(TemplateError) -> Expression {
        let line = line
        try expect(symbol: "[")
        var parts: [Expression?] = []
        var colons = 0
        var current: Expression?
        while !isSymbol("]") {
            if skip(symbol: ":") {
                colons += 1
                parts.append(current)
                current = nil
            } else {
                guard current == nil else { throw .syntax(line: self.line, reason: "expected ], found \(shown)") }
                current = try expression()
            }
        }
        next()
        guard colons > 0 else {
            guard let current else { throw .syntax(line: line, reason: "an empty subscript") }
            return Expression(line, .subscripted(base, current))
        }
        parts.append(current)
        guard parts.count <= 3 else { throw .syntax(line: line, reason: "a slice has at most three parts") }
        return Expression(line, .slice(base, parts[0], parts[1], parts.count > 2 ? parts[2] : nil))
    }

    private mutating func call(_ callee: Expression) throws(TemplateError) -> Expression {
        let line = line
        switch callee.kind {
        case .name(let name): calledNames.append((name, line))
        case .attribute(_, let name):
            guard TemplateInterpreter.methods.contains(name) else {
                throw .unsupported(line: line, construct: "the method \(name)")
            }
        default: throw .unsupported(line: line, construct: "a call of a computed value")
        }
        return Expression(line, .call(callee, try arguments()))
    }

    private mutating func arguments() throws(TemplateError) -> Expression.Arguments {
        try expect(symbol: "(")
        var result = Expression.Arguments()
        var first = true
        while !skip(symbol: ")") {
            if !first {
                try expect(symbol: ",")
                if skip(symbol: ")") { break }
            }
            first = false
            if isSymbol("*") || isSymbol("**") { throw .unsupported(line: line, construct: "spreading arguments") }
            if case .name(let name) = token, tokens[index + 1].token == .symbol("=") {
                next()
                next()
                result.named.append((name, try expression()))
            } else {
                result.positional.append(try expression())
            }
        }
        return result
    }

    private mutating func filterName() throws(TemplateError) -> String {
        let line = line
        let filter = try name()
        guard TemplateInterpreter.filters.contains(filter) else {
            throw .unsupported(line: line, construct: "the filter \(filter)")
        }
        return filter
    }

    private mutating func filtersAndTests(_ start: Expression) throws(TemplateError) -> Expression {
        var result = start
        while true {
            let line = line
            if skip(symbol: "|") {
                let filter = try filterName()
                let arguments = isSymbol("(") ? try arguments() : Expression.Arguments()
                result = Expression(line, .filter(result, filter, arguments))
            } else if skip(name: "is") {
                let negated = skip(name: "not")
                let test: String
                if case .symbol(let symbol) = token, TemplateInterpreter.tests.contains(symbol) {
                    test = symbol
                    next()
                } else {
                    test = try name()
                }
                guard TemplateInterpreter.tests.contains(test) else {
                    throw .unsupported(line: line, construct: "the test \(test)")
                }
                var arguments = Expression.Arguments()
                switch token {
                case .symbol("("): arguments = try self.arguments()
                case .name(let name) where ["else", "or", "and", "if", "is", "in", "not"].contains(name): break
                case .name, .string, .integer, .number, .symbol("["), .symbol("{"):
                    arguments.positional = [try postfix(try primary())]
                default: break
                }
                result = Expression(line, .test(result, test, arguments, negated: negated))
            } else {
                return result
            }
        }
    }
}
