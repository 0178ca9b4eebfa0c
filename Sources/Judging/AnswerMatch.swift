/// Does a response give the same answer as a reference? Decided by rules, without a model.
///
/// Both texts are reduced to their final answer (``FinalAnswer``), read as the same kind of answer, and compared in a
/// normal form: numbers by value, letters, days, months and yes or no by identity, lists element by element, phrases by
/// their words. The reference may be a bare answer or a whole response, such as the teacher's.
package struct AnswerMatch: Sendable {
    /// Nil: the kind that the reference looks like.
    package let kind: AnswerKind?
    /// The texts behind the letters A, B, …: a response that names an option's text names its letter.
    package let choices: [String]

    package init(kind: AnswerKind? = nil, choices: [String] = []) {
        self.kind = kind
        self.choices = choices
    }

    package func verdict(response: String, reference: String) -> Verdict {
        let expected = FinalAnswer(of: reference)
        let kind = kind ?? AnswerKind(of: expected.span)
        guard let wanted = extract(expected, as: kind) else {
            return Verdict(
                outcome: .unreadable, reason: "the reference '\(reference.shortened)' holds no \(kind.rawValue)")
        }
        guard let given = extract(FinalAnswer(of: response), as: kind) else {
            return Verdict(outcome: .unreadable, reason: "no \(kind.rawValue) in the response '\(response.shortened)'")
        }
        let isEqual = given == wanted || (kind == .phrase && Self.names(given, wanted))
        return Verdict(
            outcome: isEqual ? .equal : .different,
            reason: "\(kind.rawValue): '\(given.shortened)' \(isEqual ? "is" : "is not") '\(wanted.shortened)'",
            answer: given)
    }

    /// The answer of a response in its normal form ("14", "B", "yes", "monday", "3, 5, 8"), or nil where none is found.
    package func answer(in response: String, as kind: AnswerKind) -> String? {
        extract(FinalAnswer(of: response), as: kind)
    }

    private func extract(_ final: FinalAnswer, as kind: AnswerKind) -> String? {
        let tokens = Token.tokens(of: final.span)
        switch kind {
        case .number:
            return number(tokens, isMarked: final.isMarked)
        case .letter:
            return letter(tokens, final)
        case .yesNo:
            let found = YesNo.all(in: tokens)
            // "No, 13 is less": an unmarked response answers with its first word or, failing that, its last verdict.
            let opening = YesNo.all(in: Array(tokens.prefix(1)))
            return final.isMarked ? found.first : opening.first ?? found.last
        case .day:
            let found = Calendar.day.all(in: tokens)
            return final.isMarked ? found.first : found.last
        case .month:
            let found = Calendar.month.all(in: tokens)
            return final.isMarked ? found.first : found.last
        case .list:
            let elements = AnswerList.elements(of: final.span).map { element in
                number(Token.tokens(of: element), isMarked: true) ?? Phrase.words(element).joined(separator: " ")
            }
            return elements.isEmpty ? nil : elements.joined(separator: ", ")
        case .phrase:
            let words = Phrase.words(final.span)
            return words.isEmpty ? nil : words.joined(separator: " ")
        }
    }

    /// Behind the last "=", the first number; digits before words ("the one with 14"). Unmarked: the last number.
    private func number(_ tokens: [Token], isMarked: Bool) -> String? {
        let tail = tokens.lastIndex { $0.isMark("=") }.map { Array(tokens[($0 + 1)...]) } ?? tokens
        let found = NumberReader.all(in: tail)
        let digits = found.filter(\.isInDigits)
        let candidates = digits.isEmpty ? found : digits
        guard let chosen = isMarked ? candidates.first : candidates.last else { return nil }
        return Phrase.written(chosen.value)
    }

    private func letter(_ tokens: [Token], _ final: FinalAnswer) -> String? {
        if let letter = OptionLetter.first(in: tokens) { return letter }
        let words = Phrase.words(final.span)
        let named = choices.indices.filter { words.contains(sequence: Phrase.words(choices[$0])) }
        guard named.count == 1, named[0] < 26 else { return nil }
        return String(UnicodeScalar(UInt8(65 + named[0])))
    }

    /// Whether a longer phrase names the wanted one and nothing that could contradict it: "Ben is the shortest" names "Ben";
    /// "not Ben" and "Ben or Tom" do not.
    private static func names(_ given: String, _ wanted: String) -> Bool {
        let words = given.split(separator: " ").map(String.init)
        let sought = wanted.split(separator: " ").map(String.init)
        let doubt: Set = ["not", "or", "and", "neither", "nor", "than", "but", "if"]
        return words.count <= sought.count + 12 && words.contains(sequence: sought)
            && doubt.subtracting(sought).isDisjoint(with: words) && !words.contains { $0.hasSuffix("n't") }
    }
}

extension [String] {
    func contains(sequence: [String]) -> Bool {
        guard !sequence.isEmpty, sequence.count <= count else { return false }
        return (0...count - sequence.count).contains { self[$0..<$0 + sequence.count].elementsEqual(sequence) }
    }
}

extension String {
    /// For messages: at most 80 characters.
    var shortened: String { count > 80 ? prefix(80) + "…" : self }
}
