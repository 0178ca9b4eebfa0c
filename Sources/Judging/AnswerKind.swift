/// What kind of answer a question asks for; it decides how an answer is found in a text and when two are equal.
package enum AnswerKind: String, Sendable, Codable, CaseIterable {
    /// Digits or words: "14", "1,200", "3/4", "-2.50", "fourteen".
    case number
    /// The letter of a multiple-choice option.
    case letter
    case yesNo = "yes_no"
    case day
    case month
    /// Several answers whose order counts.
    case list
    /// Anything else: names, short phrases.
    case phrase

    /// The kind that `answer`, a bare answer, looks like.
    package init(of answer: String) {
        let tokens = Token.tokens(of: answer).droppingFinalStops()
        if let number = NumberReader.first(in: tokens), number.range == tokens.indices {
            self = .number
        } else if Calendar.day.only(in: tokens) != nil {
            self = .day
        } else if Calendar.month.only(in: tokens) != nil {
            self = .month
        } else if YesNo.only(in: tokens) != nil {
            self = .yesNo
        } else if OptionLetter.only(in: tokens) != nil {
            self = .letter
        } else if AnswerList.elements(of: answer).count > 1 {
            self = .list
        } else {
            self = .phrase
        }
    }
}
