/// What kind of answer a question has, and so how to find it in what a model says.
package enum TaskType: String, Codable, Sendable, CaseIterable {
    case number
    /// One of lettered choices.
    case choice
    case yesNo = "yes_no"
    /// A day of the week.
    case day
    case month
    /// A word or a short phrase.
    case phrase
    /// Several values in order.
    case list
    /// The whole text, for a judge.
    case freeForm = "free_form"
    /// The whole text, which a judge rates from 1 to 5; there is no reference.
    case rating
    /// Whether the text declines what was asked.
    case refusal
    /// The whole text, held against instructions that rules can check.
    case instructions

    /// Whether the answer is the text as a whole, in which nothing is to be found.
    package var isWholeText: Bool { self == .freeForm || self == .rating || self == .instructions }

    /// The type that `answer`, a bare answer, looks like: one of those above ``freeForm``.
    package init(of answer: String) {
        let answer = PlainText.of(answer)
        let bare = PhraseReading.clean(answer[...])
        let words = PhraseReading.words(bare[...])
        if Self.isNumber(bare) || Self.isNumber(answer) {
            self = .number
        } else if words.count == 1, !CalendarWords.days.all(in: bare[...]).isEmpty {
            self = .day
        } else if words.count == 1, !CalendarWords.months.all(in: bare[...]).isEmpty {
            self = .month
        } else if words.count == 1, ["yes", "no", "true", "false"].contains(words[0]) {
            self = .yesNo
        } else if bare.count == 1, bare.first.map({ ("A"..."Z").contains($0) }) == true {
            self = .choice
        } else if PhraseReading.list(answer[...]).contains(", ") {
            self = .list
        } else {
            self = .phrase
        }
    }

    /// Whether a text is one number from end to end.
    private static func isNumber(_ text: String) -> Bool {
        let numbers = NumberReading.all(in: text[...])
        return numbers.count == 1 && numbers[0].range == text.startIndex..<text.endIndex
    }

    /// The type of a question whose reference is `answer`: as ``init(of:)``, but "14 apples" asks for a number, and a text of more than four
    /// words for a judge.
    package init(ofReference answer: String) {
        let type = TaskType(of: answer)
        guard type == .phrase || type == .list else {
            self = type
            return
        }
        if answer.count <= 24, NumberReading.all(in: answer[...]).count == 1 {
            self = .number
        } else {
            self = PhraseReading.words(answer[...]).count <= 4 ? .phrase : .freeForm
        }
    }
}

/// Why no answer was found. Always a named result: an answer that cannot be read is never replaced by a guess.
package enum ExtractionFailure: String, Error, Codable, Sendable, CaseIterable {
    case empty
    /// All of the response is reasoning: its block is never closed, or nothing follows it.
    case onlyReasoning = "only_reasoning"
    /// The announced answer is plainly of another kind than the question's: "The answer is March." for a number.
    case otherKind = "other_kind"
    case noNumber = "no_number"
    /// The announced answer offers several numbers: "3 or 4", "10 to 20", "5, 6 or 7", "3 h 20 min".
    case severalNumbers = "several_numbers"
    case noChoice = "no_choice"
    /// Several choices are named and none of them is marked as the answer, or several are announced: "A or B".
    case severalChoices = "several_choices"
    /// The answer offers several days, months or verdicts: "Monday or Tuesday", "yes and no".
    case severalValues = "several_values"
    case noYesNo = "no_yes_no"
    case noDay = "no_day"
    case noMonth = "no_month"
    case noPhrase = "no_phrase"
    case noList = "no_list"
    /// The judge's reply holds no verdict or no score.
    case unreadableVerdict = "unreadable_verdict"
}
