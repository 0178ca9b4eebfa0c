import Files
package import Foundation
package import Models
import Tensors
import Weights

extension LoadedModel {
    /// Loads a PEFT LoRA directory as a weight version over this model.
    ///
    ///     W' = W + scaling · B A        each module of the adapter → the parameter `<module>.weight`
    ///     modules_to_save               → the tensor itself, in place of the parameter
    ///
    /// - Throws: An error that names the file, field or tensor that does not fit this model.
    package func version(fromPEFT directory: URL, id: String) throws -> WeightVersion {
        if let error = FileError(folder: directory) { throw ModelError("\(directory.path) is no adapter: \(error.reason)") }
        let adapter = try PEFTAdapter(directory: directory, names: model.names)
        let parameters = Dictionary(uniqueKeysWithValues: model.parameters.map { ($0.name, $0) })
        var modules: [String: (outputs: Int, inputs: Int)] = [:]
        for parameter in model.parameters where parameter.kind == .linear {
            modules[parameter.moduleName] = (parameter.stored.rows, parameter.stored.columns)
        }
        for name in adapter.updates.keys.sorted() where modules[name] == nil && parameters[name + ".weight"] != nil {
            throw ModelError("the adapter changes \(name), which is a convolution, table or norm; only linear modules take LoRA")
        }
        try adapter.verify(against: modules)
        try check(adapter.copies)
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
            if case .convolution = parameter.kind { throw ModelError("the adapter stores \(name), a convolution, which cannot be replaced") }
            guard tensor.shape == parameter.shape else {
                throw ModelError("\(name): the model's tensor is \(parameter.shape), the adapter's \(tensor.shape)")
            }
            replacements[parameter.index] = try tensor.tensor(rows: parameter.stored.rows, columns: parameter.stored.columns)
        }
        let version = WeightVersion(id: id, adapters: adapters, replacements: replacements, settings: adapter.settings)
        if let fault = version.fault { throw ModelError("the adapter's change of \(model.parameters[fault.parameter].name): \(fault.reason)") }
        return version
    }

    /// Checks tensors that an adapter copied from its base against the base's own.
    private func check(_ copies: [String: StoredTensor]) throws {
        for (name, copy) in copies.sorted(by: { $0.key < $1.key }) {
            // A tied head need not be stored.
            let tied = name == model.decoder.headName ? stored[model.decoder.embedding.table.name] : nil
            guard let tensor = stored[name] ?? tied else {
                throw ModelError("adapter tensor \(copy.name): neither a factor nor in modules_to_save, and the model has no tensor \(name)")
            }
            guard try copy.isCopy(of: tensor) else {
                let module = copy.name.split(separator: ".").dropFirst(2).dropLast().filter { $0 != "base_layer" }.joined(separator: ".")
                throw ModelError(
                    "adapter tensor \(copy.name) \(copy.shape): expected the values of the model's \(name) \(tensor.shape), found others. If it was trained, add \"\(module)\" to modules_to_save in adapter_config.json; if the adapter was made for another base, use that one, or merge it with peft's merge_and_unload() and serve the whole model"
                )
            }
        }
    }
}
