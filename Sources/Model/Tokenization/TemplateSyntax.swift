/// The syntax tree of a chat template.
final class Expression: Sendable {
    indirect enum Kind: Sendable {
        case literal(Literal)
        case name(String)
        case list([Expression])
        case tuple([Expression])
        case object([(key: Expression, value: Expression)])
        case attribute(Expression, String)
        case subscripted(Expression, Expression)
        case slice(Expression, Expression?, Expression?, Expression?)
        case call(Expression, Arguments)
        case filter(Expression, String, Arguments)
        case test(Expression, String, Arguments, negated: Bool)
        case not(Expression)
        case negative(Expression)
        case positive(Expression)
        case binary(String, Expression, Expression)
        case and(Expression, Expression)
        case or(Expression, Expression)
        case comparison(Expression, [(operation: String, operand: Expression)])
        case conditional(Expression, then: Expression, otherwise: Expression?)
    }

    enum Literal: Sendable {
        case none
        case bool(Bool)
        case integer(Int)
        case number(Double)
        case text(String)
    }

    struct Arguments: Sendable {
        var positional: [Expression] = []
        var named: [(name: String, value: Expression)] = []
    }

    let line: Int
    let kind: Kind

    init(_ line: Int, _ kind: Kind) { (self.line, self.kind) = (line, kind) }
}

/// The target of an assignment by `set` or `for`.
indirect enum Target: Sendable {
    case name(String)
    case member(String, String)
    case tuple([Target])
}

struct Statement: Sendable {
    indirect enum Kind: Sendable {
        case text(String)
        case output(Expression)
        case set(Target, Expression)
        case setBlock(String, [Statement], filters: [(name: String, arguments: Expression.Arguments)])
        case branch([(condition: Expression, body: [Statement])], otherwise: [Statement])
        case loop(Target, Expression, filter: Expression?, body: [Statement], otherwise: [Statement])
        case macro(String, [(name: String, defaultValue: Expression?)], [Statement])
        /// `{% generation %}`: marks the assistant's text; renders as its body.
        case group([Statement])
        case breakLoop
        case continueLoop
    }

    let line: Int
    let kind: Kind
}
