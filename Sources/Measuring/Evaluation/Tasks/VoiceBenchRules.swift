package import Randomness

/// VoiceBench's extraction for multiple-choice answers, only for comparison with its published numbers.
///
///     response → lower case → without a leading <1>, <2> or <3> → the first rule that hits, tried with a, b, c, d in this order
///                                                               → a response that is a letter, or begins with one and . , : )
///                                                               → a **random** letter, and so an accuracy of a quarter
///
/// A rule is a fixed text around the letter, searched as a plain substring; an earlier rule wins wherever it hits. The table and its
/// order are those of VoiceBench's evaluator for OpenBookQA and MMSU, including its faults: "the answer is about…" reads as A, and the
/// first option of a list that the response repeats wins when nothing earlier hits.
package enum VoiceBenchRules {
    package enum Reading: Equatable, Sendable {
        case found(String)
        /// No rule applied, and the letter was drawn from the generator.
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

    /// The letter that a rule finds; nil if VoiceBench would draw one.
    package static func search(_ response: String) -> String? {
        var lowered = response.lowercased()
        if ["<1>", "<2>", "<3>"].contains(where: lowered.hasPrefix) { lowered = lowered.dropFirst(3).trimmed }
        // The search is over bytes: a character would include a mark that combines with a letter.
        let text = Array(lowered.utf8)
        for rule in needles {
            for (letter, needle) in zip(letters, rule) where text.contains(run: needle) { return letter }
        }
        for letter in letters {
            let small = letter.lowercased()
            if lowered == small || [".", ",", ":", ")"].contains(where: { text.starts(with: (small + $0).utf8) }) { return letter }
        }
        return nil
    }

    private static let letters = ["A", "B", "C", "D"]
    private static let needles = rules.map { rule in letters.map { Array(rule.replacing("•", with: $0.lowercased()).utf8) } }

    /// In order of precedence; • stands for the letter.
    package static let rules = [
        "答案是•", "答案是 •", "答案是选项•", "答案应该是•", "答案应该是 •", "答案就是选项•", "答案是‘•", "是•：", "答案选•", "•是正确", "选项•是最合适的",
        "answer is: **•", "answer is **•", "the answer to the question is: **•", "the answer to the multiple-choice question is **•",
        "the answer is '•'", "• is the best answer", "the answer is •", "the correct answer is •",
        "would select •", "would choose •", "would select option •", "would choose option •",
        "is \"•\"", "is \"•.", "is: **•)", "is **•,", "is **•:", "is **•)", "is: **•.", "is: **•:", "is **•.", "be **•,", "is: **•**",
        "is therefore option **•:", "is: \n\n**•)", "as **•:", "be **•)", "be **•:", "is: \n\n**•**", "suggests **•)", "be option **•:",
        "with **•)", "is typically \"•)", "be to **•)", "is: \n\n•)", "is likely to be: **•.", "is **• (", "is option **•**",
        "is likely **•**", "is:\n**•.", "is:\n\n**•.", "would be •", "would be option •", "would be (•)", "would be option (•)",
        "is •,", "is typically •,", "is typically •.", "i'd say •.", "option •.", "option •:", "option •,", "the answer is:\n**•",
        "is •:", "is •.", "is •,", "is: •.", "is (•)", "is:\n**•)", "is likely **•:", "is the **•)",
        ":\n•.", ":\n•)", ":\n•,", ": \n•.", ":  \n•.", ":\n\n•.", ":\n\n•)", "is most likely **•:", ":\n\n•,", ": \n\n•.",
        "is option •,", "(•) would be", "is (•).", "is •)", "is: •)", "is:\n\n•:", "is: **•,", "(option •)", "answer is (•)",
        "select option \"•\"", "is: •", "is typically **•,", "is **•**", "is likely '•'", "is option '•'", "is:\n**•:", "is \\( \\boxed{• ",
        "would be '•'", "is the **•** ", "question is • (", "is:\n\n**•)", "closest to option **•**", "is most likely **•)",
        "the answer to the question is '•'", "question is **•**", "known as '•'", "is '•)", "is typically **•:",
        "is \\( \\boxed{\\text{•}} \\)", "is \\( \\text{•) }", "is \\( \\text{•} \\)", "is \\( \\text{•:", "is \\( \\text{•)", "is \\(\\text{•.",
        "is:\n\n**•", "is \\( \\text{•.}", "is \\( \\text{•.", "is \\( \\boxed{•}", "is:\n\\[ \\boxed{\\text{•}}", "is:\n\\[ \\text{•)",
        "is:\n\n\\[ \\text{•)", "is \\( \\textbf{•)", "is \\( \\text{•}", "is: \\( \\text{•.", "corresponds to:\n- **•:", "would be: **•**.",
        "is \\( • \\)", "is:\n**• ", "corresponds to option **•**", "be **•**", "be: \n\n•)", "is:\n\\[ \\boxed{•}", "is:  \n**•:",
        "is: \\( \\text{•)", "is likely: **•,", "is } \\mathbf{•.", "is \\( \\boxed{•)", "is \\( \\textbf{•}", "is \\(•\\)", "is:\n  \n**•:",
        "is option **• ", "is:\n\\( \\textbf{•.", "is \\( \\mathbf{•}", "was option **•**", "is likely \"•)", "option **•:", "is \"•)",
        "is most likely **•,", "is often **•:", "is:  \n•)", " •.", " •,", " •:", " •)", "**•.", "**•)", "\"•.", "\"•,", "\"•:", "(•)", "\"•\"",
    ]
}

extension Substring {
    fileprivate var trimmed: String { String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed()) }
}

extension [UInt8] {
    func contains(run needle: [UInt8]) -> Bool {
        guard let first = needle.first, needle.count <= count else { return false }
        var place = 0
        let last = count - needle.count
        while place <= last {
            guard let hit = self[place...last].firstIndex(of: first) else { return false }
            if self[hit..<hit + needle.count].elementsEqual(needle) { return true }
            place = hit + 1
        }
        return false
    }
}
