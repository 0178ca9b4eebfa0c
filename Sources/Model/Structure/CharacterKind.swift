/// Kinds of characters that forms often allow in any order and number. Tokens made of them need not be read one by one.
enum CharacterKind: CaseIterable, Sendable {
    /// Characters that need no escape in a JSON string: no quotes, backslashes and control characters.
    case text
    case alphanumeric, letters, lowercase

    /// The characters' UTF-8 as an automaton: a place within a character, a range of bytes, and the next place; 0 is between characters.
    ///
    /// Source: Unicode, table 3-7.
    var ranges: [(from: Int, bytes: ClosedRange<UInt8>, to: Int)] {
        switch self {
        case .text:
            [
                (0, 0x20...0x21, 0), (0, 0x23...0x5B, 0), (0, 0x5D...0x7F, 0),
                (0, 0xC2...0xDF, 1), (0, 0xE0...0xE0, 4), (0, 0xE1...0xEC, 2), (0, 0xED...0xED, 5), (0, 0xEE...0xEF, 2),
                (0, 0xF0...0xF0, 6), (0, 0xF1...0xF3, 3), (0, 0xF4...0xF4, 7),
                (1, 0x80...0xBF, 0), (2, 0x80...0xBF, 1), (3, 0x80...0xBF, 2),
                (4, 0xA0...0xBF, 1), (5, 0x80...0x9F, 1), (6, 0x90...0xBF, 2), (7, 0x80...0x8F, 2),
            ]
        case .alphanumeric: [(0, 0x30...0x39, 0), (0, 0x41...0x5A, 0), (0, 0x61...0x7A, 0)]
        case .letters: [(0, 0x41...0x5A, 0), (0, 0x61...0x7A, 0)]
        case .lowercase: [(0, 0x61...0x7A, 0)]
        }
    }

    static let places = 8

    /// The number of characters of a text; 0 if one is of another kind, or is not whole.
    func characters(of bytes: [UInt8]) -> Int {
        if self == .text {
            if bytes.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C }) { return 0 }
            return String(validating: bytes, as: UTF8.self)?.unicodeScalars.count ?? 0
        }
        return bytes.allSatisfy { byte in ranges.contains { $0.bytes.contains(byte) } } ? bytes.count : 0
    }
}
