import Audio
import Foundation
import Generation
import Models
import Questions
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

/// Joining: spoken questions and their solutions, beside typed ones that keep what is known; every parameter learns.
struct JoiningStage: Stage {
    static let plan = AdapterPlan(AdapterPlan.Part.allCases, .fullButPositions)

    let name = "joining"
    let settings: StageSettings
    let model: LoadedModel
    let questions: SpokenQuestions

    func learn(step: Int, _ weights: TrainableWeights, on tape: Tape) throws -> [String: Double] {
        let typed = settings.batchSize / 2
        let batch = try questions.batch(settings.batchSize - typed, step: step, seed: settings.seed, model)
        let heard = try batch.map { Example(prompt: $0.prompt, answer: try model.answerTokens($0.question.solution ?? "")) }
        let read = try TypedExamples(model: model).draw(
            typed, drills: typed / 8, spelled: typed / 4, seed: settings.seed &+ UInt64(step) &* 0x9E37_79B9_7F4A_7C15)
        let learning = AnswerLearning(model: model.model, weights: weights)
        let audio = learning.learn(heard, on: tape)
        let text = learning.learn(read, on: tape)
        return [
            "audio_loss": audio.loss, "audio_accuracy": audio.accuracy, "text_loss": text.loss,
            "text_accuracy": text.accuracy,
        ]
    }
}
