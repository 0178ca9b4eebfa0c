import Encodings
package import Files
package import Foundation
import Hashing

extension QuestionSet {
    /// Where the bytes of a clip are: a sound file of whatever format, not yet decoded.
    package enum Clip: Sendable, Equatable {
        case file(URL)
        case bytes(Data)

        package func read() throws(FileError) -> Data {
            switch self {
            case .file(let place): try Data(reading: place)
            case .bytes(let bytes): bytes
            }
        }

        /// The bytes of a clip that is asked. - Throws: ``Unaskable``
        func bytes() throws -> Data {
            do { return try read() } catch {
                throw Unaskable(code: "audio_unreadable", "\(URL(filePath: error.path).lastPathComponent): \(error.reason)")
            }
        }

        /// SHA-256 of the bytes.
        func digest() throws -> String {
            switch self {
            case .file(let place): try SHA256.hex(contentsOf: place)
            case .bytes(let bytes): SHA256.hex(bytes)
            }
        }
    }
}

extension ClipReference {
    /// What the items of a set call the clip. No path has a name like those of the others: a path with `://` is refused.
    var name: String {
        switch self {
        case .path(let path): path
        case .bytes(let bytes): "sha256://" + SHA256.hex(bytes)
        case .file(let id): "upload://" + id
        }
    }
}
