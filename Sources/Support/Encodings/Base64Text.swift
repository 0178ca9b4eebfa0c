package import Foundation

/// Base64 in the forms that clients write (RFC 4648): with the standard or the URL alphabet, padded or not, folded into lines or not.
///
/// A space inside is refused, because a form turns a `+` into one.
package enum Base64Text {
    /// The bytes; nil if the text is not base64.
    package static func bytes(_ text: some StringProtocol) -> Data? {
        if let bytes = Data(base64Encoded: String(text)) { return bytes }
        var digits: [UInt8] = []
        digits.reserveCapacity(text.utf8.count + 3)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\r"), UInt8(ascii: "\n"): continue
            case UInt8(ascii: "-"): digits.append(UInt8(ascii: "+"))
            case UInt8(ascii: "_"): digits.append(UInt8(ascii: "/"))
            default: digits.append(byte)
            }
        }
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        digits.removeFirst(digits.prefix(while: isBlank).count)
        digits.removeLast(digits.reversed().prefix(while: isBlank).count)
        let padding = digits.reversed().prefix { $0 == UInt8(ascii: "=") }.count
        guard padding <= 2 else { return nil }
        digits.removeLast(padding)
        // A last group of one digit has too few bits for a byte.
        guard digits.count % 4 != 1 else { return nil }
        digits += Array(repeating: UInt8(ascii: "="), count: (4 - digits.count % 4) % 4)
        return Data(base64Encoded: Data(digits))
    }
}
