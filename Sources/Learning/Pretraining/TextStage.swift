import Foundation
package import Generation
import Models
import Questions
package import Randomness
import Tensors
import Tokenization
import Training

/// Typed questions and their worked solutions; and, from the middle on, questions spelled as the encoder will: tokens repeated,
/// with blanks between, where the clip's embeddings will stand. A decoder that has read those can read audio embeddings.
struct TextStage: Stage {
    let name = "text"
    static let plan = AdapterPlan.full([.decoder])

    let settings: StageSettings
    let model: LoadedModel
    /// The share of bare sums in a batch, the single steps of the questions.
    var drillShare = 0.2
    /// The share of questions spelled in frames in a batch, in the second half of the stage.
    var spelledShare = 0.35

    func learn(step: Int, _ weights: TrainableWeights, on tape: Tape) throws -> [String: Double] {
        let batchSize = settings.batchSize
        let spelled = step >= settings.steps / 2 ? Int(Double(batchSize) * spelledShare) : 0
        let examples = try TypedExamples(model: model).draw(
            batchSize, drills: Int(Double(batchSize) * drillShare), spelled: spelled,
            seed: settings.seed &+ UInt64(step) &* 0x9E37_79B9_7F4A_7C15)
        let (loss, accuracy) = AnswerLearning(model: model.model, weights: weights).learn(examples, on: tape)
        return ["loss": loss, "accuracy": accuracy]
    }
}

/// Draws typed examples from the question generator.
struct TypedExamples {
    let model: LoadedModel

    /// `count` examples: `drills` bare sums, `spelled` questions in frames, `unanswerable` ones, the others as typed. The same seed draws
    /// the same.
    func draw(_ count: Int, drills: Int, spelled: Int, unanswerable: Int = 0, seed: UInt64) throws -> [Example] {
        var random = RandomStream(seed: seed, part: "drills and frames")
        var generator = QuestionGenerator(seed: seed, split: .training)
        var riddles = QuestionGenerator(seed: seed, split: .training, families: [.unanswerable])
        let frame = try SpokenPrompt(model)
        return try (0..<count).map { index in
            if index < drills {
                let (text, solution) = Self.drill(&random)
                return try example(text, solution)
            }
            let isRiddle = index >= count - unanswerable
            guard let question = isRiddle ? riddles.next() : generator.next() else { preconditionFailure("questions never end") }
            if index < drills + spelled {
                let tokens = try model.tokenizer.encode(question.text).map { Int32($0) }
                return Example(
                    prompt: frame.spelling(tokens, &random), answer: try model.answerTokens(question.solution))
            }
            return try example(question.text, question.solution)
        }
    }

    private func example(_ text: String, _ solution: String) throws -> Example {
        Example(
            prompt: try model.prompt([Message(role: "user", parts: [.text(text)])]),
            answer: try model.answerTokens(solution))
    }

    /// A sum, a difference or a product of the sizes that questions have.
    private static func drill(_ random: inout RandomStream) -> (text: String, solution: String) {
        let text: String
        let value: Int
        switch random.integer(0...3) {
        case 0:
            let (a, b) = (random.integer(2...9), random.integer(2...9))
            (text, value) = ("\(a) x \(b) =", a * b)
        case 1:
            let a = random.integer(2...99)
            let b = random.integer(1...a)
            (text, value) = ("\(a) - \(b) =", a - b)
        default:
            let (a, b) = (random.integer(1...80), random.integer(1...60))
            (text, value) = ("\(a) + \(b) =", a + b)
        }
        return (text, "\(text) \(value). The answer is \(value).")
    }
}

/// The prompt of a spoken question, with something else in the place of the clip's embeddings.
package struct SpokenPrompt {
    private let before: [Int32]
    private let after: [Int32]
    /// The placeholder token, whose own embedding stands for the moments between words.
    package let blank: Int32

    package init(_ model: LoadedModel) throws {
        guard let audio = model.model.audio else { preconditionFailure("a model without an encoder") }
        blank = audio.placeholder.token
        let ids = try model.chat.encode([TemplateMessage(role: "user", parts: [.audio])]).map { Int32($0) }
        guard let place = ids.firstIndex(of: blank) else { preconditionFailure("a chat format without a place for audio") }
        before = Array(ids[..<place])
        after = Array(ids[(place + 1)...])
    }

    /// `tokens` as an encoder's frames: each once to four times, none to four blanks between, some at both ends.
    package func spelling(_ tokens: [Int32], _ random: inout RandomStream) -> Prompt {
        var frames = blanks(0...6, &random)
        var last: Int32?
        for token in tokens {
            // Equal neighbours need a blank between them to stay two.
            frames += blanks((token == last ? 1 : 0)...4, &random)
            var repeats = 1
            while repeats < 4 && random.unit() < 0.3 { repeats += 1 }
            frames += [Int32](repeating: token, count: repeats)
            last = token
        }
        frames += blanks(0...6, &random)
        return Prompt(tokens: before + frames + after)
    }

    private func blanks(_ range: ClosedRange<Int>, _ random: inout RandomStream) -> [Int32] {
        [Int32](repeating: blank, count: random.integer(range))
    }
}

extension LoadedModel {
    /// A whole answer as it is generated: its tokens and the one that ends it.
    func answerTokens(_ text: String) throws -> [Int32] {
        try tokenizer.encode(text).map { Int32($0) } + [turnEnd]
    }
}
