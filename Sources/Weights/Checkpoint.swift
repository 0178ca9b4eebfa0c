package import Foundation

/// A model directory in the Hugging Face layout: `config.json`, perhaps `generation_config.json`, and the tensors of
/// `model.safetensors` or of the shards that `model.safetensors.index.json` lists.
package struct Checkpoint: Sendable {
    package let directory: URL
    package let config: JSONValue
    /// An empty object where the directory has none.
    package let generationConfig: JSONValue
    /// Every tensor by its stored name.
    package let tensors: [String: StoredTensor]

    package init(directory: URL) throws {
        self.directory = directory
        guard let config = try Self.json("config.json", in: directory) else {
            throw CheckpointError.missingFile(directory: directory.path, file: "config.json")
        }
        self.config = config
        generationConfig = try Self.json("generation_config.json", in: directory) ?? .object([:])
        if Self.exists("model.safetensors", in: directory) {
            tensors = try Safetensors(directory.appending(path: "model.safetensors")).tensors
        } else if let index = try Self.json("model.safetensors.index.json", in: directory) {
            tensors = try Self.sharded(index, in: directory)
        } else {
            throw CheckpointError.missingFile(directory: directory.path, file: "model.safetensors")
        }
    }

    /// A cursor over all tensors under the names that `rename` gives them, with nothing read yet.
    package func weights(renaming rename: (String) -> String = { $0 }) throws -> WeightCursor {
        var renamed: [String: StoredTensor] = [:]
        for (name, tensor) in tensors {
            if let other = renamed.updateValue(tensor, forKey: rename(name)) {
                throw CheckpointError.ambiguousName(
                    rename(name), first: min(name, other.name), second: max(name, other.name))
            }
        }
        return WeightCursor(renamed)
    }

    /// Another JSON file of the directory, such as `preprocessor_config.json`; nil where there is none.
    package func json(_ file: String) throws -> JSONValue? { try Self.json(file, in: directory) }

    private static func exists(_ file: String, in directory: URL) -> Bool {
        FileManager.default.fileExists(atPath: directory.appending(path: file).path)
    }

    static func json(_ file: String, in directory: URL) throws -> JSONValue? {
        guard exists(file, in: directory) else { return nil }
        do {
            return try JSONValue(parsing: try Data(contentsOf: directory.appending(path: file)))
        } catch {
            throw CheckpointError.unreadable(directory: directory.path, file: file, reason: "\(error)")
        }
    }

    /// The tensors of all shards, which must be exactly those of the index, each in the shard that it names.
    private static func sharded(_ index: JSONValue, in directory: URL) throws -> [String: StoredTensor] {
        func failed(_ reason: String) -> CheckpointError {
            .unreadable(directory: directory.path, file: "model.safetensors.index.json", reason: reason)
        }
        let map = try index.object("weight_map")
        var namesByShard: [String: Set<String>] = [:]
        for name in map.keys {
            guard case .string(let shard)? = map[name] else {
                throw failed(
                    "\"weight_map\": expected a file name for \(name), found \(map[name]?.summary ?? "nothing")")
            }
            // The name comes from the checkpoint's author: it may not lead out of the directory.
            guard !shard.contains("/"), !shard.contains("\0"), shard.hasSuffix(".safetensors"), !shard.hasPrefix(".")
            else {
                throw failed("expected the name of a safetensors file in the same directory, found \"\(shard)\"")
            }
            namesByShard[shard, default: []].insert(name)
        }
        var tensors: [String: StoredTensor] = [:]
        for (shard, names) in namesByShard.sorted(by: { $0.key < $1.key }) {
            let file = try Safetensors(directory.appending(path: shard))
            if let absent = names.subtracting(file.tensors.keys).min() {
                throw failed("tensor \(absent) is listed in \(shard), which does not have it")
            }
            if let extra = Set(file.tensors.keys).subtracting(names).min() {
                throw failed("tensor \(extra) is in \(shard), where it is not listed")
            }
            tensors.merge(file.tensors) { first, _ in first }
        }
        return tensors
    }
}

/// Why a model directory could not be read.
package enum CheckpointError: Error, Equatable, CustomStringConvertible {
    case missingFile(directory: String, file: String)
    case unreadable(directory: String, file: String, reason: String)
    case ambiguousName(String, first: String, second: String)

    package var description: String {
        switch self {
        case .missingFile(let directory, "model.safetensors"):
            "\(directory) has neither model.safetensors nor model.safetensors.index.json; other weight formats must be converted first"
        case .missingFile(let directory, let file): "\(directory) is no model directory: it has no \(file)"
        case .unreadable(let directory, let file, let reason): "reading \(file) in \(directory): \(reason)"
        case .ambiguousName(let name, let first, let second):
            "tensors \(first) and \(second) are both \(name) to the model"
        }
    }
}
