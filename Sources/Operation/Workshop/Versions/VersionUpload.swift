import Archives
import Files
package import Foundation
import Generation
package import Jobs
import Weights
package import Workers

/// Adds a weight version from a client's archive: a PEFT directory as Python's peft writes it, or a download of this server.
///
///     archive → unpacked under temporary/ → the folder with the weights → read against the model → content store → record
///
/// Only the files of ``VersionFiles`` are kept, so equal weights have equal hashes, whatever else the archive contains.
extension Workshop {
    private static let files: [(kind: VersionFiles.Kind, names: [String])] = [
        (.adapter, ["adapter_config.json", "adapter_model.safetensors"]), (.full, ["model.safetensors"]),
    ]

    /// Blocks.
    ///
    /// - Parameters:
    ///   - name: The version's name; nil generates one.
    ///   - cancellation: Checked while the archive is unpacked.
    /// - Throws: `ArchiveError`, or ``WorkshopError`` that names the file, the tensor or the used name.
    package func addVersion(
        _ archive: Data, name: String?, cancellation: Cancellation = Cancellation()
    ) throws -> WeightVersionRecord {
        let id = Identifier.version.random()
        let name = try name.map(checked) ?? "\(versions.baseName):upload-\(id.suffix(6))"
        let place = store.folder.appending(path: "temporary/\(UUID().uuidString)", directoryHint: .isDirectory)
        let unpacked = place.appending(path: "content", directoryHint: .isDirectory)
        defer { try? FileManager.default.removeItem(at: place) }
        try FileManager.default.createDirectory(at: unpacked, withIntermediateDirectories: true)
        let packed = place.appending(path: "archive")
        try archive.write(to: packed)
        var reader = ArchiveReader()
        reader.maximumEntries = 1000
        // Twice the whole model in float32, plus whatever else a repository holds.
        reader.maximumBytes = 8 * runtime.model.parameterCount + 256 << 20
        reader.check = cancellation.check
        let (folder, kind, names) = try Self.weights(among: try reader.unpack(packed, into: unpacked), in: unpacked)
        do {
            _ = try VersionFiles.load(folder, kind: kind.rawValue, id: id, model: runtime.model)
        } catch {
            if let failure = StoreError(storage: error, attempted: "Reading the version") { throw failure }
            // Clients must not learn where this server unpacks archives.
            let reason = "\(error)".replacing(folder.path, with: "the archive")
            throw WorkshopError(.unfitUpload, "The weights do not fit \(runtime.model.name): \(reason).", at: "file")
        }
        let content = try store.contents.storeFolder { destination in
            for name in names {
                try FileManager.default.moveItem(at: folder.appending(path: name), to: destination.appending(path: name))
            }
        }
        return try store.addVersion(
            NewVersion(id: id, name: name, base: versions.baseName, kind: kind.rawValue, content: content))
    }

    private static func weights(among paths: [String], in root: URL) throws -> (URL, VersionFiles.Kind, [String]) {
        for (kind, names) in files {
            let places = paths.filter { $0.pathParts.last == names.last }
            guard !places.isEmpty else { continue }
            guard places.count == 1 else {
                throw WorkshopError(
                    .unfitUpload, "The archive has \(places.count) files named \(names[names.count - 1]); expected one.", at: "file")
            }
            let folder = root.appending(path: places[0]).deletingLastPathComponent()
            if let missing = names.first(where: { !FileManager.default.fileExists(atPath: folder.appending(path: $0).path) }) {
                throw WorkshopError(.unfitUpload, "The archive has \(places[0]) and no \(missing) beside it.", at: "file")
            }
            return (folder, kind, names)
        }
        if paths.contains(where: { $0.pathParts.last == "adapter_model.bin" }) {
            throw WorkshopError(.unfitUpload, "The archive holds no weights that can be read: \(PEFTError.pickle).", at: "file")
        }
        throw WorkshopError(
            .unfitUpload, "The archive holds no weights: expected adapter_config.json and adapter_model.safetensors, as peft writes them.",
            at: "file")
    }

    /// Checks a name, which becomes part of URLs and must not collide with the model's or with those of trained versions.
    private func checked(_ name: String) throws(WorkshopError) -> String {
        let isPlain =
            name.utf8.count <= 128 && name.first.map { $0.isLetter || $0.isNumber } == true
            && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.:".contains($0)) }
        guard isPlain, !name.hasPrefix(Identifier.version.prefix) else {
            throw WorkshopError(
                .invalidValue,
                "name: expected 1 to 128 letters, digits and -_.: and no beginning of \(Identifier.version.prefix); found \"\(name.prefix(128))\".",
                at: "name")
        }
        guard name != VersionRegistry.Entry.baseVersionID, !runtime.versions.entries.contains(where: { $0.name == name }) else {
            throw WorkshopError(.modelNameTaken, "A model \"\(name)\" is served already; choose another name.", at: "name")
        }
        return name
    }
}
