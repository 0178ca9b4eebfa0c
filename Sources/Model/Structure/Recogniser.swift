/// Reads a grammar's language byte by byte. It follows all ways to read the bytes so far at once and caches the results, so that a
/// byte that was read before in the same place costs one look-up.
///
/// A way is a stack of nodes: the place in the innermost rule, then the place where each caller continues. Equal stacks have one number, equal sets of stacks one state.
/// Bytes that no edge distinguishes are one class.
struct Recogniser: Sendable {
    typealias State = Int32

    static let dead: State = -1
    private static let unknown: State = -2
    /// The most entries of the table (four bytes each), and the most stacks.
    private static let largest = 1 << 23
    private static let mostStacks = 1 << 19
    /// The bound on the stacks of all states together. Some expressions, such as `.*a.{30}`, have few states with very many stacks.
    private static let mostMembers = 1 << 19

    private let grammar: Grammar
    /// The class of each byte.
    private let classes: [UInt8]
    private let classCount: Int
    /// For each node, whether its rule ends there and cannot go on.
    private let isLast: [Bool]
    private var tops: [Grammar.Node] = []
    /// The stack below each stack's top; -1 for none.
    private var rests: [Int32] = []
    private var stacks: [UInt64: Int32] = [:]
    /// For each state, the stacks that read the next byte.
    private var members: [[Int32]] = []
    private var memberCount = 0
    private var isComplete: [Bool] = []
    private var states: [[Int32]: State] = [:]
    /// The next state by state and class of bytes.
    private var table: [State] = []
    private(set) var start: State = 0
    private var reach: Reach
    /// How many stacks may still be visited for states that are not known yet. Where it is used up, ``StructureError/paused`` is thrown before the next state;
    /// what was learnt stays, so that the same steps later go on from there.
    var allowance = Int.max

    init(_ grammar: Grammar) throws(StructureError) {
        self.grammar = grammar
        classes = grammar.classes
        classCount = Int(classes[255]) + 1
        reach = Reach(classes)
        isLast = grammar.lastNodes
        start = try state([stack(grammar.start, -1)])
    }

    /// Whether the tables are so large that a new recogniser should begin before they are full.
    var isLarge: Bool { table.count > Self.largest / 2 || tops.count > Self.mostStacks / 2 || memberCount > Self.mostMembers / 2 }

    /// Whether the bytes so far are a whole text of the language.
    func isWhole(_ state: State) -> Bool { isComplete[Int(state)] }

    /// Whether more bytes can follow.
    func goesOn(_ state: State) -> Bool { !members[Int(state)].isEmpty }

    /// The state behind `byte`; ``dead`` where no text of the language goes on so.
    @inline(__always)
    mutating func step(_ state: State, _ byte: UInt8) throws(StructureError) -> State {
        let known = table[Int(state) * classCount + Int(classes[Int(byte)])]
        return known != Self.unknown ? known : try learn(state, byte)
    }

    private mutating func learn(_ state: State, _ byte: UInt8) throws(StructureError) -> State {
        var reached: [Int32] = []
        // The range of bytes that no edge here distinguishes from this one.
        var (low, high): (UInt8, UInt8) = (0, 255)
        for member in members[Int(state)] {
            let rest = rests[Int(member)]
            for case .bytes(let bytes, let to) in grammar.edges[Int(tops[Int(member)])] {
                if byte < bytes.lowerBound {
                    high = min(high, bytes.lowerBound - 1)
                } else if byte > bytes.upperBound {
                    low = max(low, bytes.upperBound + 1)
                } else {
                    (low, high) = (max(low, bytes.lowerBound), min(high, bytes.upperBound))
                    reached.append(stack(to, rest))
                }
            }
        }
        let next = reached.isEmpty ? Self.dead : try self.state(reached)
        for place in classes[Int(low)]...classes[Int(high)] { table[Int(state) * classCount + Int(place)] = next }
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
        guard allowance > 0 else { throw .paused }
        defer { allowance -= seen.count }
        for stack in from { visit(stack) }
        while let stack = open.popLast() {
            guard tops.count < Self.mostStacks else { throw StructureError("", "the form is too complex: too many ways to read an answer") }
            let (top, rest) = (tops[Int(stack)], rests[Int(stack)])
            if grammar.ends[Int(top)] { if rest < 0 { isWhole = true } else { visit(rest) } }
            var reads = false
            for edge in grammar.edges[Int(top)] {
                switch edge {
                case .bytes: reads = true
                case .free(let to): visit(self.stack(to, rest))
                // A rule's last call replaces it on the stack. Otherwise a rule that calls itself at its end would pile up stacks with nothing left to read.
                case .call(let rule, let back): visit(self.stack(rule, isLast[Int(back)] ? rest : self.stack(back, rest)))
                }
            }
            if reads { reading.append(stack) }
        }
        reading.sort()
        // A set of stacks and whether it is whole, as one key.
        let key = reading + [isWhole ? -1 : -2]
        if let known = states[key] { return known }
        memberCount += reading.count
        guard table.count + classCount <= Self.largest, memberCount <= Self.mostMembers else {
            throw StructureError("", "the form is too complex: too many states")
        }
        let number = State(members.count)
        members.append(reading)
        isComplete.append(isWhole)
        states[key] = number
        table += repeatElement(Self.unknown, count: classCount)
        return number
    }

    /// The number of arbitrary characters of a kind that may follow; at most `most`.
    mutating func reach(_ state: State, of kind: CharacterKind, most: Int) throws(StructureError) -> Int {
        if most == 0 { return 0 }
        let key = Reach.Key(kind: kind, state: state)
        if let known = reach.known[key], known.isExact || known.characters >= most { return min(most, known.characters) }
        var reached = most
        for next in try successors(state, of: kind) {
            reached = min(reached, next == Self.dead ? 0 : try reach(next, of: kind, most: reached - 1) + 1)
            if reached == 0 { break }
        }
        reach.known[key] = Reach.Known(characters: reached, isExact: reached < most)
        return reached
    }

    /// The states behind any one character of a kind, each once; ``dead`` alone where some may not follow.
    private mutating func successors(_ state: State, of kind: CharacterKind) throws(StructureError) -> [State] {
        let key = Reach.Key(kind: kind, state: state)
        if let known = reach.successors[key] { return known }
        var found: Set<State> = []
        var seen: Set<Reach.Inner> = []
        var open = [Reach.Inner(place: 0, state: state)]
        search: while let inner = open.popLast() {
            for (byte, to) in reach.bytes[kind, default: []][inner.place] {
                let next = try step(inner.state, byte)
                if next == Self.dead {
                    found = [Self.dead]
                    break search
                }
                let place = Reach.Inner(place: to, state: next)
                if to == 0 { found.insert(next) } else if seen.insert(place).inserted { open.append(place) }
            }
        }
        let list = found.sorted()
        reach.successors[key] = list
        return list
    }
}

/// The known bound on the text of a kind that may follow.
private struct Reach: Sendable {
    struct Key: Hashable {
        let kind: CharacterKind
        let state: Recogniser.State
    }

    struct Known {
        let characters: Int
        /// Whether the bound is exact.
        let isExact: Bool
    }

    /// A state within a character.
    struct Inner: Hashable {
        let place: Int
        let state: Recogniser.State
    }

    var known: [Key: Known] = [:]
    var successors: [Key: [Recogniser.State]] = [:]
    /// By kind and place within a character: one byte of each class that may come, and the place behind.
    let bytes: [CharacterKind: [[(byte: UInt8, to: Int)]]]

    init(_ classes: [UInt8]) {
        var all: [CharacterKind: [[(byte: UInt8, to: Int)]]] = [:]
        for kind in CharacterKind.allCases {
            all[kind] = (0..<CharacterKind.places).map { place in
                kind.ranges.filter { $0.from == place }.flatMap { range in
                    var seen: Set<UInt8> = []
                    return range.bytes.filter { seen.insert(classes[Int($0)]).inserted }.map { ($0, range.to) }
                }
            }
        }
        bytes = all
    }
}

extension Grammar {
    /// For each node, whether only the end of its rule follows.
    fileprivate var lastNodes: [Bool] {
        var known = [Bool?](repeating: nil, count: edges.count)
        for node in edges.indices where known[node] == nil {
            // A way without a choice. A circular one never ends.
            var way: [Int] = []
            var place = node
            var answer: Bool?
            while answer == nil {
                if let found = known[place] {
                    answer = found
                    break
                }
                way.append(place)
                known[place] = false
                if ends[place] {
                    answer = edges[place].isEmpty
                } else if edges[place].count == 1, case .free(let to) = edges[place][0] {
                    place = Int(to)
                } else {
                    answer = false
                }
            }
            for place in way { known[place] = answer }
        }
        return known.map { $0 ?? false }
    }

    /// The class of each byte, in ascending order. No edge distinguishes bytes of one class.
    fileprivate var classes: [UInt8] {
        var begins = [Bool](repeating: false, count: 257)
        for case .bytes(let bytes, _) in edges.joined() {
            begins[Int(bytes.lowerBound)] = true
            begins[Int(bytes.upperBound) + 1] = true
        }
        var number: UInt8 = 0
        return (0..<256).map { byte in
            if byte > 0, begins[byte] { number += 1 }
            return number
        }
    }
}
