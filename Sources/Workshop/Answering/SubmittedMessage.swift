import Encodings
package import Foundation

/// A turn of a conversation as somebody submitted it, its clips not yet fetched or decoded.
package struct SubmittedMessage: Sendable {
    package enum Part: Sendable {
        case text(String)
        /// - Parameter place: the member of the request that holds the clip, for errors.
        case sound(SubmittedSound, place: String)
    }

    package let role: String
    package let parts: [Part]

    package init(role: String, parts: [Part]) {
        self.role = role
        self.parts = parts
    }

    package init(role: String, text: String) { self.init(role: role, parts: [.text(text)]) }
}

/// A clip as it came.
package enum SubmittedSound: Sendable {
    case bytes(Data)
    /// A `data:` URL, or one that is fetched.
    case url(String)

    /// The bytes; those behind a fetched URL have taken its place already.
    func bytes(at place: String) throws(WorkshopError) -> Data {
        switch self {
        case .bytes(let bytes): return bytes
        case .url(let url):
            do throws(DataURLError) { return try DataURL(url).bytes } catch {
                throw WorkshopError(.invalidValue, "The audio_url is not a data URL: \(error).", at: place)
            }
        }
    }
}
