import Foundation
import Generation
import Jobs
import Models
import Tensors
import Training
import Weights

/// A weight version as a folder of the content store, and back.
///
///     adapter   adapter_config.json, adapter_model.safetensors    a PEFT directory
///     full      model.safetensors                                 the trained tensors, as published checkpoints have them
enum VersionFiles {
    enum Kind: String { case adapter, full }

    /// Whether every weight is a number that can be reckoned with: a version of others would answer nothing, to anybody.
    static func isSound(_ version: WeightVersion) -> Bool { version.fault == nil }

    static func kind(_ version: WeightVersion) -> Kind { version.adapters.isEmpty ? .full : .adapter }

    static func store(_ version: WeightVersion, of model: LoadedModel, in contents: ContentStore) throws -> ContentStore.Stored {
        try contents.storeFolder { folder in
            switch kind(version) {
            case .adapter:
                // The writer makes its directory itself; the store takes plain files.
                let made = folder.appending(path: "adapter")
                try TensorExport.writeAdapter(version, of: model.model, baseModel: model.name, to: made)
                for name in try FileManager.default.contentsOfDirectory(atPath: made.path) {
                    try FileManager.default.moveItem(at: made.appending(path: name), to: folder.appending(path: name))
                }
                try FileManager.default.removeItem(at: made)
            case .full:
                let items = version.replacements.sorted { $0.key < $1.key }.map { index, tensor in
                    let (shape, values) = TensorExport.published(model.model.parameters[index], tensor)
                    return SafetensorsWriter.Item.float32(model.model.parameters[index].name, values, shape: shape)
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
            let shape = TensorExport.publishedShape(parameter)
            guard stored.shape == shape else { throw WeightError.wrongShape(name: name, stored: name, expected: shape, found: stored.shape) }
            try stored.requireFinite()
            let tensor = try stored.tensor(rows: parameter.stored.rows, columns: parameter.stored.columns)
            replacements[parameter.index] = shape.count == 3 ? turned(tensor, width: shape[2]) : tensor
        }
        return WeightVersion(id: id, replacements: replacements)
    }

    /// [out, in, width] as published → [out, width · in] as models keep a convolution.
    private static func turned(_ tensor: Tensor, width: Int) -> Tensor {
        let result = Tensor(uninitialized: tensor.rows, tensor.columns)
        let channels = tensor.columns / width
        for row in 0..<tensor.rows {
            let from = unsafe tensor.row(row)
            let to = unsafe result.row(row)
            for channel in 0..<channels {
                for tap in 0..<width { unsafe to[tap * channels + channel] = unsafe from[channel * width + tap] }
            }
        }
        return result
    }
}
