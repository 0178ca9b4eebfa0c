import Foundation

/// Runs a chat template: statements write to `output`, expressions yield values, names are looked up from the innermost
/// scope outwards. Semantics: Jinja 3 in the sandbox that transformers sets up.
struct TemplateInterpreter {
    static let functions: Set<String> = ["range", "namespace", "dict", "raise_exception", "strftime_now"]

    var output = TemplateText(units: [])
    var limits: TemplateLimits
    let now: Date
    var scopes: [[String: Value]]
    var loopDepth = 0
    /// Jinja's `namespace()`s, which assignments inside loops may change: their members, by the number that a value holds.
    var namespaces: [[String: Value]] = []
    /// The loops under way, the innermost last.
    var loops: [Value.LoopState] = []
    private var loopCount = 0
    private var depth = 0

    init(variables: [String: Value], limits: TemplateLimits, now: Date) {
        self.limits = limits
        self.now = now
        var globals = variables
        for name in Self.functions { globals[name] = .function(name) }
        scopes = [globals]
    }

    private enum Flow { case normal, broke, continued }

    mutating func run(_ body: [Statement]) throws(TemplateError) { _ = try execute(body) }

    // MARK: Costs

    mutating func spend(steps: Int = 1, characters: Int = 0, _ line: Int) throws(TemplateError) {
        try limits.spend(steps: steps, characters: characters, line)
    }

    /// Charges for elements about to be made.
    mutating func spend(elements: Int, _ line: Int) throws(TemplateError) { try limits.spend(elements: elements, line) }

    /// A list of items that have been charged.
    func list(_ items: [Value], _ line: Int) throws(TemplateError) -> Value {
        let elements = Value.Elements(items)
        try hold(depth: elements.depth, line)
        return .list(elements)
    }

    func tuple(_ items: [Value], _ line: Int) throws(TemplateError) -> Value {
        let elements = Value.Elements(items)
        try hold(depth: elements.depth, line)
        return .tuple(elements)
    }

    func hold(depth: Int, _ line: Int) throws(TemplateError) {
        guard depth > limits.valueDepth else { return }
        throw .limit(line: line, reason: "values nested more than \(limits.valueDepth) deep")
    }

    private mutating func deepen(_ line: Int) throws(TemplateError) {
        depth += 1
        if depth > limits.depth { throw .limit(line: line, reason: "nested more than \(limits.depth) evaluations deep") }
    }

    // MARK: Statements

    private mutating func write(_ text: TemplateText, _ line: Int) throws(TemplateError) {
        try spend(characters: text.count, line)
        output.units += text.units
    }

    private mutating func execute(_ body: [Statement]) throws(TemplateError) -> Flow {
        for statement in body {
            let flow = try execute(statement)
            if flow != .normal { return flow }
        }
        return .normal
    }

    private mutating func execute(_ statement: Statement) throws(TemplateError) -> Flow {
        let line = statement.line
        try deepen(line)
        defer { depth -= 1 }
        switch statement.kind {
        case .text(let text):
            try write(TemplateText(text), line)
        case .output(let expression):
            try write(text(of: try evaluate(expression), line), line)
        case .set(let target, let expression):
            try assign(target, try evaluate(expression), line)
        case .setBlock(let name, let body, let filters):
            var value = Value.text(try capture(body))
            for filter in filters { value = try apply(filter: filter.name, to: value, try evaluate(filter.arguments), line) }
            scopes[scopes.count - 1][name] = value
        case .branch(let branches, let otherwise):
            for branch in branches where try evaluate(branch.condition).isTrue { return try execute(branch.body) }
            return try execute(otherwise)
        case .loop(let target, let items, let filter, let body, let otherwise):
            try loop(target, try evaluate(items), filter, body, otherwise, line)
        case .macro(let name, let parameters, let body):
            scopes[scopes.count - 1][name] = .macro(Value.Macro(name: name, parameters: parameters, body: body))
        case .group(let body):
            return try execute(body)
        case .breakLoop, .continueLoop:
            guard loopDepth > 0 else { throw .evaluation(line: line, reason: "break or continue outside a loop") }
            if case .breakLoop = statement.kind { return .broke }
            return .continued
        }
        return .normal
    }

    mutating func capture(_ body: [Statement]) throws(TemplateError) -> TemplateText {
        let saved = output
        output = TemplateText(units: [])
        scopes.append([:])
        defer {
            output = saved
            scopes.removeLast()
        }
        _ = try execute(body)
        return output
    }

    private mutating func loop(
        _ target: Target, _ value: Value, _ filter: Expression?, _ body: [Statement], _ otherwise: [Statement], _ line: Int
    ) throws(TemplateError) {
        var items = try self.items(of: value, line)
        if let filter {
            var kept: [Value] = []
            for item in items {
                scopes.append([:])
                defer { scopes.removeLast() }
                try assign(target, item, line)
                if try evaluate(filter).isTrue { kept.append(item) }
            }
            items = kept
        }
        guard !items.isEmpty else {
            scopes.append([:])
            defer { scopes.removeLast() }
            _ = try execute(otherwise)
            return
        }
        loopDepth += 1
        defer { loopDepth -= 1 }
        loopCount += 1
        let number = loopCount
        loops.append(Value.LoopState(number: number, items: items))
        defer { loops.removeLast() }
        for (index, item) in items.enumerated() {
            try spend(line)
            loops[loops.count - 1].index = index
            scopes.append(["loop": .loop(number)])
            defer { scopes.removeLast() }
            try assign(target, item, line)
            if try execute(body) == .broke { break }
        }
    }

    private mutating func assign(_ target: Target, _ value: Value, _ line: Int) throws(TemplateError) {
        switch target {
        case .name(let name):
            scopes[scopes.count - 1][name] = value
        case .member(let name, let member):
            guard case .namespace(let number) = lookUp(name) else {
                throw .evaluation(line: line, reason: "cannot assign \(name).\(member): \(name) is not a namespace")
            }
            if namespaces[number][member] == nil { try spend(elements: 1, line) }
            namespaces[number][member] = value
        case .tuple(let targets):
            let items = try self.items(of: value, line)
            guard items.count == targets.count else {
                throw .evaluation(line: line, reason: "\(targets.count) names for \(items.count) values")
            }
            for (target, item) in zip(targets, items) { try assign(target, item, line) }
        }
    }

    // MARK: Expressions

    private func lookUp(_ name: String) -> Value {
        for scope in scopes.reversed() { if let value = scope[name] { return value } }
        return .undefined(name)
    }

    mutating func evaluate(_ arguments: Expression.Arguments) throws(TemplateError) -> Arguments {
        var result = Arguments()
        for expression in arguments.positional { result.positional.append(try evaluate(expression)) }
        for (name, expression) in arguments.named { result.named[name] = try evaluate(expression) }
        return result
    }

    mutating func evaluate(_ expression: Expression) throws(TemplateError) -> Value {
        let line = expression.line
        try spend(line)
        try deepen(line)
        defer { depth -= 1 }
        switch expression.kind {
        case .literal(.none): return .none
        case .literal(.bool(let value)): return .bool(value)
        case .literal(.integer(let value)): return .integer(value)
        case .literal(.number(let value)): return .number(value)
        case .literal(.text(let text)): return .literal(text)
        case .name(let name): return lookUp(name)
        case .list(let items):
            try spend(elements: items.count, line)
            return try list(try evaluate(all: items), line)
        case .tuple(let items):
            try spend(elements: items.count, line)
            return try tuple(try evaluate(all: items), line)
        case .object(let members):
            try spend(elements: members.count, line)
            var dictionary = Value.Dictionary()
            for (key, value) in members {
                guard case .text(let key) = try evaluate(key) else {
                    throw .evaluation(line: line, reason: "dictionary keys must be strings")
                }
                dictionary.set(key, try evaluate(value))
            }
            try hold(depth: dictionary.depth, line)
            return .object(dictionary)
        case .attribute(let base, let name):
            return try attribute(try evaluate(base), name, line)
        case .subscripted(let base, let key):
            return try item(try evaluate(base), try evaluate(key), line)
        case .slice(let base, let start, let stop, let step):
            return try slice(try evaluate(base), try bound(start), try bound(stop), try bound(step) ?? 1, line)
        case .call(let callee, let arguments):
            return try call(try evaluate(callee), try evaluate(arguments), line)
        case .filter(let operand, let name, let arguments):
            return try apply(filter: name, to: try evaluate(operand), try evaluate(arguments), line)
        case .test(let operand, let name, let arguments, let negated):
            let value = try evaluate(operand)
            return .bool(try test(name, value, try evaluate(arguments).positional, line) != negated)
        case .not(let operand):
            return .bool(!(try evaluate(operand).isTrue))
        case .negative(let operand):
            return try arithmetic("-", .integer(0), try evaluate(operand), line)
        case .positive(let operand):
            return try arithmetic("+", .integer(0), try evaluate(operand), line)
        case .binary(let operation, let left, let right):
            return try arithmetic(operation, try evaluate(left), try evaluate(right), line)
        case .and(let left, let right):
            let value = try evaluate(left)
            return value.isTrue ? try evaluate(right) : value
        case .or(let left, let right):
            let value = try evaluate(left)
            return value.isTrue ? value : try evaluate(right)
        case .comparison(let first, let rest):
            var left = try evaluate(first)
            for (operation, operand) in rest {
                let right = try evaluate(operand)
                guard try compare(operation, left, right, line) else { return .bool(false) }
                left = right
            }
            return .bool(true)
        case .conditional(let condition, let then, let otherwise):
            if try evaluate(condition).isTrue { return try evaluate(then) }
            return try otherwise.map { expression throws(TemplateError) in try evaluate(expression) }
                ?? .undefined("the missing else")
        }
    }

    mutating func evaluate(all expressions: [Expression]) throws(TemplateError) -> [Value] {
        var result: [Value] = []
        for expression in expressions { result.append(try evaluate(expression)) }
        return result
    }

    private mutating func bound(_ expression: Expression?) throws(TemplateError) -> Int? {
        guard let expression else { return nil }
        let value = try evaluate(expression)
        if case .none = value { return nil }
        guard let integer = value.asInteger else {
            throw .evaluation(line: expression.line, reason: "a slice bound is a \(value.typeName), not an integer")
        }
        return integer
    }
}
