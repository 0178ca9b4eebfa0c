import Audio
import Generation
import Models
import Tensors
import Tokenization
import Training
import Workers

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
        let work = WorkQueue(name: "validation", width: 1)
        for pair in pairs.prefix(Self.limit) {
            try Task.checkCancellation()
            let model = engine.model
            guard !imitates else {
                for target in try await work.run({ cancellation in try pair.targets(model, system: system) { cancellation.isCancelled } }) {
                    let tokens = try model.tokens(target.answer)
                    let measures = try await work.run { model.score([tokens], after: target.prompt, version: version)[0] }
                    loss -= measures.reduce(0) { $0 + Double($1.logProbability) }
                    agreeing += zip(measures, tokens).count { $0.argmax == Int($1) }
                    count += measures.count
                }
                continue
            }
            let (spoken, typed) = try await work.run { cancellation in
                let system = pair.system ?? system
                let typed = try model.prompt(.text(pair.text), system: system)
                guard let sound = pair.sound else { return (typed, typed) }
                let clip = try sound.clip(limits: AudioLimits(maxSeconds: model.windowSeconds)) { cancellation.isCancelled }
                return (try model.prompt(.audio(clip), system: system), typed)
            }
            var options = SamplingOptions()
            options.temperature = 0
            options.maxTokens = 200
            let answer = try await engine.complete(GenerationRequest(prompt: spoken, options: options, version: version, isLowPriority: true))
                .answers[0]
                .tokens
            guard !answer.isEmpty else { continue }
            let measures = try await work.run {
                model.compare(answer, student: spoken, teacher: typed, version: version, teacherVersion: version).map(\.measures)
            }
            loss += measures.reduce(0) { $0 + Double($1.reverseKL) }
            agreeing += measures.count { $0.argmax == $0.teacherArgmax }
            count += measures.count
        }
        guard count > 0 else { return nil }
        self.loss = loss / Double(count)
        accuracy = Double(agreeing) / Double(count)
    }
}
