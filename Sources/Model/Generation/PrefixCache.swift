import Models

/// Keys and values of earlier prompts, found by the exact tokens before them.
///
/// One tree per weight version. Each node is a block of ``KeyValueBlock/tokens`` slots, or of fewer at the end of a sequence, below the preceding
/// block. A slot of a clip counts as a token that includes the clip's hash. The least recently used leaves are removed first.
struct PrefixCache {
    private final class Node {
        /// The block's tokens.
        let key: [Int64]
        let block: KeyValueBlock?
        /// Sorted by key, so that the keys with the longest common prefix are neighbours. No key is a prefix of another.
        var children: [Node] = []
        var lastUse = 0

        init(key: [Int64] = [], block: KeyValueBlock? = nil) {
            self.key = key
            self.block = block
        }

        /// The index of a child with this key, or where it would be inserted.
        func place(of key: ArraySlice<Int64>) -> Int {
            var (low, high) = (0, children.count)
            while low < high {
                let middle = (low + high) / 2
                if children[middle].key.lexicographicallyPrecedes(key) { low = middle + 1 } else { high = middle }
            }
            return low
        }

        /// The child that begins with this key. If there is none, a new one, which replaces a child with a shorter key.
        func child(_ key: ArraySlice<Int64>, _ block: KeyValueBlock, _ count: inout Int) -> Node {
            let place = place(of: key)
            if place < children.count, children[place].key.starts(with: key) { return children[place] }
            let new = Node(key: Array(key), block: block)
            if place > 0, key.starts(with: children[place - 1].key) {
                children[place - 1] = new
            } else {
                children.insert(new, at: place)
                count += 1
            }
            return new
        }

        /// The child that shares the longest prefix with `keys`, and its length.
        func closest(to keys: ArraySlice<Int64>) -> (child: Node, shared: Int)? {
            let place = place(of: keys)
            return children[max(0, place - 1)..<min(children.count, place + 1)]
                .map { ($0, zip($0.key, keys).prefix { $0 == $1 }.count) }.max { $0.1 < $1.1 }
        }
    }

    private var roots: [String: Node] = [:]
    private var clock = 0
    private(set) var blockCount = 0

    /// The longest cached prefix of `keys` that leaves at least one key to compute: its blocks, the last of which may be used in part, and the
    /// number of slots.
    mutating func longestPrefix(of keys: [Int64], version: String) -> (blocks: [KeyValueBlock], count: Int) {
        guard var node = roots[version] else { return ([], 0) }
        clock += 1
        var blocks: [KeyValueBlock] = []
        var count = 0
        while let (next, shared) = node.closest(to: keys[count..<min(keys.count, count + KeyValueBlock.tokens)]),
            let block = next.block, min(shared, keys.count - 1 - count) > 0
        {
            next.lastUse = clock
            blocks.append(block)
            count += min(shared, keys.count - 1 - count)
            if count % KeyValueBlock.tokens != 0 { break }
            node = next
        }
        return (blocks, count)
    }

    /// Stores `blocks`, which hold `keys` from the first on; the last block may be partly filled.
    mutating func insert(_ blocks: some Sequence<KeyValueBlock>, keys: ArraySlice<Int64>, version: String) {
        clock += 1
        var node = roots[version] ?? Node()
        roots[version] = node
        var rest = keys
        for block in blocks where !rest.isEmpty {
            let key = rest.prefix(KeyValueBlock.tokens)
            rest = rest.dropFirst(key.count)
            node = node.child(key, block, &blockCount)
            node.lastUse = clock
        }
    }

    /// Removes the least recently used blocks until at most `limit` remain.
    mutating func shrink(to limit: Int) {
        while blockCount > limit {
            var leaves: [(leaf: Node, parent: Node)] = []
            func walk(_ node: Node) {
                for child in node.children {
                    if child.children.isEmpty { leaves.append((child, node)) } else { walk(child) }
                }
            }
            for root in roots.values { walk(root) }
            leaves.sort { $0.leaf.lastUse < $1.leaf.lastUse }
            // Removing an eighth at a time keeps traversals of the tree rare.
            let many = min(leaves.count, max(1, blockCount - limit, leaves.count / 8))
            if many == 0 { break }
            for (leaf, parent) in leaves.prefix(many) { parent.children.remove(at: parent.place(of: leaf.key[...])) }
            blockCount -= many
        }
        roots = roots.filter { !$0.value.children.isEmpty }
    }

    mutating func forget(version: String) {
        func count(_ node: Node) -> Int { node.children.reduce(0) { $0 + 1 + count($1) } }
        if let root = roots.removeValue(forKey: version) { blockCount -= count(root) }
    }
}
