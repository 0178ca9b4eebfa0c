package import JSON
import Synchronization

/// The form that an answer must have.
package enum StructureForm: Sendable, Equatable {
    /// Any JSON object.
    case object
    case schema(JSONValue)
    /// A regular expression that the whole answer matches.
    case pattern(String)
    /// A context-free grammar in GBNF's form; the answer is a text of its rule `root`.
    case grammar(String)
    /// One of some texts.
    case choice([String])
    /// Calls of functions.
    case toolCalls(ToolCallForm)

    fileprivate var language: Grammar {
        get throws(StructureError) {
            var grammar = Grammar()
            grammar.end(try append(to: &grammar, from: grammar.start))
            guard grammar.keepEndings() else { throw StructureError("", "no text has this form: whatever is written, it never ends") }
            return grammar
        }
    }

    func append(to grammar: inout Grammar, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        switch self {
        case .object: return try grammar.append(try SchemaGrammar(nil).grammar, from: from)
        case .schema(let schema): return try grammar.append(try SchemaGrammar(schema).grammar, from: from)
        case .pattern(let pattern):
            return try grammar.expression(try RegularExpression(pattern, searching: false, path: ""), .plain, from: from)
        case .grammar(let text): return try ProductionGrammar(text).append(to: &grammar, from: from)
        case .choice(let texts):
            guard !texts.isEmpty, !texts.contains("") else { throw StructureError("", "expected at least one choice, none of them empty") }
            return try grammar.choice(texts, from: from) { grammar, text, node throws(StructureError) in try grammar.literal(text, from: node) }
        case .toolCalls(let form): return try grammar.toolCalls(form, from: from)
        }
    }
}

extension Structure: Equatable {
    package static func == (a: Structure, b: Structure) -> Bool { a === b }
}

/// A form over a vocabulary: the tokens that may follow an answer so far.
///
/// A token may come if and only if the answer with its bytes begins some text of the form. A token that ends the answer may come if and only if the answer is such a text.
/// Masks are cached. One value serves any number of answers and threads.
package final class Structure: Sendable {
    /// A place in the form: the state after the answer's bytes so far.
    package struct Place: Sendable, Equatable {
        fileprivate var state: Recogniser.State
    }

    /// The allowed tokens, one bit each.
    package struct Mask: Sendable, Equatable {
        package private(set) var words: [UInt64]
        /// Whether only tokens that end the answer are allowed.
        package fileprivate(set) var endsAlone = false
        /// All of them in ascending order, if there are at most ``mostOfFew``.
        package private(set) var few: [Int32]?

        private static let mostOfFew = 2048

        fileprivate init(_ count: Int) { words = [UInt64](repeating: 0, count: (count + 63) / 64) }

        fileprivate mutating func allow(_ token: Int32) { words[Int(token) >> 6] |= 1 << UInt64(token & 63) }

        /// - Parameter others: words of such bits.
        fileprivate mutating func allow(_ others: [UInt64]) { for place in words.indices { words[place] |= others[place] } }

        /// Computes the properties that depend on all bits.
        ///
        /// - Parameters:
        ///   - isWhole: whether the answer may end here, by one of the tokens `ends`.
        fileprivate mutating func seal(isWhole: Bool, ends: Set<Int32>) {
            let count = words.reduce(0) { $0 + $1.nonzeroBitCount }
            endsAlone = isWhole && count == ends.count { Int($0) >> 6 < words.count && $0 >= 0 && allows($0) }
            guard count <= Self.mostOfFew else { return }
            var tokens: [Int32] = []
            tokens.reserveCapacity(count)
            for (place, word) in words.enumerated() {
                var left = word
                while left != 0 {
                    tokens.append(Int32(place * 64 + left.trailingZeroBitCount))
                    left &= left - 1
                }
            }
            few = tokens
        }

        package func allows(_ token: Int32) -> Bool { words[Int(token) >> 6] >> UInt64(token & 63) & 1 == 1 }

        package var isEmpty: Bool { words.allSatisfy { $0 == 0 } }
    }

    package let vocabulary: Vocabulary
    private let kept: Mutex<Kept>

    private struct Kept {
        var recogniser: Recogniser
        var masks: [Recogniser.State: Mask] = [:]
    }

    /// The most bytes of cached masks.
    private static let maskBytes = 16 << 20

    package init(_ form: StructureForm, _ vocabulary: Vocabulary) throws(StructureError) {
        self.vocabulary = vocabulary
        kept = Mutex(Kept(recogniser: try Recogniser(try form.language)))
    }

    /// Whether the cache is so large that the next answers should begin with a new structure.
    package var isLarge: Bool { kept.withLock { $0.recogniser.isLarge } }

    /// The place before the first token.
    package var start: Place { Place(state: kept.withLock { $0.recogniser.start }) }

    /// The place after a token that the mask allowed.
    package func advance(_ place: Place, over spelling: some Sequence<UInt8>) throws(StructureError) -> Place? {
        try kept.withLock { (kept) throws(StructureError) in
            var state = place.state
            for byte in spelling {
                state = try kept.recogniser.step(state, byte)
                if state == Recogniser.dead { return nil }
            }
            return Place(state: state)
        }
    }

    package func isWhole(_ place: Place) -> Bool { kept.withLock { $0.recogniser.isWhole(place.state) } }

    /// Computes the mask of the start in pieces, so that other callers do not wait for all of it.
    package func prepare() throws(StructureError) {
        var isKnown = false
        while !isKnown {
            var work = Self.piece
            isKnown = try mask(start, work: &work) != nil
        }
    }

    /// The work of one piece of ``prepare()``.
    private static let piece = 1 << 12

    package func mask(_ place: Place) throws(StructureError) -> Mask {
        var work = Int.max
        guard let mask = try mask(place, work: &work) else { preconditionFailure("unbounded work was not enough") }
        return mask
    }

    /// The tokens that may come next; nil if finding them takes more work than allowed. Another call continues from there.
    ///
    /// - Parameter work: The allowed work, in newly computed ways to read an answer (about a microsecond each). The work done is subtracted.
    package func mask(_ place: Place, work: inout Int) throws(StructureError) -> Mask? {
        try kept.withLock { (kept) throws(StructureError) in
            if let known = kept.masks[place.state] { return known }
            if work <= 0 { return nil }
            kept.recogniser.allowance = work
            defer {
                // A mask without new states still reads the vocabulary once.
                work = kept.recogniser.allowance - vocabulary.all.bytes.count / Self.nodesOfWork
                kept.recogniser.allowance = .max
            }
            let mask: Mask
            do throws(StructureError) { mask = try Self.mask(place.state, vocabulary, &kept.recogniser) } catch {
                if error == .paused { return nil }
                throw error
            }
            if kept.masks.count * mask.words.count * 8 > Self.maskBytes { kept.masks = [:] }
            kept.masks[place.state] = mask
            return mask
        }
    }

    /// The nodes of the vocabulary that are read in the time of one new way.
    private static let nodesOfWork = 256

    private static func mask(
        _ state: Recogniser.State, _ vocabulary: Vocabulary, _ recogniser: inout Recogniser
    ) throws(StructureError) -> Mask {
        var mask = Mask(vocabulary.count)
        let isWhole = recogniser.isWhole(state)
        if isWhole { for token in vocabulary.ends where token >= 0 && token < vocabulary.count { mask.allow(token) } }
        if recogniser.goesOn(state) {
            var covered: [UInt64]?
            for tokens in vocabulary.alike where try recogniser.reach(state, of: tokens.kind, most: tokens.characters) == tokens.characters {
                mask.allow(tokens.mask)
                covered = tokens.covered
                break
            }
            try vocabulary.all.walk(from: state, passing: covered, longest: vocabulary.longest, &recogniser) { mask.allow($0) }
        }
        mask.seal(isWhole: isWhole, ends: vocabulary.ends)
        return mask
    }
}

extension TokenTrie {
    /// Calls `allow` with every token whose bytes may follow.
    ///
    /// - Parameter covered: nodes that need not be read.
    fileprivate func walk(
        from state: Recogniser.State, passing covered: [UInt64]?, longest: Int, _ recogniser: inout Recogniser, allow: (Int32) -> Void
    ) throws(StructureError) {
        let covered = covered ?? [UInt64](repeating: 0, count: (bytes.count + 63) / 64)
        // The states before each byte of the token at hand.
        var states = [Recogniser.State](repeating: state, count: longest + 1)
        var node = 0
        while node < bytes.count {
            // The nodes below a covered node are covered, too.
            let passed = (~(covered[node >> 6] >> UInt64(node & 63))).trailingZeroBitCount
            if passed > 0 {
                node = min(node + passed, (node | 63) + 1)
                continue
            }
            let depth = Int(depths[node])
            let next = try recogniser.step(states[depth], bytes[node])
            if next == Recogniser.dead {
                node = Int(ends[node])
                continue
            }
            states[depth + 1] = next
            for place in tokens[node]..<tokens[node + 1] { allow(ids[Int(place)]) }
            node += 1
        }
    }
}
