package import Foundation
package import Models
import Tensors
import Weights

extension LoadedModel {
    /// A PEFT LoRA directory as a weight version over this model.
    ///
    ///     W' = W + scaling · B A        each module of the adapter → the parameter `<module>.weight`
    ///     modules_to_save               → the tensor itself, in place of the parameter
    ///
    /// - Throws: An error that names the file, field or tensor that does not fit this model.
    package func version(fromPEFT directory: URL, id: String) throws -> WeightVersion {
        let adapter = try PEFTAdapter(directory: directory)
        let parameters = Dictionary(uniqueKeysWithValues: model.parameters.map { ($0.name, $0) })
        var modules: [String: (outputs: Int, inputs: Int)] = [:]
        for parameter in model.parameters where parameter.isLinear {
            modules[String(parameter.name.dropLast(".weight".count))] = (parameter.stored.rows, parameter.stored.columns)
        }
        for name in adapter.updates.keys.sorted() where modules[name] == nil && parameters[name + ".weight"] != nil {
            throw ModelError("the adapter changes \(name), which is a convolution, table or norm; only linear modules take LoRA")
        }
        try adapter.verify(against: modules)
        var adapters: [Int: LowRank] = [:]
        for (name, update) in adapter.updates {
            guard let parameter = parameters[name + ".weight"] else { continue }
            adapters[parameter.index] = LowRank(
                a: try update.a.tensor(rows: update.rank, columns: parameter.stored.columns),
                b: try update.b.tensor(rows: parameter.stored.rows, columns: update.rank), scale: Float(update.scaling))
        }
        var replacements: [Int: Tensor] = [:]
        for (name, tensor) in adapter.saved {
            guard let parameter = parameters[name] else {
                throw ModelError("the adapter stores \(name), which the model has not")
            }
            if parameter.isConvolution { throw ModelError("the adapter stores \(name), a convolution, which cannot be replaced") }
            guard tensor.shape == parameter.shape else {
                throw ModelError("\(name): the model's tensor is \(parameter.shape), the adapter's \(tensor.shape)")
            }
            replacements[parameter.index] = try tensor.tensor(rows: parameter.stored.rows, columns: parameter.stored.columns)
        }
        return WeightVersion(id: id, adapters: adapters, replacements: replacements)
    }
}

extension Parameter {
    /// Convolutions are kept as matrices too, turned about.
    fileprivate var isConvolution: Bool { name.contains(".conv") && vector == nil }

    fileprivate var isLinear: Bool {
        vector == nil && !isConvolution && name.hasSuffix(".weight") && !name.contains("embed_")
    }
}
