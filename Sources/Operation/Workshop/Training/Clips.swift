package import Encodings
package import Files
import Foundation
package import Jobs
package import Training

/// Finds the clip of a submitted pair: in the request, in an upload, or below the operator's audio folder.
package struct Clips: Sendable {
    let store: Store
    /// The only folder that paths may lead into; nil allows no paths.
    let folder: AllowedFolder?

    package init(store: Store, folder: AllowedFolder?) {
        (self.store, self.folder) = (store, folder)
    }

    /// - Throws: An error for the client if the clip does not exist or may not be read.
    package func sound(_ reference: ClipReference) throws -> TrainingPair.Sound {
        switch reference {
        case .bytes(let bytes): .bytes(bytes)
        case .file(let id): .file(try store.contents.verified(try store.file(id: id).sha256, as: "the file \(id)"))
        case .path(let path): .file(try place(path))
        }
    }

    /// The file at a client's path.
    func place(_ path: String) throws(WorkshopError) -> URL {
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
