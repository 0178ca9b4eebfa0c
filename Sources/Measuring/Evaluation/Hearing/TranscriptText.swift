import Foundation

/// Text in the form in which word error rates compare it: normalised by the rules of Whisper's English normaliser (Radford et al., 2022, appendix C), which the Open
/// ASR Leaderboard uses. Without its table of British spellings; "minus" stays a word, and so do halves and doubles.
///
///     lower case → remarks in brackets, hesitations left out → contractions and titles in full → punctuation left out
///                → numbers in digits (``SpokenNumbers``) → words
///
/// In scripts without blanks between words, every character counts as a word.
enum TranscriptText {
    static func words(_ text: String) -> [String] {
        var text = text.lowercased()
        for (pattern, replacement) in before { text = pattern.replaced(in: text, by: replacement) }
        text = withoutSymbols(text)
        text = SpokenNumbers.inDigits(text.split(separator: " ").map(String.init)).joined(separator: " ")
        for (pattern, replacement) in after { text = pattern.replaced(in: text, by: replacement) }
        return text.split(separator: " ").flatMap { word in
            word.unicodeScalars.contains(where: isUnspaced) ? word.map(String.init) : [String(word)]
        }
    }

    private struct Rule {
        let expression: NSRegularExpression

        init(_ pattern: String) {
            guard let expression = try? NSRegularExpression(pattern: pattern) else { preconditionFailure("the pattern \(pattern)") }
            self.expression = expression
        }

        func replaced(in text: String, by template: String) -> String {
            expression.stringByReplacingMatches(in: text, range: NSRange(text.startIndex..., in: text), withTemplate: template)
        }
    }

    private static let before: [(Rule, String)] =
        [
            ("(^|\\s)[-−](\\d)", "$1minus $2"), ("[<\\[][^>\\]]*[>\\]]", ""), ("\\(([^)]+?)\\)", ""), ("\\b(hmm|mm|mhm|mmm|uh|um)\\b", ""),
            ("\\s+'", "'"),
        ].map { (Rule($0), $1) } + contractions.map { (Rule($0), $1) }
        + [
            ("(\\d),(\\d)", "$1$2"), ("\\.([^0-9]|$)", " $1"),
        ].map { (Rule($0), $1) }

    private static let contractions = [
        ("\\bwon't\\b", "will not"), ("\\bcan't\\b", "can not"), ("\\blet's\\b", "let us"), ("\\bain't\\b", "aint"),
        ("\\by'all\\b", "you all"), ("\\bwanna\\b", "want to"), ("\\bgotta\\b", "got to"), ("\\bgonna\\b", "going to"),
        ("\\bi'ma\\b", "i am going to"), ("\\bimma\\b", "i am going to"), ("\\bwoulda\\b", "would have"),
        ("\\bcoulda\\b", "could have"), ("\\bshoulda\\b", "should have"), ("\\bma'am\\b", "madam"),
        ("\\bmr\\b", "mister "), ("\\bmrs\\b", "missus "), ("\\bst\\b", "saint "), ("\\bdr\\b", "doctor "), ("\\bprof\\b", "professor "),
        ("\\bcapt\\b", "captain "), ("\\bgov\\b", "governor "), ("\\bgen\\b", "general "), ("\\bsen\\b", "senator "),
        ("\\brep\\b", "representative "), ("\\bpres\\b", "president "), ("\\brev\\b", "reverend "), ("\\blt\\b", "lieutenant "),
        ("\\bcol\\b", "colonel "), ("\\bjr\\b", "junior "), ("\\bsr\\b", "senior "), ("\\besq\\b", "esquire "),
        ("'d been\\b", " had been"), ("'s been\\b", " has been"), ("'d gone\\b", " had gone"), ("'s gone\\b", " has gone"),
        ("'d done\\b", " had done"), ("'s got\\b", " has got"),
        ("n't\\b", " not"), ("'re\\b", " are"), ("'s\\b", " is"), ("'d\\b", " would"), ("'ll\\b", " will"), ("'t\\b", " not"),
        ("'ve\\b", " have"), ("'m\\b", " am"),
    ]

    private static let after: [(Rule, String)] = [
        ("([$£€])(\\d+)(?: and)? ¢(\\d\\d)\\b", "$1$2.$3"), ("[.$¢€£]([^0-9])", " $1"), ("[.$¢€£]$", ""), ("([^0-9])%", "$1 "),
        ("\\b1(s?)\\b", "one$1"),
    ]
    .map { (Rule($0), $1) }

    /// Replaces marks, symbols and punctuation by blanks and removes accents. Signs of numbers and money stay.
    private static func withoutSymbols(_ text: String) -> String {
        var plain = ""
        for scalar in text.decomposedStringWithCompatibilityMapping.unicodeScalars {
            switch scalar.properties.generalCategory {
            case _ where ".%$¢€£".unicodeScalars.contains(scalar): plain.unicodeScalars.append(scalar)
            case .nonspacingMark: break
            case .spacingMark, .enclosingMark, .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol, .connectorPunctuation,
                .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation, .finalPunctuation, .otherPunctuation,
                .spaceSeparator, .lineSeparator, .paragraphSeparator, .control:
                plain += " "
            default: plain += letters[scalar] ?? String(scalar)
            }
        }
        return plain.precomposedStringWithCanonicalMapping
    }

    /// Letters that Unicode's decomposition leaves as they are.
    private static let letters: [Unicode.Scalar: String] = [
        "œ": "oe", "ø": "o", "æ": "ae", "ß": "ss", "đ": "d", "ð": "d", "þ": "th", "ł": "l",
    ]

    private static func isUnspaced(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        // Thai and Lao, Khmer, kana, Han.
        case 0x0E00...0x0EFF, 0x1780...0x17FF, 0x3040...0x30FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0x20000...0x2FA1F: true
        default: false
        }
    }
}
