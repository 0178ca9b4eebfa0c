import CKernels
import Tensors

/// The formats of keys and values in a cache.
package enum KeyValueFormat: String, Sendable, CaseIterable {
    case float32
    /// 8 bits per element, and a float32 scale for each position and head of keys and of values: slightly more than a quarter of the memory.
    case int8
}

/// Keys and values of ``tokens`` consecutive positions, for every layer of a decoder: [layers] of keys [columns, tokens] and values
/// [tokens, columns]. Attention reads many keys at a time, element by element, so keys are transposed once, when they are written.
/// In 8 bits, the scales of keys [heads, tokens] and of values [heads, tokens] follow in each layer.
///
/// Sequences share blocks. A written position is never written again; a sequence that continues in a shared block copies the block first.
package final class KeyValueBlock: Sendable {
    package static let tokens = 16
    let buffer: Buffer

    init(shape: KeyValueShape) { buffer = Buffer(count: shape.blockFloats) }

    /// A copy of the block's first `count` positions.
    func copy(_ count: Int, shape: KeyValueShape) -> KeyValueBlock {
        let new = KeyValueBlock(shape: shape)
        let (from, to) = unsafe (buffer.elements, new.buffer.elements)
        if shape.format == .int8 {
            // Everything after the first `count` positions is written before it is read.
            unsafe to.update(from: from, count: shape.blockFloats)
            return new
        }
        for layer in 0..<shape.layers {
            let (keys, values) = (shape.keyOffset(layer: layer), shape.valueOffset(layer: layer))
            for column in stride(from: keys, to: values, by: Self.tokens) { unsafe (to + column).update(from: from + column, count: count) }
            unsafe (to + values).update(from: from + values, count: count * shape.columns)
        }
        return new
    }
}

/// The layers, columns (key-value heads · head size) and format of a decoder's keys and values.
package struct KeyValueShape: Sendable, Equatable {
    package let layers: Int
    package let heads: Int
    package let headSize: Int
    package var format: KeyValueFormat

    package init(layers: Int, heads: Int, headSize: Int, format: KeyValueFormat = .float32) {
        self.layers = layers
        self.heads = heads
        self.headSize = headSize
        self.format = format
    }

    var columns: Int { heads * headSize }
    /// The size of one layer's keys in floats; values have the same size.
    private var keyFloats: Int { KeyValueBlock.tokens * columns / (format == .int8 ? 4 : 1) }
    private var scaleFloats: Int { format == .int8 ? 2 * heads * KeyValueBlock.tokens : 0 }
    var layerFloats: Int { 2 * keyFloats + scaleFloats }
    var blockFloats: Int { layers * layerFloats }
    package var blockBytes: Int { blockFloats * 4 }
    func keyOffset(layer: Int) -> Int { layer * layerFloats }
    func valueOffset(layer: Int) -> Int { keyOffset(layer: layer) + keyFloats }
    /// The offset of a layer's scales, if the format has any.
    func scaleOffset(layer: Int) -> Int { valueOffset(layer: layer) + keyFloats }
}

/// One sequence in the cache. Copying the value forks the sequence: full blocks stay shared, and the last block is copied on
/// the first write.
package struct KeyValueCache: Sendable {
    package let shape: KeyValueShape
    package private(set) var blocks: [KeyValueBlock] = []
    /// The number of positions with keys and values.
    package private(set) var count = 0

    package init(shape: KeyValueShape) { self.shape = shape }

    /// A sequence that starts with the first `count` positions of shared blocks. The last block is copied on the first write if it is
    /// not used completely.
    package init(shape: KeyValueShape, sharing blocks: [KeyValueBlock], count: Int) {
        precondition((count + KeyValueBlock.tokens - 1) / KeyValueBlock.tokens == blocks.count, "\(count) positions of \(blocks.count) blocks")
        self.shape = shape
        self.blocks = blocks
        self.count = count
    }

    /// Makes room for `more` positions after the last and counts them. The following forward pass writes them.
    package mutating func extend(by more: Int) {
        let begun = count % KeyValueBlock.tokens
        if begun != 0, !isKnownUniquelyReferenced(&blocks[blocks.count - 1]) {
            blocks[blocks.count - 1] = blocks[blocks.count - 1].copy(begun, shape: shape)
        }
        count += more
        while blocks.count * KeyValueBlock.tokens < count { blocks.append(KeyValueBlock(shape: shape)) }
    }

    /// Removes the positions from `length` on.
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
            switch shape.format {
            case .float32:
                unsafe ck_transpose(base + shape.keyOffset(layer: layer) + within, KeyValueBlock.tokens, k.row(row), many, shape.columns)
                unsafe (base + shape.valueOffset(layer: layer) + within * shape.columns).update(from: v.row(row), count: many * shape.columns)
            case .int8:
                let keys = unsafe UnsafeMutableRawPointer(base + shape.keyOffset(layer: layer)).assumingMemoryBound(to: Int8.self)
                let values = unsafe UnsafeMutableRawPointer(base + shape.valueOffset(layer: layer)).assumingMemoryBound(to: Int8.self)
                unsafe ck_store_narrow(
                    keys + within, values + within * shape.columns, base + shape.scaleOffset(layer: layer) + within, KeyValueBlock.tokens,
                    k.row(row), v.row(row), many, shape.heads, shape.headSize)
            }
            row += many
            position += many
        }
    }
}
