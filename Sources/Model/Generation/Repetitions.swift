/// Where runs of two and three tokens ended last in a prompt and its answer, kept as the answer grows, so that a long prompt is read once.
///
/// Places are counted from the prompt's first token. A run "ends at n" if its last token is the one before place n.
struct Repetitions {
    private struct Run: Hashable {
        /// Of a run of two tokens `first` is 0.
        let length: Int8
        let first: Int32
        let second: Int32
        let third: Int32
    }

    /// The runs of a prompt; several answers to it share them.
    private final class Beginning {
        private let prompt: [Int32]
        lazy var ends: [Run: Int] = {
            var ends: [Run: Int] = [:]
            for end in 2..<max(2, prompt.count + 1) { Repetitions.add(end, to: &ends) { prompt[$0] } }
            return ends
        }()

        init(_ prompt: [Int32]) { self.prompt = prompt }
    }

    private let beginning: Beginning
    private var ends: [Run: Int] = [:]
    /// Every end up to here is known.
    private var known: Int

    init(_ prompt: [Int32]) {
        beginning = Beginning(prompt)
        known = max(1, prompt.count)
    }

    /// - Parameters:
    ///   - count: The number of tokens, of which all but the last may be looked for.
    ///   - token: The token at a place.
    mutating func note(to count: Int, _ token: (Int) -> Int32) {
        while known < count - 1 {
            known += 1
            Self.add(known, to: &ends, token)
        }
    }

    /// The last place before `count` where the final three tokens ended, or else the final two; nil if neither came before.
    func end(before count: Int, _ token: (Int) -> Int32) -> Int? {
        for length in [3, 2] where count > length {
            let run = Self.run(count, length, token)
            // Ends that nobody noted yet.
            var end = count - 1
            while end > max(known, length - 1) {
                if Self.run(end, length, token) == run { return end }
                end -= 1
            }
            if let end = ends[run] ?? beginning.ends[run] { return end }
        }
        return nil
    }

    private static func run(_ end: Int, _ length: Int, _ token: (Int) -> Int32) -> Run {
        Run(length: Int8(length), first: length == 3 ? token(end - 3) : 0, second: token(end - 2), third: token(end - 1))
    }

    private static func add(_ end: Int, to ends: inout [Run: Int], _ token: (Int) -> Int32) {
        ends[run(end, 2, token)] = end
        if end > 2 { ends[run(end, 3, token)] = end }
    }
}
