/// The ways in which one question is put to a model. The first two make the gap; the others are controls.
package enum Arm: String, Codable, Sendable, CaseIterable, CodingKeyRepresentable {
    /// The question typed.
    case text
    /// The question spoken.
    case audio
    /// The empty prompt. It measures what can be guessed from the frame alone.
    case noAudio = "no_audio"
    /// Another question's audio. It measures the value of hearing *this* question.
    case shuffledAudio = "shuffled_audio"
    /// The model's own transcript of the audio, typed (the cascade). The difference to ``text`` is lost in hearing; the
    /// difference to ``audio`` is lost in reasoning over sound.
    case transcript
    /// The clip and the typed words together, the form of questions about sounds and music.
    case audioText = "audio_text"
}

/// One arm's answer to one item.
package struct ArmAnswer: Codable, Sendable, Equatable {
    /// The whole answer as generated.
    package var text: String
    /// The final answer found in it, in canonical form; nil if none was found.
    package var extracted: String?
    package var correct: Bool
    /// A judge's score from 1 to 5, if answers are rated; 4 and more is right. An empty answer, or one without a readable score, has 1.
    package var score: Int?
    /// For an item with instructions: whether each was followed. The answer is right if all were followed strictly.
    package var instructions: [InstructionOutcome]?
    /// The reason why no answer could be extracted. Such an answer is wrong and counted by reason.
    package var failure: String?
    /// The reason why the question could not be asked, such as an undecodable clip. Such an item is left out of the arm's accuracy and
    /// of every pair, and counted by reason.
    package var error: String?
    package var tokens: Int
    package var seconds: Double
    /// In the transcript arm: the model's transcript of the clip.
    package var heard: String?
    /// The word errors of the transcript against the question's text.
    package var wordErrors: WordErrors?

    private enum CodingKeys: String, CodingKey {
        case text, extracted, correct, score, instructions, failure, error, tokens, seconds, heard
        case wordErrors = "word_errors"
    }

    package init(
        text: String, extracted: String?, correct: Bool, score: Int? = nil, instructions: [InstructionOutcome]? = nil, failure: String? = nil,
        error: String? = nil, tokens: Int = 0,
        seconds: Double = 0
    ) {
        self.text = text
        self.extracted = extracted
        self.correct = correct
        self.score = score
        self.instructions = instructions
        self.failure = failure
        self.error = error
        self.tokens = tokens
        self.seconds = seconds
    }

    /// Reads a report or a progress file, and bounds its numbers, which go into sums and tables.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func bounded(_ key: CodingKeys, _ range: ClosedRange<Int>) throws -> Int? {
            guard let value = try container.decodeIfPresent(Int.self, forKey: key) else { return nil }
            if range.contains(value) { return value }
            throw DecodingError.dataCorruptedError(
                forKey: key, in: container, debugDescription: "expected \(range.lowerBound) to \(range.upperBound), found \(value)")
        }
        text = try container.decode(String.self, forKey: .text)
        extracted = try container.decodeIfPresent(String.self, forKey: .extracted)
        correct = try container.decode(Bool.self, forKey: .correct)
        score = try bounded(.score, 1...5)
        instructions = try container.decodeIfPresent([InstructionOutcome].self, forKey: .instructions)
        failure = try container.decodeIfPresent(String.self, forKey: .failure)
        error = try container.decodeIfPresent(String.self, forKey: .error)
        guard let tokens = try bounded(.tokens, 0...Reply.mostTokens) else {
            throw DecodingError.keyNotFound(
                CodingKeys.tokens, DecodingError.Context(codingPath: container.codingPath, debugDescription: "expected a count of tokens"))
        }
        self.tokens = tokens
        seconds = try container.decode(Double.self, forKey: .seconds)
        heard = try container.decodeIfPresent(String.self, forKey: .heard)
        wordErrors = try container.decodeIfPresent(WordErrors.self, forKey: .wordErrors)
    }
}

/// One item of a question set with every arm's answer: the atom of a report, kept in full.
package struct ItemResult: Codable, Sendable, Equatable {
    package var id: String
    package var category: String
    /// The question that several voices may speak; items that share it form a cluster.
    package var sourceQuestion: String
    package var voice: String?
    package var question: String
    /// The reference answer.
    package var answer: String
    /// The clip, relative to its question set.
    package var audio: String?
    package var arms: [Arm: ArmAnswer]

    package init(
        id: String, category: String, sourceQuestion: String? = nil, voice: String? = nil, question: String, answer: String,
        audio: String? = nil, arms: [Arm: ArmAnswer]
    ) {
        self.id = id
        self.category = category
        self.sourceQuestion = sourceQuestion ?? id
        self.voice = voice
        self.question = question
        self.answer = answer
        self.audio = audio
        self.arms = arms
    }

    enum CodingKeys: String, CodingKey {
        case id, category, voice, question, answer, audio, arms
        case sourceQuestion = "source_question"
    }

    /// The arm's answer, if the question could be asked.
    package func asked(_ arm: Arm) -> ArmAnswer? {
        guard let answer = arms[arm], answer.error == nil else { return nil }
        return answer
    }
}
