/// The nodes that lead to the end of their rule, and the grammar without the others.
///
///     ends(n)  ⇐  a rule ends at n
///              ⇐  an edge of n that reads, or is free, leads to a node that ends
///              ⇐  n calls a rule whose beginning ends, and goes on at a node that ends
extension Grammar {
    /// For each node, whether some text leads from it to the end of its rule.
    var endings: [Bool] {
        // For each node, the nodes that end if it does, with the other node that they need.
        var callers: [[(node: Node, other: Node?)]] = Array(repeating: [], count: edges.count)
        for (node, edges) in edges.enumerated() {
            for edge in edges {
                switch edge {
                case .bytes(_, let to), .free(let to): callers[Int(to)].append((Node(node), nil))
                case .call(let rule, let back):
                    callers[Int(rule)].append((Node(node), back))
                    callers[Int(back)].append((Node(node), rule))
                }
            }
        }
        var known = ends
        var open = ends.indices.filter { ends[$0] }
        while let node = open.popLast() {
            for (caller, other) in callers[node] where !known[Int(caller)] && other.map({ known[Int($0)] }) ?? true {
                known[Int(caller)] = true
                open.append(Int(caller))
            }
        }
        return known
    }

    /// Removes every edge after which no text ends, so that no answer comes to a place where it cannot end.
    ///
    /// - Returns: Whether the language still has a text.
    mutating func keepEndings() -> Bool {
        let endings = endings
        guard endings[Int(start)] else { return false }
        if endings.allSatisfy(\.self) { return true }
        keep { edge in
            switch edge {
            case .bytes(_, let to), .free(let to): endings[Int(to)]
            case .call(let rule, let back): endings[Int(rule)] && endings[Int(back)]
            }
        }
        return true
    }

    /// Whether some text leads from one node to another of the same rule.
    func leads(from: Node, to: Node, _ endings: [Bool]) -> Bool {
        var seen: Set<Node> = [from]
        var open = [from]
        while let place = open.popLast() {
            if place == to { return true }
            for edge in edges[Int(place)] {
                switch edge {
                case .bytes(_, let next), .free(let next): if seen.insert(next).inserted { open.append(next) }
                case .call(let rule, let back): if endings[Int(rule)], seen.insert(back).inserted { open.append(back) }
                }
            }
        }
        return false
    }
}
