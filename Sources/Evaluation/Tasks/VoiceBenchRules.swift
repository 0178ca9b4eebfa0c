package import Randomness

/// VoiceBench's reading of a multiple-choice answer, for comparison with its published numbers only.
///
/// What is known of it (its evaluator for OpenBookQA and MMSU): the response is lower-cased, a leading `<1>`, `<2>` or `<3>` is
/// dropped, and about 150 fixed strings with a place for the letter are searched in order; within one string the letters a, b, c, d are
/// tried in order, as plain substrings. The first hit counts. Then a response that is a letter, or begins with one and `.` `,`
/// `:` `)`, counts. What is left gets a **random** letter, and so an accuracy of a quarter.
///
/// The strings fall into the families below, in the same order of precedence; spellings that a later family of the same
/// precedence covers are not repeated. Consequences of searching substrings are kept: "the answer is about…" reads as A, and the
/// first option of a list that the response repeats wins when nothing earlier hits.
package enum VoiceBenchRules {
    package enum Reading: Equatable, Sendable {
        case found(String)
        /// No rule applied; the letter is a draw from the generator.
        case random(String)

        package var letter: String {
            switch self {
            case .found(let letter), .random(let letter): letter
            }
        }
    }

    package static func read(_ response: String, using generator: inout RandomStream) -> Reading {
        if let letter = search(response) { return .found(letter) }
        return .random(["A", "B", "C", "D"][generator.index(below: 4)])
    }

    /// The letter that a rule finds; nil where VoiceBench would draw one.
    package static func search(_ response: String) -> String? {
        var text = response.lowercased()
        if text.hasPrefix("<1>") || text.hasPrefix("<2>") || text.hasPrefix("<3>") {
            text = String(text.dropFirst(3)).trimmed
        }
        for family in families {
            for ending in family.endings {
                for opening in family.openings {
                    for letter in ["a", "b", "c", "d"] where text.contains(opening + letter + ending) { return letter.uppercased() }
                }
            }
        }
        for letter in ["a", "b", "c", "d"] {
            if text == letter || [".", ",", ":", ")"].contains(where: { text.hasPrefix(letter + $0) }) { return letter.uppercased() }
        }
        return nil
    }

    /// Every opening with every ending around a letter; families and, within one, endings in order of precedence.
    private static let families: [(openings: [String], endings: [String])] = [
        (["答案是", "答案是 ", "答案是选项", "答案应该是", "答案应该是 ", "答案就是选项", "答案选"], [""]),
        (["是"], ["："]),
        ([""], ["是正确"]),
        (["final answer: ", "answer is: **", "answer is **", "the answer to the question is: **"], [""]),
        (["the answer is '"], ["'"]),
        ([""], [" is the best answer"]),
        (["the answer is ", "the correct answer is "], [""]),
        (["would select ", "would choose ", "would select option ", "would choose option "], [""]),
        (["is \""], ["\"", "."]),
        (["is: **", "is **", "be **", "as **", "is: \n\n**", "suggests **", "with **", "be to **"], [")", ",", ":", ".", "**"]),
        (["is **"], [" ("]),
        (["is option **", "is likely **", "is:\n**", "is:\n\n**"], ["**", ".", ")", ":"]),
        (["would be ", "would be option "], [""]),
        (["would be (", "would be option ("], [")"]),
        (["is ", "is typically ", "option ", "i'd say "], [",", ".", ":"]),
        (["is: "], ["."]),
        (["is ("], [")"]),
        ([":\n", ": \n", ":  \n", ":\n\n", ": \n\n"], [".", ")", ","]),
        (["("], [") would be"]),
        (["is ", "is: "], [")"]),
        (["(option ", "answer is ("], [")"]),
        (["answer: ", "answer is:\n\n", "answer is:\n", "is: "], [""]),
        (["is likely '", "is option '", "would be '"], ["'"]),
        (["\\boxed{", "\\boxed{\\text{", "\\text{", "\\textbf{", "\\mathbf{"], ["}", ")", ".", ":", " "]),
        (["is \\( ", "is \\("], [" \\)", "\\)"]),
        (["is:\n", "is:\n**"], [""]),
        ([" "], [".", ",", ":", ")"]),
        (["**"], [".", ")", ":"]),
        (["\""], [".", ",", ":"]),
        (["("], [")"]),
        (["\""], ["\""]),
        (["{"], ["}"]),
        (["\n\n**", "would be:\n\n"], [""]),
    ]
}

extension String {
    fileprivate var trimmed: String { String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed()) }
}
