import API
import Encodings
import Files
import Foundation
import HTTP
import Jobs
import Training
import Workshop

/// The clips that a conversation may name in place of their bytes: uploads by `file_id`, files of the operator's folder by `path`.
///
/// A key for `ask` alone may read neither; files of the purpose `fine-tune` need one for `train`.
package struct StoredClips: Sendable {
    private let workshop: @Sendable () throws -> Workshop
    private let request: Request?

    /// - Parameter request: Whose key decides.
    init(_ server: ServerState, _ request: Request) {
        workshop = { try server.workshop }
        self.request = request
    }

    private init(_ request: Request?, _ workshop: @escaping @Sendable () throws -> Workshop) { (self.request, self.workshop) = (request, workshop) }

    /// Where no server keeps any.
    package static let none = StoredClips(nil) { throw HTTPError(422, "There are no uploads here, and no folder for clips.", code: "no_data_folder") }

    /// Those of a batch, which a key for measuring starts.
    static func ofBatches(_ server: ServerState) -> StoredClips {
        var request = Request(method: "POST", path: "/v1/batches")
        request.scopes = .measure
        return StoredClips(request) { [weak server] in
            guard let server else { throw CancellationError() }
            return try server.workshop
        }
    }

    /// - Parameter place: The path of the clip in the request.
    func sound(_ reference: AudioReference, at place: String) throws -> SubmittedSound {
        if case .data(let bytes) = reference { return SubmittedSound(.bytes(bytes), at: place + ".data") }
        let workshop = try workshop()
        guard let request, !request.scopes.isDisjoint(with: [.measure, .train]) else {
            throw HTTPError.insufficientScope("\(place): clips of the server need a key for measure or train; send this one as `data`.")
        }
        if case .file(let id) = reference { try FilesRoute.admit(try workshop.store.file(id: id).purpose, request) }
        let sound = try workshop.clips.sound(ClipReference(reference))
        guard case .file(let path) = sound else { preconditionFailure("\(reference) is no file of the server") }
        return SubmittedSound(.stored { try Data(reading: URL(filePath: path), options: .alwaysMapped) }, at: place)
    }
}
