import Audio
import Foundation
import Generation
import Models
import Questions
import Randomness
import Speech
import Tensors
import Tokenization
import Training

/// Hearing: the projector's output is to spell the question in the decoder's own embeddings.
///
///     logits = s · a Eᵀ,  a [T, hidden] the clip's embeddings, E [vocabulary, hidden] the frozen text embeddings,  CTC
///
/// The scale s makes an embedding of E's own norm a confident answer, so that audio embeddings grow no longer than text's.
struct HearingStage: Stage {
    static let plan = AdapterPlan([.encoder, .projector], .fullButPositions)
    static let confidence = 12.0

    let name: String
    let settings: StageSettings
    let model: LoadedModel
    let questions: SpokenQuestions
    let table: Tensor
    /// The placeholder token, whose own embedding stands for the moments between words.
    let blank: Int32

    init(name: String, settings: StageSettings, model: LoadedModel, questions: SpokenQuestions) {
        self.name = name
        self.settings = settings
        self.model = model
        self.questions = questions
        guard let audio = model.model.audio else { preconditionFailure("a model without an encoder") }
        blank = audio.placeholder.token
        let embeddings = model.model.decoder.embedding.table.stored.widened()
        let squares = sumOfSquares(embeddings) / Double(embeddings.rows)
        scale(embeddings, by: Float(Self.confidence / squares))
        table = embeddings
    }

    func learn(step: Int, _ weights: TrainableWeights, on tape: Tape) throws -> [String: Double] {
        let version = weights.view(id: "live")
        let batch = try questions.batch(settings.batchSize, step: step, seed: settings.seed, model)
        let clips = batch.map(\.prompt.clips[0])
        let audio = model.model.embed(
            clips.map(\.segments), versions: clips.map { _ in version }, arithmetic: .float32, tape)
        let logits = linear(audio, StoredMatrix(table), tape)
        let lengths = clips.map(\.slots.count)
        let labels = try batch.map { try model.tokenizer.encode($0.question.text).map { Int32($0) } }
        let error = TokenError(argmaxRows(logits), lengths: lengths, labels: labels, blank: blank)
        let losses = overwriteWithCTCGradient(
            logits, lengths: lengths, labels: labels, blank: blank,
            scale: 1 / Float(labels.reduce(0) { $0 + $1.count }))
        tape.backward(from: logits, gradient: logits)
        let finite = losses.filter(\.isFinite)
        return [
            "loss": finite.reduce(0, +) / Double(error.labels), "token_error": error.rate,
            "too_short": Double(losses.count - finite.count),
        ]
    }
}

/// Joining: clips and what is to be said to them, beside typed questions that keep what is known; every parameter learns.
///
/// A step's examples are 5/16 typed. Of its clips 1/4 are to be written down, in 1/11 nobody speaks, and the others are answered.
struct JoiningStage: Stage {
    static let plan = AdapterPlan(AdapterPlan.Part.allCases, .fullButPositions)
    static let unheard = "I could not hear a question. I cannot answer that."

    let name = "joining"
    let settings: StageSettings
    let model: LoadedModel
    /// With solutions to learn.
    let labelled: SpokenQuestions
    /// To be written down.
    let speakers: SpokenQuestions

    func learn(step: Int, _ weights: TrainableWeights, on tape: Tape) throws -> [String: Double] {
        let typed = settings.batchSize * 5 / 16
        let clips = settings.batchSize - typed
        let (written, silent) = (clips / 4, max(1, clips / 11))
        let answered = clips - written - silent
        let transcribing = model.model.transcription.transcribe.user(language: nil)
        var random = RandomStream(seed: settings.seed &+ UInt64(step), part: "silence")
        var heard = try labelled.batch(answered, step: step, seed: settings.seed, model).map {
            Example(prompt: $0.prompt, answer: try model.answerTokens($0.question.solution ?? ""))
        }
        heard += try speakers.batch(written, step: step, seed: settings.seed &+ 1, model, words: transcribing).map {
            Example(prompt: $0.prompt, answer: try model.answerTokens($0.question.text))
        }
        heard += try (0..<silent).map { index in
            let writes = index % 4 == 3
            let samples = Silence.draw(&random)
            return Example(
                prompt: try model.prompt(hearing: samples, named: "silence/\(step)/\(index)", writes ? transcribing : nil),
                answer: try model.answerTokens(writes ? "" : Self.unheard))
        }
        let read = try TypedExamples(model: model).draw(
            typed, drills: typed / 8, spelled: typed / 4, unanswerable: typed / 6,
            seed: settings.seed &+ UInt64(step) &* 0x9E37_79B9_7F4A_7C15)
        let learning = AnswerLearning(model: model.model, weights: weights)
        let audio = learning.learn(heard, on: tape)
        let text = learning.learn(read, on: tape)
        return [
            "audio_loss": audio.loss, "audio_accuracy": audio.accuracy, "text_loss": text.loss,
            "text_accuracy": text.accuracy,
        ]
    }
}

/// Sound without speech: silence, white or dull noise, hums, at any loudness.
enum Silence {
    static func draw(_ random: inout RandomStream) -> [Float] {
        let count = Int(Double(AudioClip.sampleRate) * (0.1 + 7 * random.unit() * random.unit()))
        let level = Float(pow(10, -(3 + 60 * random.unit()) / 20))
        let kind = random.integer(0...3)
        let pitches = (0..<3).map { _ in 40 * pow(2, 5 * random.unit()) / Double(AudioClip.sampleRate) }
        let dullness = Float(random.unit())
        var last: Float = 0
        return (0..<count).map { index in
            if kind == 0 { return 0 }
            last = dullness * last + Float(random.normal()) * 0.3
            let hum = pitches.reduce(0) { $0 + Float(sin(2 * .pi * $1 * Double(index))) } / 3
            let value = kind == 1 ? last : kind == 2 ? hum : hum + last / 4
            return max(-1, min(1, level * value))
        }
    }
}
