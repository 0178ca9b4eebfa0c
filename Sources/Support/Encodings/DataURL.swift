package import Foundation

/// The bytes of a `data:` URL (RFC 2397), in base64 or plain, percent-encoded in both cases.
///
///     data:[media type][;parameter]*[;base64],bytes
package struct DataURL: Equatable, Sendable {
    /// The media type as written, without parameters; empty if there is none.
    package let mediaType: String
    package let bytes: Data

    /// Whether a text begins like a data URL.
    package static func begins(_ text: some StringProtocol) -> Bool {
        text.drop(while: \.isWhitespace).prefix(5).lowercased() == "data:"
    }

    /// - Throws: ``DataURLError`` with what is wrong.
    package init(_ text: String) throws(DataURLError) {
        guard Self.begins(text) else { throw DataURLError("a text that does not begin with data:") }
        let body = text.drop(while: \.isWhitespace).dropFirst(5)
        guard let comma = body.firstIndex(of: ",") else { throw DataURLError("a data URL without a comma") }
        let words = body[..<comma].split(separator: ";", omittingEmptySubsequences: false).map {
            $0.trimmingCharacters(in: .whitespaces)
        }
        mediaType = words[0]
        let content = try Self.percentDecoded(body[body.index(after: comma)...])
        guard words.dropFirst().last?.lowercased() == "base64" else {
            bytes = Data(content)
            return
        }
        guard let text = String(validating: content, as: UTF8.self), let decoded = Base64Text.bytes(text) else {
            throw DataURLError("a data URL whose content is no base64")
        }
        bytes = decoded
    }

    private static func percentDecoded(_ text: Substring) throws(DataURLError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = digit(rest.popFirst()), let low = digit(rest.popFirst()) else {
                throw DataURLError("a data URL with a % that two hexadecimal digits do not follow")
            }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func digit(_ byte: UInt8?) -> UInt8? {
        byte.flatMap { Character(UnicodeScalar($0)).hexDigitValue }.map(UInt8.init)
    }
}

/// A text that is not a data URL.
package struct DataURLError: Error, Equatable, CustomStringConvertible {
    package let found: String
    package var description: String { "expected data:audio/wav;base64,…; found \(found)" }

    init(_ found: String) { self.found = found }
}
