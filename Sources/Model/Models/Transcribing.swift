/// A family's prompt for a transcript, and the way to find the transcript in the answer.
package struct TranscriptionPrompt: Sendable, Equatable {
    package enum Place: Sendable { case beforeClip, afterClip }

    /// The words of the prompt: those of the system turn, nil for the chat format's own, and those beside the clip.
    package struct Words: Sendable, Equatable {
        package let system: String?
        package let user: String

        package init(_ user: String, system: String? = nil) {
            self.system = system
            self.user = user
        }
    }

    package enum Reading: Sendable, Equatable {
        /// The whole answer is the transcript.
        case whole
        /// The transcript may be in quotes after one of these beginnings.
        case quoted(after: [String])
        /// `language NAME<asr_text>transcript`. If the language is known, the prompt contains this beginning of the answer.
        case tagged(String)
        /// The prompt ends with `lang:CODE`, if the language is known, and this tag. The answer is the transcript.
        case marked(String)
    }

    /// `{language}` stands for the language's English name. If the language is unknown, it is removed with the blank after it.
    package let transcribe: Words
    /// The words for a translation into English; nil if the family documents none.
    package let translate: Words?
    package let place: Place
    /// Whether the system turn takes names and terms that help recognition (OpenAI's `prompt`).
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
    /// The beginning of the answer within the prompt: text, then the tag, which is a token. `language` is the spoken language's English name and code, if it
    /// is known. It comes from users, so its text must not become a control token.
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
            // The full stop of a sentence follows its quotes.
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
