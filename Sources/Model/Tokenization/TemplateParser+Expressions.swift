/// Expressions: each function reads the operators of its own precedence and leaves what binds tighter to the next.
extension TemplateParser {
    mutating func tuple(conditional: Bool = true) throws(TemplateError) -> Expression {
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

    mutating func expression() throws(TemplateError) -> Expression {
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

    mutating func or() throws(TemplateError) -> Expression {
        var left = try and()
        while isName("or") {
            let line = line
            next()
            left = Expression(line, .or(left, try and()))
        }
        return left
    }

    mutating func and() throws(TemplateError) -> Expression {
        var left = try not()
        while isName("and") {
            let line = line
            next()
            left = Expression(line, .and(left, try not()))
        }
        return left
    }

    mutating func not() throws(TemplateError) -> Expression {
        guard isName("not") else { return try comparison() }
        try deepen()
        defer { depth -= 1 }
        let line = line
        next()
        return Expression(line, .not(try not()))
    }

    mutating func comparison() throws(TemplateError) -> Expression {
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

    mutating func sum() throws(TemplateError) -> Expression {
        var left = try concatenation()
        while case .symbol(let symbol) = token, symbol == "+" || symbol == "-" {
            let line = line
            next()
            left = Expression(line, .binary(symbol, left, try concatenation()))
        }
        return left
    }

    mutating func concatenation() throws(TemplateError) -> Expression {
        var left = try product()
        while isSymbol("~") {
            let line = line
            next()
            left = Expression(line, .binary("~", left, try product()))
        }
        return left
    }

    mutating func product() throws(TemplateError) -> Expression {
        var left = try power()
        while case .symbol(let symbol) = token, ["*", "/", "//", "%"].contains(symbol) {
            let line = line
            next()
            left = Expression(line, .binary(symbol, left, try power()))
        }
        return left
    }

    mutating func power() throws(TemplateError) -> Expression {
        var left = try unary()
        while isSymbol("**") {
            let line = line
            next()
            left = Expression(line, .binary("**", left, try unary()))
        }
        return left
    }

    mutating func unary(filtered: Bool = true) throws(TemplateError) -> Expression {
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

    mutating func postfix(_ start: Expression) throws(TemplateError) -> Expression {
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

    mutating func call(_ callee: Expression) throws(TemplateError) -> Expression {
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

    mutating func arguments() throws(TemplateError) -> Expression.Arguments {
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

    mutating func filterName() throws(TemplateError) -> String {
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
