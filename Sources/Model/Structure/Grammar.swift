/// A context-free language over bytes: a graph whose edges read bytes, or call a rule and continue after it.
///
/// Fragments are made by Thompson's construction: each is built from a start node and returns its end node.
struct Grammar: Sendable {
    typealias Node = Int32

    enum Edge: Sendable {
        case bytes(ClosedRange<UInt8>, to: Node)
        case free(to: Node)
        /// Reads the rule that begins at `rule`, then continues at `back`.
        case call(rule: Node, back: Node)
    }

    private(set) var edges: [[Edge]] = [[]]
    /// Nodes at which a rule ends.
    private(set) var ends: [Bool] = [false]
    let start: Node = 0

    /// The most nodes: more take too much memory and time for one request.
    static let largest = 200_000
    private static let tooLarge = StructureError("", "it is too large: more than \(largest) steps")

    mutating func node() throws(StructureError) -> Node {
        guard edges.count < Self.largest else { throw Self.tooLarge }
        edges.append([])
        ends.append(false)
        return Node(edges.count - 1)
    }

    mutating func keep(_ isKept: (Edge) -> Bool) { for node in edges.indices { edges[node].removeAll { !isKept($0) } } }

    mutating func end(_ node: Node) { ends[Int(node)] = true }

    mutating func free(_ from: Node, to: Node) { edges[Int(from)].append(.free(to: to)) }

    mutating func read(_ bytes: ClosedRange<UInt8>, from: Node, to: Node) { edges[Int(from)].append(.bytes(bytes, to: to)) }

    mutating func call(_ rule: Node, from: Node) throws(StructureError) -> Node {
        let back = try node()
        edges[Int(from)].append(.call(rule: rule, back: back))
        return back
    }

    mutating func literal(_ bytes: some Sequence<UInt8>, from: Node) throws(StructureError) -> Node {
        var place = from
        for byte in bytes {
            let next = try node()
            read(byte...byte, from: place, to: next)
            place = next
        }
        return place
    }

    mutating func literal(_ text: String, from: Node) throws(StructureError) -> Node { try literal(text.utf8, from: from) }

    /// One of several fragments.
    mutating func choice<Option>(
        _ options: some Sequence<Option>, from: Node, _ make: (inout Grammar, Option, Node) throws(StructureError) -> Node
    ) throws(StructureError) -> Node {
        let out = try node()
        for option in options {
            let begin = try node()
            free(from, to: begin)
            free(try make(&self, option, begin), to: out)
        }
        return out
    }

    /// `least` to `most` repetitions of a fragment; any number if `most` is nil.
    mutating func repeated(
        _ least: Int, _ most: Int?, from: Node, _ make: (inout Grammar, Node) throws(StructureError) -> Node
    ) throws(StructureError) -> Node {
        var place = from
        for _ in 0..<least { place = try make(&self, place) }
        let out = try node()
        if let most {
            for _ in least..<max(least, most) {
                free(place, to: out)
                place = try make(&self, place)
            }
        } else {
            let loop = try node()
            free(place, to: loop)
            free(try make(&self, loop), to: loop)
            place = loop
        }
        free(place, to: out)
        return out
    }

    /// Another language, as a rule that is called once.
    mutating func append(_ other: Grammar, from: Node) throws(StructureError) -> Node {
        guard edges.count + other.edges.count < Self.largest else { throw Self.tooLarge }
        let shift = Node(edges.count)
        edges += other.edges.map { edges in
            edges.map { edge in
                switch edge {
                case .bytes(let bytes, let to): .bytes(bytes, to: to + shift)
                case .free(let to): .free(to: to + shift)
                case .call(let rule, let back): .call(rule: rule + shift, back: back + shift)
                }
            }
        }
        ends += other.ends
        return try call(other.start + shift, from: from)
    }

    /// The first of the rules that calls itself before it reads a byte, which would never end. Every rule reads at least one byte.
    func leftRecursive(_ rules: some Sequence<Node>) -> Node? {
        for rule in rules {
            var seen: Set<Node> = []
            var open = [rule]
            while let place = open.popLast() {
                for edge in edges[Int(place)] {
                    switch edge {
                    case .bytes: continue
                    case .free(let to): if seen.insert(to).inserted { open.append(to) }
                    case .call(let called, _):
                        if called == rule { return rule }
                        if seen.insert(called).inserted { open.append(called) }
                    }
                }
            }
        }
        return nil
    }
}

/// A demand on an answer's form that cannot be met.
package struct StructureError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The place in the schema, as a JSON pointer; empty for the whole.
    package let path: String
    package let reason: String
    /// The function whose arguments the schema describes, if there are several.
    package let function: String?

    init(_ path: String, _ reason: String, function: String? = nil) {
        self.path = path
        self.reason = reason
        self.function = function
    }

    /// Not an error of the form: its masks need more work than was allowed at once.
    static let paused = StructureError("", "there is more to learn of the form")

    package var description: String { path.isEmpty ? reason : "\(path): \(reason)" }
}
