import Tokenization

/// Turns an answer's tokens into text as they arrive. It never emits part of a character, or a piece that might become part of a stop string.
struct TextAssembler {
    private var detokenizer: StreamingDetokenizer
    private let stops: [[UInt8]]
    private var held: [UInt8] = []
    private(set) var isStopped = false

    init(_ tokenizer: Tokenizer, stop: [String]) {
        detokenizer = StreamingDetokenizer(tokenizer, skipSpecial: true)
        stops = stop.filter { !$0.isEmpty }.map { Array($0.utf8) }
    }

    /// The text that became definite with this token.
    mutating func append(_ token: Int32) -> String { release(detokenizer.append(TokenID(token)), last: false) }

    /// The text that remains at the end of the answer.
    mutating func finish() -> String { isStopped ? "" : release(detokenizer.finish(), last: true) }

    private mutating func release(_ text: String, last: Bool) -> String {
        if isStopped { return "" }
        if stops.isEmpty { return text }
        held += Array(text.utf8)
        let first = stops.compactMap { stop in held.firstRange(of: stop)?.lowerBound }.min()
        if let first {
            isStopped = true
            defer { held = [] }
            return String(decoding: held[..<first], as: UTF8.self)
        }
        let kept = last ? 0 : longestStopPrefix()
        defer { held.removeFirst(held.count - kept) }
        return String(decoding: held[..<(held.count - kept)], as: UTF8.self)
    }

    /// The number of bytes at the end of `held` that begin a stop string.
    private func longestStopPrefix() -> Int {
        stops.map { stop in
            var length = min(stop.count - 1, held.count)
            while length > 0, !held.suffix(length).elementsEqual(stop.prefix(length)) { length -= 1 }
            return length
        }.max() ?? 0
    }
}
