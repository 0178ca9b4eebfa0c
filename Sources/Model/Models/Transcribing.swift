/// The turns by which a family is asked to transcribe, and what of the answer is the transcript.
package struct TranscriptionPrompt: Sendable, Equatable {
    package enum Place: Sendable { case beforeClip, afterClip }

    /// What is asked: the words of the system turn, nil where the chat format's own stays, and those beside the clip.
    package struct Words: Sendable, Equatable {
        package let system: String?
        package let user: String

        package init(_ user: String, system: String? = nil) {
            self.system = system
            self.user = user
        }
    }

    package enum Reading: Sendable, Equatable {
        /// The answer is the transcript.
        case whole
        /// It may stand in quotes behind one of these beginnings.
        case quoted(after: [String])
        /// `language NAME<asr_text>transcript`; a language that is known is written before the answer, as its beginning.
        case tagged(String)
        /// The prompt ends with `lang:CODE`, where the language is known, and this tag; the answer is the transcript.
        case marked(String)
    }

    /// `{language}` is replaced by the language's English name, and left out with the blank behind it where none is known.
    package let transcribe: Words
    /// Into English; nil where the family documents no words for it.
    package let translate: Words?
    package let place: Place
    /// Whether names and terms that help to recognise (OpenAI's `prompt`) have a place: the system turn.
    package let takesContext: Bool
    package let reading: Reading

    package init(
        _ transcribe: Words, translate: Words? = nil, place: Place = .afterClip, takesContext: Bool = false, reading: Reading = .whole
    ) {
        self.transcribe = transcribe
        self.translate = translate
        self.place = place
        self.takesContext = takesContext
        self.reading = reading
    }
}

extension TranscriptionPrompt.Words {
    /// The words for a language by its English name.
    package func user(language: String?) -> String { user.replacing("{language} ", with: language.map { $0 + " " } ?? "") }
}

extension TranscriptionPrompt.Reading {
    /// What is written behind the turns, text and then the tag, a token; `language` is the spoken one by its English name and its code, where it
    /// is known. It comes from users: the text may spell no token.
    package func beginning(language: (name: String, code: String)?) -> (text: String, tag: String)? {
        switch self {
        case .whole, .quoted: nil
        case .tagged(let tag): language.map { ("language \($0.name)", tag) }
        case .marked(let tag): (language.map { "lang:\($0.code)" } ?? "", tag)
        }
    }

    /// The transcript in an answer, and the language that it names.
    package func read(_ answer: String) -> (text: String, language: String?) {
        let answer = answer.trimmed()
        switch self {
        case .whole: return (answer, nil)
        case .marked(let tag): return (String((answer.firstRange(of: tag).map { answer[$0.upperBound...] } ?? answer[...])).trimmed(), nil)
        case .quoted(let beginnings):
            var text = answer
            if let beginning = beginnings.first(where: text.hasPrefix) { text = String(text.dropFirst(beginning.count)).trimmed() }
            // A sentence's full stop stands behind its quotes.
            let sentence = text.hasSuffix(".") ? String(text.dropLast()).trimmed() : text
            if sentence.count > 1, let quote = sentence.first, quote == sentence.last, quote == "\"" || quote == "'" {
                return (String(sentence.dropFirst().dropLast()).trimmed(), nil)
            }
            return (text, nil)
        case .tagged(let tag):
            guard let place = answer.firstRange(of: tag) else { return (answer, nil) }
            let language = answer[..<place.lowerBound].replacing("language ", with: "").trimmed()
            return (answer[place.upperBound...].trimmed(), language.isEmpty || language == "None" ? nil : language)
        }
    }
}

extension StringProtocol {
    fileprivate func trimmed() -> String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
