/// GPT-2's spelling of bytes as printable characters, in which byte-level vocabularies are written.
///
/// Printable Latin-1 bytes stand for themselves; the other 68 become U+0100 … U+0143 in order, so that a space is `Ġ`.
/// Source: `bytes_to_unicode` of GPT-2's encoder.
enum ByteAlphabet {
    /// The character of each byte.
    static let characters: [Unicode.Scalar] = {
        var result: [Unicode.Scalar] = []
        var substitute: UInt32 = 0x100
        for byte in UInt8.min...UInt8.max {
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF:
                result.append(Unicode.Scalar(byte))
            default:
                result.append(Unicode.Scalar(substitute) ?? " ")
                substitute += 1
            }
        }
        return result
    }()

    private static let bytes: [UInt16] = {
        var result = [UInt16](repeating: .max, count: 0x144)
        for (byte, character) in characters.enumerated() { result[Int(character.value)] = UInt16(byte) }
        return result
    }()

    /// The spelling of bytes.
    static func text(of bytes: some Sequence<UInt8>) -> String {
        String(String.UnicodeScalarView(bytes.lazy.map { characters[Int($0)] }))
    }

    /// The bytes that `text` spells, or nil if one of its characters is not in the alphabet.
    static func bytes(of text: String) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            guard scalar.value < 0x144 else { return nil }
            let byte = bytes[Int(scalar.value)]
            guard byte != .max else { return nil }
            result.append(UInt8(byte))
        }
        return result
    }
}
