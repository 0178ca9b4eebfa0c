/// Turns ids into text one by one. A character is held back until all its bytes have come.
///
/// The pieces joined, with ``finish()``'s, equal ``Tokenizer/decode(_:skipSpecial:)`` of all the ids.
package struct StreamingDetokenizer: Sendable {
    private let tokenizer: Tokenizer
    private let skipSpecial: Bool
    /// The beginning of a character, at most three bytes.
    private var held: [UInt8] = []

    package init(_ tokenizer: Tokenizer, skipSpecial: Bool = false) {
        self.tokenizer = tokenizer
        self.skipSpecial = skipSpecial
    }

    /// The text that `id` completes; often a word, sometimes nothing.
    package mutating func append(_ id: TokenID) -> String {
        if skipSpecial && tokenizer.specialIDs.contains(id) { return "" }
        held += tokenizer.bytes(of: id)
        let tail = Self.unfinishedTail(held)
        let text = String(decoding: held.dropLast(tail), as: UTF8.self)
        held.removeFirst(held.count - tail)
        return text
    }

    /// The rest at the end: U+FFFD for a character that did not become whole.
    package mutating func finish() -> String {
        defer { held.removeAll() }
        return String(decoding: held, as: UTF8.self)
    }

    /// The number of bytes at the end that could still become one character: 0 to 3.
    private static func unfinishedTail(_ bytes: [UInt8]) -> Int {
        for length in 1...3 where length <= bytes.count {
            let first = bytes[bytes.count - length]
            if first & 0xC0 == 0x80 { continue }
            let needed = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 1
            guard first <= 0xF4, length < needed else { return 0 }
            // The second byte's range excludes overlong forms, surrogates and values past U+10FFFF; a sequence already
            // invalid is decoded at once, as it is in the whole text.
            if length > 1 {
                let second = bytes[bytes.count - length + 1]
                let lowest: UInt8 = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80
                let highest: UInt8 = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF
                guard (lowest...highest).contains(second) else { return 0 }
            }
            return length
        }
        return 0
    }
}
