import Randomness

/// Days and months, forward and back, counted one by one.
///
///     Today is Friday. What day will it be in 2 days?  →  Friday, 1 Saturday, 2 Sunday. The answer is Sunday.
///     It is March. What month was it 2 months ago?     →  March, 1 February, 2 January. The answer is January.
///
/// A step of a week or more is first reduced: "9 - 7 = 2. Friday, 1 Saturday, 2 Sunday."
enum CalendarQuestions {
    private static let openings = [
        AnswerTask.day: ["Today is %.", "It is %.", "It is % today.", "It is now %."],
        AnswerTask.month: ["It is %.", "It is % now.", "Now it is %.", "It is now %."],
    ]
    private static let forward = ["What # will it be in % #s?", "Which # will it be in % #s?", "What # is it in % #s?"]
    private static let backward = ["What # was it % #s ago?", "Which # was it % #s ago?"]

    static func draw(_ random: inout RandomStream) -> Question {
        let task = random.pick([AnswerTask.day, .month])
        let names = task == .day ? Lexicon.days : Lexicon.months
        let isForward = random.integer(0...1) == 0
        let start = random.integer(0...names.count - 1)
        let steps = random.integer(2...9)

        let opening = random.pick(openings[task]!).filled(names[start])
        let phrasing = random.pick(isForward ? forward : backward)
        let text = opening + " " + phrasing.replacingHash(with: task.rawValue).filled(String(steps))

        let week = task == .day && steps >= 7
        let counted = week ? steps - 7 : steps
        let walk = (0...counted).map { step in
            let place = names[(start + (isForward ? step : names.count * 2 - step)) % names.count]
            return step == 0 ? place : "\(step) \(place)"
        }
        let answer = names[(start + (isForward ? counted : names.count * 2 - counted)) % names.count]
        return Question(
            family: .calendar, task: task, text: text,
            steps: (week ? "\(steps) - 7 = \(counted). " : "") + walk.joined(separator: ", ") + ".", answer: answer)
    }
}

extension String {
    /// The template with every `#` replaced by the same value.
    func replacingHash(with value: String) -> String {
        split(separator: "#", omittingEmptySubsequences: false).joined(separator: value)
    }
}
