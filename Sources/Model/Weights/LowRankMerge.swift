import Tensors

extension [String: StoredTensor] {
    /// Adds the low-rank factors of a module's layers, in the form of a model wrapped by peft, to the layers' matrices, which become
    /// float32:
    ///
    ///     MODULE.base_model.model. … q_proj.lora_A.default.weight, lora_B …   W' = W + alpha / rank · B A
    ///
    /// - Throws: ``PEFTError`` if the shapes of two factors do not match, or factors belong to no layer.
    mutating func mergeAdapter(of module: String, alpha: Double) throws {
        let prefix = module + ".base_model.model."
        var factors: [String: (a: StoredTensor?, b: StoredTensor?)] = [:]
        for (key, tensor) in filter({ $0.key.hasPrefix(prefix) }) {
            self[key] = nil
            let name = try PEFTTensorName(String(key.dropFirst(module.count + 1)))
            let path = module + "." + name.name
            switch name.role {
            case .a: factors[path, default: (nil, nil)].a = tensor
            case .b: factors[path, default: (nil, nil)].b = tensor
            case .plain, .base, .saved: self[path] = tensor
            }
        }
        for (layer, factor) in factors {
            guard let a = factor.a, let b = factor.b else {
                throw PEFTError.missingFactor(module: layer, factor: factor.a == nil ? "lora_A" : "lora_B")
            }
            guard a.shape.count == 2, b.shape.count == 2, a.shape[0] == b.shape[1] else {
                throw PEFTError.wrongRank(module: layer, expected: b.shape.last ?? 0, a: a.shape, b: b.shape)
            }
            guard let base = self[layer + ".weight"], base.shape == [b.shape[0], a.shape[1]] else {
                throw PEFTError.unexpectedTensor(a.name, reason: "there is no matrix \(layer).weight of \([b.shape[0], a.shape[1]]) to add it to")
            }
            let (rank, rows, columns) = (a.shape[0], b.shape[0], a.shape[1])
            let product = linear(try b.tensor(rows: rows, columns: rank), try a.tensor(rows: rank, columns: columns).transposed())
            let sum = add(try base.tensor(rows: rows, columns: columns), product, scale: Float(alpha / Double(rank)))
            self[layer + ".weight"] = StoredTensor(name: base.name, sum)
        }
    }
}

extension Tensor {
    fileprivate func transposed() -> Tensor {
        let result = Tensor(uninitialized: columns, rows)
        for row in 0..<rows { for column in 0..<columns { unsafe result.pointer[column * rows + row] = pointer[row * columns + column] } }
        return result
    }
}
