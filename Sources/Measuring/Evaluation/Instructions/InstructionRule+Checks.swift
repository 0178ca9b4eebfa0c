import Foundation

extension InstructionRule {
    /// Whether a non-empty response follows the instruction.
    package func isFollowed(by response: String) -> Bool {
        switch kind {
        case .existence: list.allSatisfy { Expression(Expression.quoted($0), ignoringCase: true).count(in: response) > 0 }
        case .frequency: compares(Expression(Expression.quoted(text), ignoringCase: true).count(in: response))
        case .forbiddenWords: list.allSatisfy { Expression("\\b" + Expression.quoted($0) + "\\b", ignoringCase: true).count(in: response) == 0 }
        case .letterFrequency: compares(response.lowercased().unicodeScalars.count { String($0) == text })
        case .language: LanguageGuess.code(of: response).map { $0 == text } ?? true
        case .sentences: compares(SentenceCount.of(response))
        case .words: compares(Self.words(response))
        case .capitalWords: compares(CapitalWords.count(in: response))
        case .paragraphs: Self.dividedParagraphs(response) == count
        case .firstWord: hasFirstWord(response)
        case .placeholders: Expression("\\[.*?\\]").count(in: response) >= count
        case .postscript: hasPostscript(response.lowercased())
        case .bullets:
            Expression("^\\s*\\*[^\\*].*$").count(in: response) + Expression("^\\s*-.*$").count(in: response) == count
        case .constrained: ["My answer is yes.", "My answer is no.", "My answer is maybe."].contains { response.contains($0) }
        case .highlights: Self.highlights(response) >= count
        case .sections: Expression("\\s?" + Expression.quoted(text) + "\\s?\\d+\\s?").count(in: response) >= count
        case .json: Self.isJSON(response)
        case .title: Expression("<<[^\\n]+>>").all(in: response).contains { !$0.trimmed { "<>".contains($0) || $0.isWhitespace }.isEmpty }
        case .twoResponses: Self.isTwoResponses(response)
        case .repeatPrompt: response.trimmed().lowercased().hasPrefix(text.lowercased())
        case .end: response.trimmed().trimmed { $0 == "\"" }.lowercased().hasSuffix(text)
        case .quotation: response.trimmed().count > 1 && response.trimmed().hasPrefix("\"") && response.trimmed().hasSuffix("\"")
        case .capital: Case.isUpper(response) && LanguageGuess.isEnglish(response)
        case .lowercase: Case.isLower(response) && LanguageGuess.isEnglish(response)
        case .noComma: !response.contains(",")
        }
    }

    private func compares(_ found: Int) -> Bool { isLimit ? found < count : found >= count }

    /// Runs of letters, digits and underscores.
    static func words(_ text: String) -> Int {
        var (words, isInside) = (0, false)
        for scalar in text.unicodeScalars {
            let isWord = scalar == "_" || scalar.properties.numericType != nil || Self.isLetter(scalar)
            if isWord, !isInside { words += 1 }
            isInside = isWord
        }
        return words
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }

    /// The number of paragraphs between "***"; nil if one of the inner ones is empty.
    private static func dividedParagraphs(_ text: String) -> Int? {
        let parts = Expression("\\s?\\*\\*\\*\\s?").split(text)
        let filled = parts.map { !$0.trimmed().isEmpty }
        guard filled.dropFirst().dropLast().allSatisfy({ $0 }) else { return nil }
        return filled.count { $0 }
    }

    /// Paragraphs are divided by empty lines. An empty paragraph has an index but is not counted.
    private func hasFirstWord(_ text: String) -> Bool {
        let parts = text.components(separatedBy: "\n\n").map { $0.trimmed() }
        let filled = parts.count { !$0.isEmpty }
        guard filled == count, paragraph <= filled, let word = parts[paragraph - 1].split(whereSeparator: \.isWhitespace).first else { return false }
        let bare = word.drop { $0 == "'" }.drop { $0 == "\"" }
        return bare.prefix { !".,?!'\"".contains($0) }.lowercased() == self.text
    }

    private func hasPostscript(_ text: String) -> Bool {
        switch self.text {
        case "P.P.S": Expression("\\s*p\\.\\s?p\\.\\s?s.*$").count(in: text) > 0
        case "P.S.": Expression("\\s*p\\.\\s?s\\..*$").count(in: text) > 0
        default: Expression(Expression.quoted(self.text.lowercased())).count(in: text) > 0
        }
    }

    /// Spans in one asterisk and in two are counted separately.
    private static func highlights(_ text: String) -> Int {
        let single = Expression("\\*[^\\n\\*]*\\*").all(in: text).count { !$0.trimmed { $0 == "*" }.trimmed().isEmpty }
        let double = Expression("\\*\\*[^\\n\\*]*\\*\\*").all(in: text).count { !$0.dropFirst(2).dropLast(2).allSatisfy(\.isWhitespace) }
        return single + double
    }

    private static func isJSON(_ text: String) -> Bool {
        var bare = text.trimmed()[...]
        for fence in ["```json", "```Json", "```JSON", "```"] where bare.hasPrefix(fence) { bare = bare.dropFirst(fence.count) }
        if bare.hasSuffix("```") { bare = bare.dropLast(3) }
        // Foundation accepts a comma before a closing bracket; IFEval's checker does not. Strings are skipped as a whole.
        let outside = Expression("\"(?:[^\"\\\\]|\\\\.)*+\"").split(String(bare)).joined(separator: "\"")
        return Expression(",\\s*[\\]}]").count(in: outside) == 0
            && (try? JSONSerialization.jsonObject(with: Data(String(bare).trimmed().utf8), options: .fragmentsAllowed)) != nil
    }

    /// Whether the text is two different responses with "******" between them.
    private static func isTwoResponses(_ text: String) -> Bool {
        let parts = text.components(separatedBy: "******").map { $0.trimmed() }
        guard parts.dropFirst().dropLast().allSatisfy({ !$0.isEmpty }) else { return false }
        let filled = parts.filter { !$0.isEmpty }
        return filled.count == 2 && filled[0] != filled[1]
    }
}

/// A regular expression in Python's multi-line mode: only "
/// " ends a line, `^` and `$` match at the ends of every line, and `.` does not match "
/// ".
struct Expression {
    private let expression: NSRegularExpression

    init(_ pattern: String, ignoringCase: Bool = false) {
        var options: NSRegularExpression.Options = [.anchorsMatchLines, .useUnixLineSeparators]
        if ignoringCase { options.insert(.caseInsensitive) }
        do { expression = try NSRegularExpression(pattern: pattern, options: options) } catch {
            preconditionFailure("\(pattern) is no regular expression: \(error)")
        }
    }

    /// A pattern that matches the text literally. Texts of question sets are never used as expressions, which could search for ever.
    static func quoted(_ text: String) -> String { NSRegularExpression.escapedPattern(for: text) }

    func count(in text: String) -> Int { expression.numberOfMatches(in: text, range: NSRange(location: 0, length: text.utf16.count)) }

    func all(in text: String) -> [String] {
        let whole = text as NSString
        return expression.matches(in: text, range: NSRange(location: 0, length: whole.length)).map { whole.substring(with: $0.range) }
    }

    /// The parts between the matches.
    func split(_ text: String) -> [String] {
        let whole = text as NSString
        var (parts, start) = ([String](), 0)
        for match in expression.matches(in: text, range: NSRange(location: 0, length: whole.length)) {
            parts.append(whole.substring(with: NSRange(location: start, length: match.range.location - start)))
            start = match.range.location + match.range.length
        }
        return parts + [whole.substring(from: start)]
    }
}

extension StringProtocol {
    /// The text without the characters at both ends that satisfy `isDropped`; white space by default.
    func trimmed(_ isDropped: (Character) -> Bool = \.isWhitespace) -> String {
        String(drop(while: isDropped).reversed().drop(while: isDropped).reversed())
    }
}
