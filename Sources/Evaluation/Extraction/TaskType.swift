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
}

/// Why no answer was found. Always a named result: an answer that cannot be read is never replaced by a guess.
package enum ExtractionFailure: String, Error, Codable, Sendable, CaseIterable {
    case empty
    case noNumber = "no_number"
    case noChoice = "no_choice"
    /// Several choices are named and none of them is marked as the answer.
    case severalChoices = "several_choices"
    case noYesNo = "no_yes_no"
    case noDay = "no_day"
    case noMonth = "no_month"
    case noPhrase = "no_phrase"
    case noList = "no_list"
}
