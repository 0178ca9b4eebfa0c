import Foundation
import Generation
import Jobs
import Models
import Tensors
import Training
import Weights

/// Stores a weight version as a folder of the content store, and reads it back.
///
///     adapter   adapter_config.json, adapter_model.safetensors    a PEFT directory
///     full      model.safetensors                                 the trained tensors, with their published names
enum VersionFiles {
    enum Kind: String { case adapter, full }

    /// Whether all weights are finite and usable. A version with others could not answer anything.
    static func isSound(_ version: WeightVersion) -> Bool { version.fault == nil }

    static func kind(_ version: WeightVersion) -> Kind { version.adapters.isEmpty ? .full : .adapter }

    static func store(_ version: WeightVersion, of model: LoadedModel, in contents: ContentStore) throws -> ContentStore.Stored {
        try contents.storeFolder { folder in
            switch kind(version) {
            case .adapter:
                // The writer creates its own directory; the store takes plain files.
                let made = folder.appending(path: "adapter")
                try TensorExport.writeAdapter(version, of: model.model, baseModel: model.name, to: made)
                for name in try FileManager.default.contentsOfDirectory(atPath: made.path) {
                    try FileManager.default.moveItem(at: made.appending(path: name), to: folder.appending(path: name))
                }
                try FileManager.default.removeItem(at: made)
            case .full:
                let items = version.replacements.sorted { $0.key < $1.key }.map { index, tensor in
                    let parameter = model.model.parameters[index]
                    return SafetensorsWriter.Item.float32(parameter.name, parameter.published(tensor), shape: parameter.shape)
                }
                try SafetensorsWriter.write(items, metadata: ["format": "pt"], to: folder.appending(path: "model.safetensors"))
            }
        }
    }

    static func load(_ folder: URL, kind: String, id: String, model: LoadedModel) throws -> WeightVersion {
        guard kind == Kind.full.rawValue else { return try model.version(fromPEFT: folder, id: id) }
        let parameters = Dictionary(uniqueKeysWithValues: model.model.parameters.map { ($0.name, $0) })
        let file = try Safetensors(folder.appending(path: "model.safetensors"))
        var replacements: [Int: Tensor] = [:]
        for (name, stored) in file.tensors {
            guard let parameter = parameters[name] else {
                throw TrainingError.options("the version \(id) has the tensor \(name), which the model \(model.name) has not")
            }
            guard stored.shape == parameter.shape else {
                throw WeightError.wrongShape(name: name, stored: name, expected: parameter.shape, found: stored.shape)
            }
            try stored.requireFinite()
            let tensor = try stored.tensor(rows: parameter.stored.rows, columns: parameter.stored.columns)
            replacements[parameter.index] = parameter.kept(tensor)
        }
        return WeightVersion(id: id, replacements: replacements)
    }
}
