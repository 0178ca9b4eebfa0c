/// Does a response give the same answer as a reference? Decided by rules, without a model.
///
/// Both are read by ``AnswerExtraction`` as the same kind of answer and compared in canonical form: numbers by value, letters, days,
/// months and yes or no by identity, lists element by element, phrases by their words. The reference may be a bare answer or a
/// whole response, such as the teacher's.
package struct AnswerMatch: Sendable {
    /// Nil: the type that the reference looks like.
    package let type: TaskType?
    /// The texts behind the letters A, B, …: a response that names an option's text names its letter.
    package let choices: [String]

    package init(type: TaskType? = nil, choices: [String] = []) {
        self.type = type
        self.choices = choices
    }

    package func verdict(response: String, reference: String) -> Verdict {
        let type = type ?? TaskType(of: AnswerSplit(reference).answer ?? "")
        guard let wanted = try? AnswerExtraction.extract(reference, type: type, choices: choices).get() else {
            return Verdict(outcome: .unreadable, reason: "the reference '\(reference.shortened)' holds no \(type.rawValue)")
        }
        guard let given = try? AnswerExtraction.extract(response, type: type, choices: choices).get() else {
            return Verdict(outcome: .unreadable, reason: "no \(type.rawValue) in the response '\(response.shortened)'")
        }
        let isEqual = AnswerExtraction.matches(given, reference: wanted, type: type, choices: choices)
        return Verdict(
            outcome: isEqual ? .equal : .different,
            reason: "\(type.rawValue): '\(given.shortened)' \(isEqual ? "is" : "is not") '\(wanted.shortened)'", answer: given)
    }
}

extension String {
    /// For messages: at most 80 characters.
    var shortened: String { count > 80 ? prefix(80) + "…" : self }
}
