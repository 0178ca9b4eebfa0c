import Generation
import Tensors

/// Prompts and answers of several pairs, packed end to end for one forward pass without padding.
///
///     prompt₁ │ answer₁₁ │ answer₁₂ │ … │ prompt₂ │ answer₂₁ │ …
///
/// The answers of one prompt lie behind it side by side: each attends to the prompt and to itself, and its positions go on from
/// the prompt's. The row of the prompt's last token predicts every first token; an answer's last token needs no row.
struct PackedBatch {
    private(set) var tokens: [Int32] = []
    private(set) var positions: [Int32] = []
    private(set) var segments: [PackedSegment] = []
    private(set) var audioSlots: [Int] = []
    private(set) var clips: [Prompt.Clip] = []
    /// Rows whose logits predict the answers' tokens, answer after answer.
    private(set) var predictingRows: [Int] = []

    /// Adds a prompt with the tokens that each of its answers has.
    mutating func append(_ prompt: Prompt, answers: [[Int32]]) {
        let start = tokens.count
        let prefix = start..<start + prompt.tokens.count
        tokens += prompt.tokens
        positions += (0..<prompt.tokens.count).map { Int32($0) }
        segments.append(PackedSegment(queries: prefix, keys: [prefix], causal: true))
        audioSlots += prompt.audioSlots.map { start + $0 }
        clips += prompt.clips
        for answer in answers where !answer.isEmpty {
            let own = tokens.count..<tokens.count + answer.count - 1
            predictingRows.append(prefix.upperBound - 1)
            predictingRows += own
            if own.isEmpty { continue }
            tokens += answer.dropLast()
            positions += own.indices.map { Int32(prompt.tokens.count + $0 - own.lowerBound) }
            segments.append(PackedSegment(queries: own, keys: [prefix, own], causal: true))
        }
    }

    /// Rows that a prompt with these answers takes.
    static func rowCount(_ prompt: Prompt, answers: [[Int32]]) -> Int {
        answers.reduce(prompt.tokens.count) { $0 + max(0, $1.count - 1) }
    }
}
