import Foundation

/// An instruction with its parsed arguments, ready to check responses.
///
///     keywords, letters, words, sentences      counted and compared with a number
///     sections, paragraphs, bullets, titles …  found by IFEval's patterns
///     language                                 guessed by script and small words (LanguageGuess)
///
/// The rules are those of IFEval's checkers, including their faults ("1. Go" is two sentences, "toward" contains the keyword "war"), with four
/// exceptions. Sentences are found by Punkt's rules and abbreviations, without what Punkt learnt
/// about single words. Languages are guessed by other rules than langdetect's, which are random. A requested letter stays as it is, where IFEval
/// replaces "#" or "!" by a random one. Keywords are texts, where IFEval uses them as regular expressions.
package struct InstructionRule: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case existence = "keywords:existence"
        case frequency = "keywords:frequency"
        case forbiddenWords = "keywords:forbidden_words"
        case letterFrequency = "keywords:letter_frequency"
        case language = "language:response_language"
        case sentences = "length_constraints:number_sentences"
        case paragraphs = "length_constraints:number_paragraphs"
        case words = "length_constraints:number_words"
        case firstWord = "length_constraints:nth_paragraph_first_word"
        case placeholders = "detectable_content:number_placeholders"
        case postscript = "detectable_content:postscript"
        case bullets = "detectable_format:number_bullet_lists"
        case constrained = "detectable_format:constrained_response"
        case highlights = "detectable_format:number_highlighted_sections"
        case sections = "detectable_format:multiple_sections"
        case json = "detectable_format:json_format"
        case title = "detectable_format:title"
        case twoResponses = "combination:two_responses"
        case repeatPrompt = "combination:repeat_prompt"
        case end = "startend:end_checker"
        case quotation = "startend:quotation"
        case capitalWords = "change_case:capital_word_frequency"
        case capital = "change_case:english_capital"
        case lowercase = "change_case:english_lowercase"
        case noComma = "punctuation:no_comma"
    }

    package let kind: Kind
    /// The requested number; for `firstWord` the number of paragraphs.
    let count: Int
    /// Whether the response must have fewer than `count`; otherwise it must have at least as many, or exactly as many.
    let isLimit: Bool
    /// A keyword, letter, marker, phrase, language code or first word.
    let text: String
    let list: [String]
    /// The index of the paragraph for `firstWord`, from 1.
    let paragraph: Int

    /// - Throws: ``InstructionError``. A missing argument is an error; it is not drawn at random as in IFEval.
    package init(_ instruction: Instruction) throws {
        guard let kind = Kind(rawValue: instruction.id) else { throw InstructionError.unknown(id: instruction.id) }
        let arguments = Arguments(instruction)
        var (count, paragraph, isLimit, text, list) = (0, 0, false, "", [String]())
        switch kind {
        case .existence: list = try arguments.list("keywords")
        case .forbiddenWords: list = try arguments.list("forbidden_words")
        case .frequency:
            text = try arguments.text("keyword")
            (count, isLimit) = (try arguments.number("frequency"), try arguments.isLimit("relation"))
        case .letterFrequency:
            text = try arguments.text("letter").lowercased()
            guard text.count == 1 else { throw InstructionError.argument(id: instruction.id, name: "letter", expected: "one character") }
            (count, isLimit) = (try arguments.number("let_frequency"), try arguments.isLimit("let_relation"))
        case .language:
            text = try arguments.text("language")
            guard LanguageGuess.codes.contains(text) else {
                throw InstructionError.argument(
                    id: instruction.id, name: "language", expected: "one of \(LanguageGuess.codes.sorted().joined(separator: ", ")), found \(text)")
            }
        case .sentences: (count, isLimit) = (try arguments.number("num_sentences"), try arguments.isLimit("relation"))
        case .words: (count, isLimit) = (try arguments.number("num_words"), try arguments.isLimit("relation"))
        case .capitalWords:
            (count, isLimit) = (try arguments.number("capital_frequency"), try arguments.isLimit("capital_relation"))
        case .paragraphs: count = try arguments.number("num_paragraphs")
        case .firstWord:
            (count, paragraph) = (try arguments.number("num_paragraphs"), try arguments.number("nth_paragraph"))
            guard (1...max(1, count)).contains(paragraph) else {
                throw InstructionError.argument(id: instruction.id, name: "nth_paragraph", expected: "from 1 to num_paragraphs, found \(paragraph)")
            }
            text = try arguments.text("first_word").lowercased()
        case .placeholders: count = try arguments.number("num_placeholders")
        case .postscript: text = try arguments.text("postscript_marker")
        case .bullets: count = try arguments.number("num_bullets")
        case .highlights: count = try arguments.number("num_highlights")
        case .sections: (count, text) = (try arguments.number("num_sections"), try arguments.text("section_spliter"))
        case .repeatPrompt: text = try arguments.text("prompt_to_repeat")
        case .end: text = try arguments.text("end_phrase").lowercased()
        case .constrained, .json, .title, .twoResponses, .quotation, .capital, .lowercase, .noComma: break
        }
        (self.kind, self.count, self.isLimit, self.text, self.list, self.paragraph) = (kind, count, isLimit, text, list, paragraph)
    }

    /// The arguments of one instruction by name.
    private struct Arguments {
        let id: String
        let values: [String: Instruction.Argument]

        init(_ instruction: Instruction) {
            id = instruction.id
            values = instruction.arguments
        }

        func number(_ name: String) throws -> Int {
            guard case .number(let number)? = values[name], number >= 0 else {
                throw InstructionError.argument(id: id, name: name, expected: "a number from 0 on")
            }
            return number
        }

        func text(_ name: String) throws -> String {
            guard case .text(let text)? = values[name] else { throw InstructionError.argument(id: id, name: name, expected: "a text") }
            let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
            guard !trimmed.isEmpty else { throw InstructionError.argument(id: id, name: name, expected: "a text that is not empty") }
            return trimmed
        }

        func list(_ name: String) throws -> [String] {
            // An empty text is no pattern.
            guard case .list(let list)? = values[name], !list.isEmpty, list.allSatisfy({ !$0.isEmpty }) else {
                throw InstructionError.argument(id: id, name: name, expected: "a list of texts that are not empty")
            }
            return list
        }

        /// Whether the relation is "less than".
        func isLimit(_ name: String) throws -> Bool {
            switch try text(name) {
            case "less than": return true
            case "at least": return false
            case let other:
                throw InstructionError.argument(id: id, name: name, expected: "\"less than\" or \"at least\", found \"\(other)\"")
            }
        }
    }
}
