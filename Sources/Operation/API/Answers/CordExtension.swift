/// The extension `cord` on every answer: which weights spoke, what they heard, and how long it took.

/// `cord` of an answer.
package struct CordExtension: Codable, Equatable, Sendable {
    package var weightVersion: String
    /// In the order of the prompt.
    package var audio: [HeardAudio]
    package var timings: Timings
    /// Of the random stream that drew the tokens; sent back, it gives the same answer.
    package var seed: Int?
    /// Members of the request that the model has no use for, such as `reasoning_effort` where its chat template knows none.
    package var ignored: [String]?
    /// Of chats: those answers that say at their end what their final answer is, parted.
    package var answers: [AnswerParts]?

    package init(
        weightVersion: String, audio: [HeardAudio], timings: Timings, seed: Int? = nil, ignored: [String] = [], answers: [AnswerParts] = []
    ) {
        self.ignored = ignored.isEmpty ? nil : ignored
        self.answers = answers.isEmpty ? nil : answers
        (self.weightVersion, self.audio, self.timings, self.seed) = (weightVersion, audio, timings, seed)
    }
}

/// An answer apart in what it announces at its end and what led to that.
package struct AnswerParts: Codable, Equatable, Sendable {
    /// Of the choice.
    package var index: Int
    package var answer: String
    package var reasoning: String

    package init(index: Int, answer: String, reasoning: String) {
        (self.index, self.answer, self.reasoning) = (index, answer, reasoning)
    }
}

/// A clip as it was understood.
package struct HeardAudio: Codable, Equatable, Sendable {
    package var seconds: Double
    /// Of the file, before resampling.
    package var sampleRate: Int
    package var channels: Int
    package var audioTokens: Int
    /// Of the bytes that were sent, in hexadecimal.
    package var sha256: String
    /// What the bytes turned out to be, as `wav/pcm_16`.
    package var format: String?

    package init(seconds: Double, sampleRate: Int, channels: Int, audioTokens: Int, sha256: String, format: String? = nil) {
        (self.seconds, self.sampleRate, self.channels, self.audioTokens) = (seconds, sampleRate, channels, audioTokens)
        (self.sha256, self.format) = (sha256, format)
    }
}

/// Seconds spent.
package struct Timings: Codable, Equatable, Sendable {
    /// Waiting for a place in the batch.
    package var queue: Double
    /// Decoding, resampling, log-mel and encoder.
    package var audio: Double
    package var prefill: Double
    package var decode: Double
    /// From the request's arrival to the first token.
    package var firstToken: Double
    package var total: Double

    package init(queue: Double, audio: Double, prefill: Double, decode: Double, firstToken: Double, total: Double) {
        (self.queue, self.audio, self.prefill, self.decode) = (queue, audio, prefill, decode)
        (self.firstToken, self.total) = (firstToken, total)
    }
}
