import API
import Foundation
import HTTP
import Jobs
import Training

/// Where the spoken half of a submitted pair lies: in the request, in an upload, or under the operator's audio folder.
struct Clips: Sendable {
    let store: Store
    /// The one folder that paths may lead into; nil allows none.
    let folder: URL?

    /// - Throws: an error of the wire for a clip that is not there or may not be read.
    func sound(_ source: API.AudioSource) throws -> TrainingPair.Sound {
        switch source {
        case .data(let data): return .bytes(Array(data))
        case .file(let id): return .file(try store.contents.verified(try store.file(id: id).sha256, as: "the file \(id)"))
        case .path(let path): return .file(try place(path))
        }
    }

    /// The file of a client's path, which must lie in the folder with all links followed.
    func place(_ path: String) throws(HTTPError) -> URL {
        guard let folder else {
            throw HTTPError(
                403, "This server reads no clips from paths: its operator names no folder for them (--audio-folder).",
                type: "permission_error", parameter: "path", code: "paths_disabled")
        }
        guard !path.utf8.contains(0) else {
            throw HTTPError(400, "The path holds a zero byte.", parameter: "path", code: "invalid_value")
        }
        let root = folder.resolvingSymlinksInPath().standardizedFileURL
        let asked = path.hasPrefix("/") ? URL(fileURLWithPath: path) : root.appendingPathComponent(path)
        let file = asked.standardizedFileURL.resolvingSymlinksInPath().standardizedFileURL
        guard file.path.hasPrefix(root.path + "/") else {
            throw HTTPError(
                403, "The path leads out of the folder from which clips may be read.", type: "permission_error",
                parameter: "path", code: "path_not_allowed")
        }
        var isDirectory: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: file.path, isDirectory: &isDirectory), !isDirectory.boolValue
        else { throw HTTPError(404, "There is no clip at \(path).", parameter: "path", code: "not_found") }
        return file
    }
}
