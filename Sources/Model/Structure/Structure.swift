package import JSON
import Synchronization

/// The form that an answer must have.
package enum StructureForm: Sendable, Equatable {
    /// Any JSON object.
    case object
    case schema(JSONValue)
    /// A regular expression that the whole answer matches.
    case pattern(String)
    /// One of some texts.
    case choice([String])
    /// Calls of functions.
    case toolCalls(ToolCallForm)

    fileprivate var grammar: Grammar {
        get throws(StructureError) {
            var grammar = Grammar()
            grammar.end(try append(to: &grammar, from: grammar.start))
            return grammar
        }
    }

    func append(to grammar: inout Grammar, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        switch self {
        case .object: return try grammar.append(try SchemaGrammar(nil).grammar, from: from)
        case .schema(let schema): return try grammar.append(try SchemaGrammar(schema).grammar, from: from)
        case .pattern(let pattern):
            return try grammar.expression(try RegularExpression(pattern, searching: false, path: ""), .plain, from: from)
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

/// A form over a vocabulary: which tokens may follow what was said so far.
///
/// A token may come if and only if its bytes, behind those before, begin some text of the form; a token that ends the answer if and only if what was said is one.
/// What was found is kept: one value serves any number of answers, and threads.
package final class Structure: Sendable {
    /// Where an answer stands.
    package struct Place: Sendable, Equatable {
        fileprivate var state: Recogniser.State
    }

    /// Tokens that may come, a bit each.
    package struct Mask: Sendable, Equatable {
        package private(set) var words: [UInt64]
        /// Whether tokens that end the answer are all there is.
        package fileprivate(set) var endsAlone = false

        fileprivate init(_ count: Int) { words = [UInt64](repeating: 0, count: (count + 63) / 64) }

        fileprivate mutating func allow(_ token: Int32) { words[Int(token) >> 6] |= 1 << UInt64(token & 63) }

        package func allows(_ token: Int32) -> Bool { words[Int(token) >> 6] >> UInt64(token & 63) & 1 == 1 }

        package var isEmpty: Bool { words.allSatisfy { $0 == 0 } }
    }

    package let vocabulary: Vocabulary
    private let kept: Mutex<Kept>

    private struct Kept {
        var recogniser: Recogniser
        var masks: [Recogniser.State: Mask] = [:]
    }

    /// Bytes of masks that are kept.
    private static let maskBytes = 16 << 20

    package init(_ form: StructureForm, _ vocabulary: Vocabulary) throws(StructureError) {
        self.vocabulary = vocabulary
        kept = Mutex(Kept(recogniser: try Recogniser(try form.grammar)))
    }

    /// Whether so many answers went so many ways that the next should begin with a structure of their own.
    package var isLarge: Bool { kept.withLock { $0.recogniser.isLarge } }

    /// Before the first token.
    package var start: Place { Place(state: kept.withLock { $0.recogniser.start }) }

    /// Where the answer stands behind a token that its mask allowed.
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

    package func mask(_ place: Place) throws(StructureError) -> Mask {
        try kept.withLock { (kept) throws(StructureError) in
            if let known = kept.masks[place.state] { return known }
            let mask = try Self.mask(place.state, vocabulary, &kept.recogniser)
            if kept.masks.count * mask.words.count * 8 > Self.maskBytes { kept.masks = [:] }
            kept.masks[place.state] = mask
            return mask
        }
    }

    private static func mask(
        _ state: Recogniser.State, _ vocabulary: Vocabulary, _ recogniser: inout Recogniser
    ) throws(StructureError) -> Mask {
        var mask = Mask(vocabulary.count)
        if recogniser.isWhole(state) {
            for token in vocabulary.ends where token >= 0 && token < vocabulary.count { mask.allow(token) }
            mask.endsAlone = true
        }
        guard recogniser.goesOn(state) else { return mask }
        // The states behind each byte of the token at hand, and how many of its bytes lead on.
        var states = [Recogniser.State](repeating: state, count: vocabulary.longest + 1)
        var alive = 0
        for place in vocabulary.ids.indices {
            let shared = Int(vocabulary.shared[place])
            // The token before it died within what both begin with.
            if shared > alive { continue }
            alive = shared
            var isAllowed = true
            let spelling = vocabulary.spelling(place)
            for byte in spelling.dropFirst(shared) {
                let next = try recogniser.step(states[alive], byte)
                if next == Recogniser.dead {
                    isAllowed = false
                    break
                }
                alive += 1
                states[alive] = next
            }
            if isAllowed {
                mask.allow(vocabulary.ids[place])
                mask.endsAlone = false
            }
        }
        return mask
    }
}
