/// Parses a Jinja template into its syntax tree: precedence climbing for expressions, recursive descent for blocks.
///
///     conditional → or → and → not → comparison → sum → concatenation (~) → product → power → unary → postfix, filter, test
///
/// Everything that could fail to be known later is checked here: tags, filters, tests, methods and functions.
struct TemplateParser {
    let tokens: [TemplateLexer.Located]
    var index = 0
    var depth = 0
    /// Names that the template itself binds, which may hold macros.
    private var boundNames: Set<String> = []
    var calledNames: [(name: String, line: Int)] = []

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

    var token: TemplateLexer.Token { tokens[index].token }
    var line: Int { tokens[index].line }

    mutating func next() { if index + 1 < tokens.count { index += 1 } }

    func isSymbol(_ text: String) -> Bool { token == .symbol(text) }
    func isName(_ text: String) -> Bool { token == .name(text) }

    mutating func skip(symbol: String) -> Bool {
        guard isSymbol(symbol) else { return false }
        next()
        return true
    }

    mutating func skip(name: String) -> Bool {
        guard isName(name) else { return false }
        next()
        return true
    }

    mutating func expect(symbol: String) throws(TemplateError) {
        guard skip(symbol: symbol) else { throw .syntax(line: line, reason: "expected \(symbol), found \(shown)") }
    }

    mutating func expect(name: String) throws(TemplateError) {
        guard skip(name: name) else { throw .syntax(line: line, reason: "expected \(name), found \(shown)") }
    }

    mutating func name() throws(TemplateError) -> String {
        guard case .name(let name) = token else { throw .syntax(line: line, reason: "expected a name, found \(shown)") }
        next()
        return name
    }

    private mutating func endBlock() throws(TemplateError) {
        guard token == .blockEnd else { throw .syntax(line: line, reason: "expected the tag's end, found \(shown)") }
        next()
    }

    var shown: String {
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

    mutating func deepen() throws(TemplateError) {
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
        try deepen()
        defer { depth -= 1 }
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
}
