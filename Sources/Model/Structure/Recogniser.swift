/// Reads a grammar's language byte by byte: all ways to read what came so far are followed at once, and what they lead to is kept, so that a
/// byte that was read before in the same place costs one look.
///
/// A way is a stack of nodes: where the innermost rule stands, then where each caller goes on. Equal stacks are one number, equal sets of stacks one state.
struct Recogniser: Sendable {
    typealias State = Int32

    static let dead: State = -1
    private static let unknown: State = -2
    /// More states are too much: a kilobyte each.
    private static let largest = 1 << 14

    private let grammar: Grammar
    private var tops: [Grammar.Node] = []
    /// What lies below each stack's top; -1 for nothing.
    private var rests: [Int32] = []
    private var stacks: [UInt64: Int32] = [:]
    /// Of each state, the stacks that read on.
    private var members: [[Int32]] = []
    private var isComplete: [Bool] = []
    private var states: [[Int32]: State] = [:]
    /// By state and byte.
    private var table: [State] = []
    private(set) var start: State = 0

    init(_ grammar: Grammar) throws(StructureError) {
        self.grammar = grammar
        start = try state([stack(grammar.start, -1)])
    }

    /// Whether so much is known that it should be learnt anew, before there is no room for more.
    var isLarge: Bool { members.count > Self.largest / 2 }

    /// Whether what was read is a whole text of the language.
    func isWhole(_ state: State) -> Bool { isComplete[Int(state)] }

    /// Whether anything can follow.
    func goesOn(_ state: State) -> Bool { !members[Int(state)].isEmpty }

    /// The state behind `byte`; ``dead`` where no text of the language goes on so.
    mutating func step(_ state: State, _ byte: UInt8) throws(StructureError) -> State {
        let place = Int(state) << 8 | Int(byte)
        if table[place] != Self.unknown { return table[place] }
        var reached: [Int32] = []
        for member in members[Int(state)] {
            let rest = rests[Int(member)]
            for case .bytes(let bytes, let to) in grammar.edges[Int(tops[Int(member)])] where bytes.contains(byte) {
                reached.append(stack(to, rest))
            }
        }
        let next = reached.isEmpty ? Self.dead : try self.state(reached)
        table[place] = next
        return next
    }

    private mutating func stack(_ top: Grammar.Node, _ rest: Int32) -> Int32 {
        let key = UInt64(UInt32(bitPattern: top)) << 32 | UInt64(UInt32(bitPattern: rest))
        if let known = stacks[key] { return known }
        tops.append(top)
        rests.append(rest)
        let number = Int32(tops.count - 1)
        stacks[key] = number
        return number
    }

    /// The state of all that is reached from some stacks without a byte.
    private mutating func state(_ from: [Int32]) throws(StructureError) -> State {
        var seen: Set<Int32> = []
        var open: [Int32] = []
        var reading: [Int32] = []
        var isWhole = false
        func visit(_ stack: Int32) { if seen.insert(stack).inserted { open.append(stack) } }
        for stack in from { visit(stack) }
        while let stack = open.popLast() {
            guard tops.count < Self.largest << 4 else { throw StructureError("", "the form is too complex: too many ways to read an answer") }
            let (top, rest) = (tops[Int(stack)], rests[Int(stack)])
            if grammar.ends[Int(top)] { if rest < 0 { isWhole = true } else { visit(rest) } }
            var reads = false
            for edge in grammar.edges[Int(top)] {
                switch edge {
                case .bytes: reads = true
                case .free(let to): visit(self.stack(to, rest))
                case .call(let rule, let back): visit(self.stack(rule, self.stack(back, rest)))
                }
            }
            if reads { reading.append(stack) }
        }
        reading.sort()
        // A set of stacks and whether it is whole, as one key.
        let key = reading + [isWhole ? -1 : -2]
        if let known = states[key] { return known }
        guard members.count < Self.largest else { throw StructureError("", "the form is too complex: too many states") }
        let number = State(members.count)
        members.append(reading)
        isComplete.append(isWhole)
        states[key] = number
        table += repeatElement(Self.unknown, count: 256)
        return number
    }
}
