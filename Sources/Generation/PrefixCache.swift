import Models

/// Keys and values of prompts seen before, in full blocks, found by the exact tokens that lead to them.
///
/// A tree per weight version: each node is one block of ``KeyValueBlock/tokens`` slots and the block after it. A slot of a clip counts
/// as its own token, told apart by the clip's hash. The least recently used leaves go first.
struct PrefixCache {
    private final class Node {
        var children: [[Int64]: Node] = [:]
        let block: KeyValueBlock?
        var lastUse = 0

        init(block: KeyValueBlock?) { self.block = block }
    }

    private var roots: [String: Node] = [:]
    private var clock = 0
    private(set) var blockCount = 0

    /// The blocks that hold the longest known beginning of `keys`, leaving at least one key to compute.
    mutating func longestPrefix(of keys: [Int64], version: String) -> [KeyValueBlock] {
        guard var node = roots[version] else { return [] }
        clock += 1
        var found: [KeyValueBlock] = []
        let size = KeyValueBlock.tokens
        while (found.count + 1) * size < keys.count,
            let next = node.children[Array(keys[found.count * size..<(found.count + 1) * size])], let block = next.block
        {
            next.lastUse = clock
            found.append(block)
            node = next
        }
        return found
    }

    /// Remembers `blocks`, the full blocks of a sequence that begins with `keys`.
    mutating func insert(_ blocks: ArraySlice<KeyValueBlock>, keys: [Int64], version: String) {
        clock += 1
        var node = roots[version] ?? Node(block: nil)
        roots[version] = node
        let size = KeyValueBlock.tokens
        for (index, block) in blocks.enumerated() where (index + 1) * size <= keys.count {
            let key = Array(keys[index * size..<(index + 1) * size])
            let next = node.children[key] ?? Node(block: block)
            if node.children[key] == nil {
                node.children[key] = next
                blockCount += 1
            }
            next.lastUse = clock
            node = next
        }
    }

    /// Forgets least recently used blocks until at most `limit` are kept.
    mutating func shrink(to limit: Int) {
        while blockCount > limit {
            var leaves: [(use: Int, parent: Node, key: [Int64])] = []
            func walk(_ node: Node) {
                for (key, child) in node.children {
                    if child.children.isEmpty { leaves.append((child.lastUse, node, key)) } else { walk(child) }
                }
            }
            for root in roots.values { walk(root) }
            leaves.sort { $0.use < $1.use }
            // Removing an eighth at a time keeps the walks over the tree rare.
            let many = min(leaves.count, max(1, blockCount - limit, leaves.count / 8))
            if many == 0 { break }
            for leaf in leaves.prefix(many) { leaf.parent.children[leaf.key] = nil }
            blockCount -= many
        }
        roots = roots.filter { !$0.value.children.isEmpty }
    }

    mutating func forget(version: String) {
        func count(_ node: Node) -> Int { node.children.values.reduce(0) { $0 + 1 + count($1) } }
        if let root = roots.removeValue(forKey: version) { blockCount -= count(root) }
    }
}
