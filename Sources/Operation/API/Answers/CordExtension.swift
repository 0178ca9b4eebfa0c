/// The extension `cord` of every answer: the weights that answered, the audio they heard, and how long it took.

/// The member `cord` of an answer.
package struct CordExtension: Codable, Equatable, Sendable {
    package var weightVersion: String
    /// In the order of the prompt.
    package var audio: [HeardAudio]
    package var timings: Timings
    /// The seed of the random stream that drew the tokens. Sending it back reproduces the answer.
    package var seed: Int?
    /// Request members that the model does not use, such as `reasoning_effort` if its chat template has no such variable.
    package var ignored: [String]?
    /// In chats: for each answer that announces its final answer at its end, its two parts.
    package var answers: [AnswerParts]?

    package init(
        weightVersion: String, audio: [HeardAudio], timings: Timings, seed: Int? = nil, ignored: [String] = [], answers: [AnswerParts] = []
    ) {
        self.ignored = ignored.isEmpty ? nil : ignored
        self.answers = answers.isEmpty ? nil : answers
        (self.weightVersion, self.audio, self.timings, self.seed) = (weightVersion, audio, timings, seed)
    }
}

/// An answer split into the final answer that it announces at its end and the reasoning before it.
package struct AnswerParts: Codable, Equatable, Sendable {
    /// The index of the choice.
    package var index: Int
    package var answer: String
    package var reasoning: String

    package init(index: Int, answer: String, reasoning: String) {
        (self.index, self.answer, self.reasoning) = (index, answer, reasoning)
    }
}

/// A clip as the server decoded it.
package struct HeardAudio: Codable, Equatable, Sendable {
    package var seconds: Double
    /// The file's own rate, before resampling.
    package var sampleRate: Int
    package var channels: Int
    package var audioTokens: Int
    /// The digest of the bytes as sent, in hexadecimal.
    package var sha256: String
    /// The detected format, as in `wav/pcm_16`.
    package var format: String?

    package init(seconds: Double, sampleRate: Int, channels: Int, audioTokens: Int, sha256: String, format: String? = nil) {
        (self.seconds, self.sampleRate, self.channels, self.audioTokens) = (seconds, sampleRate, channels, audioTokens)
        (self.sha256, self.format) = (sha256, format)
    }
}

/// Durations in seconds.
package struct Timings: Codable, Equatable, Sendable {
    /// Time spent waiting for a place in the batch.
    package var queue: Double
    /// Time spent on decoding, resampling, log-mel and the encoder.
    package var audio: Double
    package var prefill: Double
    package var decode: Double
    /// Time from the request's arrival to the first token.
    package var firstToken: Double
    package var total: Double

    package init(queue: Double, audio: Double, prefill: Double, decode: Double, firstToken: Double, total: Double) {
        (self.queue, self.audio, self.prefill, self.decode) = (queue, audio, prefill, decode)
        (self.firstToken, self.total) = (firstToken, total)
    }
}
