import Synchronization
package import Tensors

/// A place in the tree of a checkpoint's tensor names, from which a layer reads what is its own:
///
///     let attention = weights["model.layers"][0]["self_attn"]
///     let query = try attention["q_proj"].matrix("weight", rows: 128, columns: 128)
///     try weights.finish()
///
/// Every read is noted, so that ``finish(allowing:)`` can name what a model left unread: a checkpoint with biases that a
/// model does not know must not load as if they were not there.
package struct WeightCursor: Sendable {
    private final class Ledger: Sendable {
        let tensors: [String: StoredTensor]
        let read = Mutex(Set<String>())
        init(_ tensors: [String: StoredTensor]) { self.tensors = tensors }
    }

    private let ledger: Ledger
    package let path: String

    /// The root over tensors by the names that the model uses.
    package init(_ tensors: [String: StoredTensor]) {
        ledger = Ledger(tensors)
        path = ""
    }

    private init(_ ledger: Ledger, _ path: String) {
        self.ledger = ledger
        self.path = path
    }

    /// The module `name` below this one; dots may lead further down.
    package subscript(name: String) -> WeightCursor { WeightCursor(ledger, full(name)) }

    /// The module of a numbered list.
    package subscript(index: Int) -> WeightCursor { self[String(index)] }

    private func full(_ name: String) -> String { path.isEmpty ? name : path + "." + name }

    /// Whether there is a tensor or a module `name` here.
    package func has(_ name: String) -> Bool {
        let name = full(name)
        return ledger.tensors[name] != nil || ledger.tensors.keys.contains { $0.hasPrefix(name + ".") }
    }

    /// Names of the tensors below the module `name`, relative to it and sorted; of all below this one without a name.
    package func keys(under name: String = "") -> [String] {
        let module = name.isEmpty ? path : full(name)
        let prefix = module.isEmpty ? "" : module + "."
        return ledger.tensors.keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }.sorted()
    }

    /// The tensor `name`, which must have this shape and finite elements, marked as read.
    package func tensor(_ name: String, shape: [Int]) throws(WeightError) -> StoredTensor {
        guard let tensor = try optional(name, shape: shape) else {
            throw .missing(name: full(name), siblings: Array(keys().prefix(8)))
        }
        return tensor
    }

    /// The same where the checkpoint may do without; nil if it does.
    package func optional(_ name: String, shape: [Int]) throws(WeightError) -> StoredTensor? {
        guard let tensor = ledger.tensors[full(name)] else { return nil }
        guard tensor.shape == shape else {
            throw .wrongShape(name: full(name), stored: tensor.name, expected: shape, found: tensor.shape)
        }
        try tensor.requireFinite()
        ledger.read.withLock { _ = $0.insert(full(name)) }
        return tensor
    }

    /// The matrix `name` [rows, columns], in place.
    package func matrix(_ name: String, rows: Int, columns: Int) throws(WeightError) -> StoredMatrix {
        try tensor(name, shape: [rows, columns]).matrix(rows: rows, columns: columns)
    }

    /// The vector `name` [count] as a float32 row [1, count].
    package func vector(_ name: String, count: Int) throws(WeightError) -> Tensor {
        try tensor(name, shape: [count]).tensor(rows: 1, columns: count)
    }

    /// The names of unread tensors, sorted.
    package var unread: [String] {
        let read = ledger.read.withLock { $0 }
        return ledger.tensors.keys.filter { !read.contains($0) }.sorted()
    }

    /// Throws, naming them, where tensors of the whole checkpoint were not read. `buffers` are names, whole or from a dot
    /// on, of tensors that carry nothing, such as `rotary_emb.inv_freq`; `modules` are paths below which tensors may stay unread.
    ///
    /// - Returns: The unread tensors below `modules`, sorted.
    @discardableResult
    package func finish(allowing buffers: [String] = [], modules: [String] = []) throws(WeightError) -> [String] {
        let left = unread.filter { name in !buffers.contains { name == $0 || name.hasSuffix("." + $0) } }
        let (allowed, others) = (left.filter { name in modules.contains { name.hasPrefix($0 + ".") } }, Set(left))
        guard allowed.count == left.count else { throw .unread(others.subtracting(allowed).sorted()) }
        return allowed
    }
}

/// Why tensors do not fit the model that reads them.
package enum WeightError: Error, Equatable, CustomStringConvertible {
    case missing(name: String, siblings: [String])
    case wrongShape(name: String, stored: String, expected: [Int], found: [Int])
    case wrongDType(name: String, expected: String, found: DType)
    case notFinite(name: String, value: String, index: Int, shape: [Int])
    case unread([String])

    package var description: String {
        switch self {
        case .missing(let name, let siblings):
            "the checkpoint has no tensor \(name); beside it there is "
                + (siblings.isEmpty ? "nothing" : siblings.joined(separator: ", "))
        case .wrongShape(let name, let stored, let expected, let found):
            "tensor \(name)\(name == stored ? "" : " (stored as \(stored))"): the configuration asks for \(expected), the file has \(found)"
        case .wrongDType(let name, let expected, let found):
            "tensor \(name): expected elements of \(expected), found \(found.name)"
        case .notFinite(let name, let value, let index, let shape):
            "tensor \(name) \(shape): expected finite numbers, found \(value) as element \(index)"
        case .unread(let names):
            "the model has no place for \(names.count) tensors of the checkpoint: "
                + names.prefix(12).joined(separator: ", ") + (names.count > 12 ? ", …" : "")
        }
    }
}
