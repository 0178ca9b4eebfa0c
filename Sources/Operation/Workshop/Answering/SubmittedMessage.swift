import Encodings
package import Foundation
package import Generation

/// A turn of a conversation as a client submitted it.
package typealias SubmittedMessage = Message<SubmittedSound>

/// A submitted clip, not yet fetched or decoded.
package struct SubmittedSound: Sendable {
    package enum Content: Sendable {
        case bytes(Data)
        /// A clip on the disk, whose bytes are read when the prompt is made.
        case stored(@Sendable () throws -> Data)
        /// A `data:` URL, or one to fetch.
        case url(String)
    }

    package let content: Content
    /// The clip's path in the request, for errors.
    package let place: String

    package init(_ content: Content, at place: String) {
        self.content = content
        self.place = place
    }

    /// The clip's bytes. URLs must have been fetched before.
    var bytes: Data {
        get throws {
            switch content {
            case .bytes(let bytes): return bytes
            case .stored(let read): return try read()
            case .url(let url):
                do throws(DataURLError) { return try DataURL(url).bytes } catch {
                    throw WorkshopError(.invalidValue, "The audio_url is not a data URL: \(error).", at: place)
                }
            }
        }
    }
}
