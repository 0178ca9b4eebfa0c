import CKernels
import Tensors

/// Keys and values of ``tokens`` consecutive positions, for every layer of a decoder: [layers] of keys [columns, tokens] and values
/// [tokens, columns]. Queries meet keys element by element, many keys at a time, so keys are turned once, when they are written.
///
/// Sequences share blocks: what one of them holds is never written again, and who wants to go on in a shared block copies it.
package final class KeyValueBlock: Sendable {
    package static let tokens = 16
    let buffer: Buffer

    init(shape: KeyValueShape) { buffer = Buffer(count: shape.blockFloats) }

    /// A block of its own with the first `count` positions of this one.
    func copy(_ count: Int, shape: KeyValueShape) -> KeyValueBlock {
        let new = KeyValueBlock(shape: shape)
        let (from, to) = unsafe (buffer.elements, new.buffer.elements)
        for layer in 0..<shape.layers {
            let (keys, values) = (shape.keyOffset(layer: layer), shape.valueOffset(layer: layer))
            for column in stride(from: keys, to: values, by: Self.tokens) { unsafe (to + column).update(from: from + column, count: count) }
            unsafe (to + values).update(from: from + values, count: count * shape.columns)
        }
        return new
    }
}

/// Layers and columns (key-value heads · head size) of a decoder's keys and values.
package struct KeyValueShape: Sendable, Equatable {
    package let layers: Int
    package let columns: Int

    package init(layers: Int, columns: Int) {
        self.layers = layers
        self.columns = columns
    }

    var blockFloats: Int { layers * 2 * KeyValueBlock.tokens * columns }
    package var blockBytes: Int { blockFloats * 4 }
    func keyOffset(layer: Int) -> Int { layer * 2 * KeyValueBlock.tokens * columns }
    func valueOffset(layer: Int) -> Int { keyOffset(layer: layer) + KeyValueBlock.tokens * columns }
}

/// What one sequence has in the cache. Copying the value forks the sequence: full blocks stay shared, the last one is copied on
/// the first write.
package struct KeyValueCache: Sendable {
    package let shape: KeyValueShape
    package private(set) var blocks: [KeyValueBlock] = []
    /// Positions that hold keys and values.
    package private(set) var count = 0

    package init(shape: KeyValueShape) { self.shape = shape }

    /// A sequence that starts with the first `count` positions of shared blocks; the last one is copied on the first write if it is
    /// not wanted whole.
    package init(shape: KeyValueShape, sharing blocks: [KeyValueBlock], count: Int) {
        precondition((count + KeyValueBlock.tokens - 1) / KeyValueBlock.tokens == blocks.count, "\(count) positions of \(blocks.count) blocks")
        self.shape = shape
        self.blocks = blocks
        self.count = count
    }

    /// Makes room for `more` positions after the last and counts them as held; the forward pass that follows writes them.
    package mutating func extend(by more: Int) {
        let begun = count % KeyValueBlock.tokens
        if begun != 0, !isKnownUniquelyReferenced(&blocks[blocks.count - 1]) {
            blocks[blocks.count - 1] = blocks[blocks.count - 1].copy(begun, shape: shape)
        }
        count += more
        while blocks.count * KeyValueBlock.tokens < count { blocks.append(KeyValueBlock(shape: shape)) }
    }

    /// Forgets positions from `length` on.
    package mutating func truncate(to length: Int) {
        precondition(length <= count, "truncating a cache of \(count) to \(length)")
        count = length
        blocks.removeLast(blocks.count - (length + KeyValueBlock.tokens - 1) / KeyValueBlock.tokens)
    }

    /// Writes rows of k and v as the positions from `start` on.
    func write(_ k: Tensor, _ v: Tensor, rows: Range<Int>, at start: Int, layer: Int) {
        var row = rows.lowerBound
        var position = start
        while row < rows.upperBound {
            let within = position % KeyValueBlock.tokens
            let many = min(KeyValueBlock.tokens - within, rows.upperBound - row)
            let base = unsafe blocks[position / KeyValueBlock.tokens].buffer.elements
            unsafe ck_transpose(base + shape.keyOffset(layer: layer) + within, KeyValueBlock.tokens, k.row(row), many, shape.columns)
            unsafe (base + shape.valueOffset(layer: layer) + within * shape.columns).update(from: v.row(row), count: many * shape.columns)
            row += many
            position += many
        }
    }
}
