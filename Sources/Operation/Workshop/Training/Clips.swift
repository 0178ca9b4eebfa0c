import Files
import Foundation
import Jobs
package import Training

/// Where the spoken half of a submitted pair lies: in the request, in an upload, or under the operator's audio folder.
package struct Clips: Sendable {
    let store: Store
    /// The one folder that paths may lead into; nil allows none.
    let folder: AllowedFolder?

    /// - Throws: an error for the client for a clip that is not there or may not be read.
    package func sound(_ reference: ClipReference) throws -> TrainingPair.Sound {
        switch reference {
        case .bytes(let bytes): .bytes(bytes)
        case .file(let id): .file(try store.contents.verified(try store.file(id: id).sha256, as: "the file \(id)"))
        case .path(let path): .file(try place(path))
        }
    }

    /// The file of a client's path.
    private func place(_ path: String) throws(WorkshopError) -> URL {
        guard let folder else {
            throw WorkshopError(
                .pathsDisabled, "This server reads no clips from paths: its operator names no folder for them (--audio-folder).",
                at: "path")
        }
        do { return try folder.place(path, .file) } catch {
            throw switch error {
            case .zeroByte: WorkshopError(.invalidValue, "The path holds a zero byte.", at: "path")
            case .outside, .link:
                WorkshopError(.pathNotAllowed, "The path leads out of the folder from which clips may be read.", at: "path")
            case .absent: WorkshopError(.notFound, "There is no clip at \(path).", at: "path")
            }
        }
    }
}
