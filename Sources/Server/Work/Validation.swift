import Audio
import Generation
import HTTP
import Models
import Tensors
import Tokenization
import Training

/// How a version does on pairs that it was not trained on.
///
///     imitating     mean −log π(gold token | spoken question)         accuracy: the likeliest token is the gold one
///     otherwise     mean D_t along the version's own spoken answers   accuracy: both prompts have the same likeliest token
struct Validation {
    /// Nats per token.
    let loss: Double
    let accuracy: Double

    /// The most pairs that are looked at.
    static let limit = 64

    /// Nil where no pair can be used.
    init?(_ pairs: [TrainingPair], engine: Engine, version: WeightVersion, system: String?, imitates: Bool) async throws {
        var (loss, agreeing, count) = (0.0, 0, 0)
        let work = WorkQueue(name: "cord.validation", width: 1)
        for pair in pairs.prefix(Self.limit) {
            try Task.checkCancellation()
            let model = engine.model
            let prompts = try? await work.run {
                func prompt(_ part: Message.Part) throws -> Prompt {
                    try model.prompt((system.map { [Message(role: "system", parts: [.text($0)])] } ?? []) + [Message(role: "user", parts: [part])])
                }
                let typed = try prompt(.text(pair.text))
                guard let sound = pair.sound else { return (typed, typed) }
                return (try prompt(.audio(try sound.clip(limits: AudioLimits(maxSeconds: model.windowSeconds)))), typed)
            }
            guard let (spoken, typed) = prompts else { continue }
            var measures: [RowMeasures] = []
            var expected: [Int] = []
            if imitates {
                guard let gold = pair.solution ?? pair.answer else { continue }
                let tokens = try model.tokens(gold)
                expected = tokens.map { Int($0) }
                measures = try await work.run { model.score([tokens], after: spoken, version: version)[0] }
                loss -= measures.reduce(0) { $0 + Double($1.logProbability) }
            } else {
                var options = SamplingOptions()
                options.temperature = 0
                options.maxTokens = 200
                let answer = try await engine.complete(GenerationRequest(prompt: spoken, options: options, version: version, yields: true)).answers[0].tokens
                guard !answer.isEmpty else { continue }
                measures = try await work.run {
                    model.compare(answer, student: spoken, teacher: typed, version: version, teacherVersion: version).map(\.measures)
                }
                loss += measures.reduce(0) { $0 + Double($1.reverseKL) }
            }
            if !imitates { expected = measures.map(\.teacherArgmax) }
            agreeing += zip(measures, expected).count { $0.argmax == $1 }
            count += measures.count
        }
        guard count > 0 else { return nil }
        self.loss = loss / Double(count)
        accuracy = Double(agreeing) / Double(count)
    }
}
