package import Generation
package import Models
package import Tensors
package import Training

/// A prompt and the answer to learn.
package struct Example: Sendable {
    let prompt: Prompt
    let answer: [Int32]

    /// - Parameter answer: Ends with the token that ends answers.
    package init(prompt: Prompt, answer: [Int32]) {
        self.prompt = prompt
        self.answer = answer
    }
}

/// Examples packed end to end for one pass. What all prompts begin with, such as the system turn, is there once: everything
/// after it attends to it.
struct PackedExamples {
    private(set) var tokens: [Int32] = []
    private(set) var positions: [Int32] = []
    private(set) var segments: [PackedSegment] = []
    private(set) var audioSlots: [Int] = []
    private(set) var clips: [Prompt.Clip] = []
    /// Rows whose logits predict ``targets``.
    private(set) var predictingRows: [Int] = []
    private(set) var targets: [Int32] = []

    init(_ examples: [Example]) {
        let shared = Self.sharedTokens(examples)
        tokens = shared
        positions = shared.indices.map(Int32.init)
        let prefix = 0..<shared.count
        if !prefix.isEmpty { segments.append(PackedSegment(queries: prefix, keys: [prefix], causal: true)) }
        for example in examples {
            let start = tokens.count
            let own = example.prompt.tokens.dropFirst(shared.count) + example.answer.dropLast()
            tokens += own
            positions += (0..<own.count).map { Int32(shared.count + $0) }
            let rows = start..<tokens.count
            segments.append(PackedSegment(queries: rows, keys: prefix.isEmpty ? [rows] : [prefix, rows], causal: true))
            audioSlots += example.prompt.audioSlots.map { $0 - shared.count + start }
            clips += example.prompt.clips
            predictingRows += rows.upperBound - example.answer.count..<rows.upperBound
            targets += example.answer
        }
    }

    /// The longest beginning that all prompts have, without audio and without the token that predicts an answer.
    private static func sharedTokens(_ examples: [Example]) -> [Int32] {
        guard let first = examples.first, examples.count > 1 else { return [] }
        var count = examples.map { min($0.prompt.tokens.count - 1, $0.prompt.audioSlots.first ?? .max) }.min() ?? 0
        for example in examples {
            while !example.prompt.tokens.prefix(count).elementsEqual(first.prompt.tokens.prefix(count)) { count -= 1 }
        }
        return Array(first.prompt.tokens.prefix(count))
    }

    /// Rows that an example takes beyond what it shares, at most.
    static func rowCount(_ example: Example) -> Int { example.prompt.tokens.count + example.answer.count - 1 }
}

/// Cross entropy of answers, its gradient on a tape.
package struct AnswerLearning {
    let model: AudioLanguageModel
    let weights: TrainableWeights
    /// Rows of one pass; more examples take several, whose gradients add up.
    let passRows: Int

    package init(model: AudioLanguageModel, weights: TrainableWeights, passRows: Int = 6144) {
        self.model = model
        self.weights = weights
        self.passRows = passRows
    }

    /// Adds to `tape` the gradient of the mean over all answers' tokens; returns the loss and the share of tokens that are the most probable.
    package func learn(_ examples: [Example], on tape: Tape) -> (loss: Double, accuracy: Double) {
        let version = weights.view(id: "live")
        let total = examples.reduce(0) { $0 + $1.answer.count }
        var loss = 0.0
        var right = 0
        for group in groups(examples) {
            let batch = PackedExamples(group)
            let audio =
                batch.clips.isEmpty
                ? nil
                : model.embed(
                    batch.clips.map(\.segments), versions: batch.clips.map { _ in version }, arithmetic: .float32,
                    weights.trainsHearing ? tape : nil)
            let states = model.decoder.hidden(
                tokens: batch.tokens, positions: batch.positions, audioSlots: batch.audioSlots, audio: audio,
                keyValues: .packed(batch.segments),
                Pass(version: version, rows: batch.tokens.count, arithmetic: .float32, tape: tape))
            let selected = selectRows(states, batch.predictingRows, tape)
            let logits = model.decoder.logits(
                selected, Pass(version: version, rows: selected.rows, arithmetic: .float32, tape: tape))
            for (measure, target) in zip(measureRows(logits, teacher: nil, targets: batch.targets), batch.targets) {
                loss -= Double(measure.logProbability) / Double(total)
                if measure.argmax == Int(target) { right += 1 }
            }
            let zeros = [Float](repeating: 0, count: batch.targets.count)
            overwriteWithGradient(
                logits, teacher: nil, targets: batch.targets, reverseKL: zeros, forwardKL: zeros,
                logProbability: [Float](repeating: 1 / Float(total), count: batch.targets.count))
            tape.backward(from: logits, gradient: logits)
        }
        return (loss, Double(right) / Double(total))
    }

    private func groups(_ examples: [Example]) -> [[Example]] {
        var groups: [[Example]] = []
        var rows = 0
        for example in examples {
            let more = PackedExamples.rowCount(example)
            if groups.isEmpty || rows + more > passRows {
                groups.append([])
                rows = 0
            }
            groups[groups.count - 1].append(example)
            rows += more
        }
        return groups
    }
}
