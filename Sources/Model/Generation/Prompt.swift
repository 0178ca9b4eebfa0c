package import Audio
package import Models

/// A prompt as the model reads it: token ids, with a run of placeholder slots for every clip.
package struct Prompt: Sendable {
    /// A clip's log-mel segments, the slots of its embeddings, and its source.
    package struct Clip: Sendable {
        package let segments: [AudioSegment]
        /// In order.
        package let slots: [Int]
        package let source: AudioSource

        package init(segments: [AudioSegment], slots: some Sequence<Int>, source: AudioSource) {
            self.segments = segments
            self.slots = Array(slots)
            self.source = source
        }

        /// The number of log-mel frames of the clip.
        package var frames: Int { segments.reduce(0) { $0 + $1.validFrames } }
    }

    package let tokens: [Int32]
    package let clips: [Clip]

    package init(tokens: [Int32], clips: [Clip] = []) {
        self.tokens = tokens
        self.clips = clips
    }

    package var audioTokens: Int { clips.reduce(0) { $0 + $1.slots.count } }
    package var audioSlots: [Int] { clips.flatMap(\.slots) }

    /// The prompt followed by tokens of an answer.
    package func appending(_ more: [Int32]) -> Prompt { Prompt(tokens: tokens + more, clips: clips) }
}
