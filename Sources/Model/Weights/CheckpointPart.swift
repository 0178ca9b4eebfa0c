package import Foundation
import JSON

/// A part of a model that a checkpoint may name instead of containing it: `text_model_id`, which is another model's directory.
package struct CheckpointPart: Sendable {
    /// The member of `config.json` that names it: a path, or the name of a published model.
    package let name: String
    /// The member with its configuration, if the checkpoint contains it.
    package let config: String
    /// The member that has the settings of its low-rank adapter.
    package let adapter: String
    /// The part's module in the whole model.
    package let module: String
    /// The possible names of that module in the part's directory, if that has other modules too, which are then named after ``name``.
    package let prefixes: [String]
    /// Files beside the weights that are looked for in its directory.
    package let files: Set<String>

    package init(name: String, config: String, adapter: String, module: String, prefixes: [String] = [], files: Set<String>) {
        self.name = name
        self.config = config
        self.adapter = adapter
        self.module = module
        self.prefixes = prefixes
        self.files = files
    }

    /// The whole's name of a tensor in the part's own directory.
    fileprivate func renamed(_ tensor: String) -> String {
        if prefixes.isEmpty { return module + "." + tensor }
        let prefix = prefixes.first { tensor.hasPrefix($0 + ".") }
        return prefix.map { module + tensor.dropFirst($0.count) } ?? name + "." + tensor
    }
}

/// A part that lies in a directory of its own.
package struct PartDirectory: Sendable {
    package let part: CheckpointPart
    package let directory: URL
}

extension Checkpoint {
    /// The checkpoint of the whole model: what `config.json` names by ``CheckpointPart/name`` is read from its own directory, under what this
    /// checkpoint holds itself, and low-rank adapters of parts are merged into them.
    ///
    /// A part that is not found may be in this checkpoint itself.
    ///
    /// - Throws: ``CheckpointError/missingPart(member:name:places:)`` where a part is neither found nor held.
    package func joining(_ parts: [CheckpointPart]) throws -> Checkpoint {
        if parts.isEmpty { return self }
        var (members, joined, found): (JSONObject, [String: StoredTensor], [PartDirectory]) = (try config.object(""), [:], [])
        let plain = ModuleNames.withoutWrappers(tensors.keys)
        let own = Dictionary(tensors.map { (plain[$0.key] ?? $0.key, $0.value) }) { first, _ in first }
        for part in parts {
            guard let name = try? config.string(part.name), !name.isEmpty else { continue }
            let places = Self.places(of: name, beside: directory)
            guard let place = places.first(where: { Self.exists("config.json", in: $0) }) else {
                if config.value(part.config) != nil, own.keys.contains(where: { $0.hasPrefix(part.module + ".") }) { continue }
                throw CheckpointError.missingPart(member: part.name, name: name, places: places.map(\.path))
            }
            let theirs: Checkpoint
            do { theirs = try Checkpoint(directory: place) } catch let error as CheckpointError {
                throw CheckpointError.unreadablePart(member: part.name, directory: place.path, reason: error.description)
            }
            members[part.config] = theirs.config
            members[part.name] = nil
            for (name, tensor) in try theirs.tensors(renaming: part.renamed) { joined[name] = tensor }
            found.append(PartDirectory(part: part, directory: place))
        }
        joined.merge(own) { _, own in own }
        for part in parts { try joined.mergeAdapter(of: part.module, alpha: config.number(part.adapter + ".lora_alpha", default: 8)) }
        return try Checkpoint(self, parts: found, config: .object(members), tensors: joined)
    }

    /// The possible places of a part: in the directory, beside it, or beside it in the Hugging Face cache.
    private static func places(of name: String, beside directory: URL) -> [URL] {
        if name.hasPrefix("/") { return [URL(filePath: name, directoryHint: .isDirectory)] }
        let last = name.split(separator: "/").last.map(String.init) ?? name
        let above = directory.standardizedFileURL.deletingLastPathComponent()
        var places = [directory, above, above.deletingLastPathComponent()].flatMap { [$0.appending(path: name), $0.appending(path: last)] }
        if above.lastPathComponent == "snapshots" {
            let cache = above.deletingLastPathComponent().deletingLastPathComponent()
            let model = cache.appending(path: "models--" + name.replacing("/", with: "--"))
            let main = try? String(contentsOf: model.appending(path: "refs/main"), encoding: .utf8)
            if let main { places.append(model.appending(path: "snapshots/" + main.trimmingCharacters(in: .whitespacesAndNewlines))) }
        }
        return places
    }
}
