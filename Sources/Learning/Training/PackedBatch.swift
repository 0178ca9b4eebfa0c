import Generation
import Randomness
import Tensors

/// Prompts and answers of several pairs, packed end to end for one forward pass without padding.
///
///     prompt₁ │ answer₁₁ │ answer₁₂ │ … │ prompt₂ │ answer₂₁ │ …
///
/// The answers of a prompt are packed behind it, one after another. Each attends to the prompt and to itself, and its positions continue the
/// prompt's. The row of the prompt's last token predicts every first token; an answer's last token needs no row.
struct PackedBatch {
    private(set) var tokens: [Int32] = []
    private(set) var positions: [Int32] = []
    private(set) var segments: [PackedSegment] = []
    private(set) var audioSlots: [Int] = []
    private(set) var clips: [Prompt.Clip] = []
    /// The rows whose logits predict the answers' tokens, answer by answer.
    private(set) var predictingRows: [Int] = []
    /// A name for each row and for the first row of each clip, for ``Dropout``. It depends only on the pair's stream and the place in the pair.
    private(set) var rowNames: [UInt64] = []
    private(set) var clipNames: [UInt64] = []

    /// Adds a prompt and the tokens of each of its answers.
    ///
    /// - Parameter stream: Names the pair's rows.
    mutating func append(_ prompt: Prompt, answers: [[Int32]], stream: UInt64 = 0) {
        func name(_ part: Int) -> UInt64 { RandomStream(seed: stream, index: part).first }
        let start = tokens.count
        let prefix = start..<start + prompt.tokens.count
        tokens += prompt.tokens
        positions += (0..<prompt.tokens.count).map { Int32($0) }
        segments.append(PackedSegment(queries: prefix, keys: [prefix], causal: true))
        audioSlots += prompt.audioSlots.map { start + $0 }
        clips += prompt.clips
        clipNames += prompt.clips.indices.map { name(-1 - $0) }
        let first = name(0)
        rowNames += prompt.tokens.indices.map { first &+ UInt64($0) }
        for (number, answer) in answers.enumerated() where !answer.isEmpty {
            let own = tokens.count..<tokens.count + answer.count - 1
            predictingRows.append(prefix.upperBound - 1)
            predictingRows += own
            if own.isEmpty { continue }
            tokens += answer.dropLast()
            let first = name(1 + number)
            rowNames += own.indices.map { first &+ UInt64($0 - own.lowerBound) }
            positions += own.indices.map { Int32(prompt.tokens.count + $0 - own.lowerBound) }
            segments.append(PackedSegment(queries: own, keys: [prefix, own], causal: true))
        }
    }

    /// The number of rows for a prompt with these answers.
    static func rowCount(_ prompt: Prompt, answers: [[Int32]]) -> Int {
        answers.reduce(prompt.tokens.count) { $0 + max(0, $1.count - 1) }
    }
}
