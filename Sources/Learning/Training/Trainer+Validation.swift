import Generation
import Judging
import Models
import Objectives
import Tensors

extension Trainer {
    /// Sums over validation pairs.
    private struct Sums {
        var loss = 0.0
        var agreeing = 0
        var tokens = 0
        var audio = 0.0
        var text = 0.0
        var judged = 0
    }

    /// The current weights' greedy answers to one pair.
    private struct Answers: Sendable {
        let prompts: PairPrompts
        var spoken: Completion?
        /// The rewards of the spoken and the typed answer, compared with the reference answer.
        var rewards: (audio: Double, text: Double)?
    }

    /// Validates the current weights on all of the pairs. Unusable pairs are not counted in ``Validation/pairs``.
    package func validate(_ pairs: [TrainingPair]) async throws -> Validation {
        try await alone {
            let live = weights.view(id: "validation-\(number)-\(steps)")
            defer { engine.forget(version: live.id) }
            var sums = Sums()
            var validation = Validation()
            let width = 16
            for start in stride(from: 0, to: pairs.count, by: width) {
                let answers = try await answer(Array(pairs[start..<min(start + width, pairs.count)]), live)
                for answers in answers {
                    add(answers, live, to: &sums)
                    validation.pairs += 1
                    try Task.checkCancellation()
                }
            }
            if sums.tokens > 0 {
                let (loss, share) = (sums.loss / Double(sums.tokens), Double(sums.agreeing) / Double(sums.tokens))
                if options.objective.reads(.gold) {
                    (validation.loss, validation.tokenAccuracy) = (loss, share)
                } else {
                    (validation.klMean, validation.teacherAgreement) = (loss, share)
                }
            }
            if sums.judged > 0 {
                validation.judged = sums.judged
                validation.audioAccuracy = sums.audio / Double(sums.judged)
                validation.textAccuracy = sums.text / Double(sums.judged)
            }
            return validation
        }
    }

    private func answer(_ pairs: [TrainingPair], _ live: WeightVersion) async throws -> [Answers] {
        let (engine, judge, objective) = (engine, judge, options.objective)
        let prepared = pairs.compactMap { pair in
            (try? pair.prompts(for: objective, by: engine.model, system: options.system)).map { (pair, $0) }
        }
        @Sendable func greedy(_ prompt: Prompt) async throws -> Completion? {
            var options = SamplingOptions()
            options.temperature = 0
            options.maxTokens = objective.maxRolloutTokens
            options.tellsEnd = true
            let request = GenerationRequest(prompt: prompt, options: options, version: live, isLowPriority: true)
            return try await engine.complete(request).answers.first
        }
        return try await withThrowingTaskGroup(of: (Int, Answers).self) { group in
            for (index, (pair, prompts)) in prepared.enumerated() {
                group.addTask {
                    var answers = Answers(prompts: prompts)
                    // For imitation, a single question has a spoken prompt but no typed one beside it.
                    guard !objective.reads(.gold) else { return (index, answers) }
                    answers.spoken = try await greedy(prompts.student)
                    if let gold = pair.answer ?? pair.solution, let spoken = answers.spoken, let typed = try await greedy(prompts.teacher) {
                        // If a judge fails, the pair is missing from the accuracies only.
                        if let audio = try? await judge(pair.text, spoken.text, gold), let text = try? await judge(pair.text, typed.text, gold) {
                            answers.rewards = (Double(audio.reward), Double(text.reward))
                        }
                    }
                    return (index, answers)
                }
            }
            return try await group.reduce(into: [(Int, Answers)]()) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private func add(_ answers: Answers, _ live: WeightVersion, to sums: inout Sums) {
        let model = engine.model
        for target in answers.prompts.targets {
            guard let tokens = try? model.tokens(target.answer) + [model.turnEnd] else { continue }
            let measures = model.score([tokens], after: target.prompt, version: live)[0]
            sums.loss -= measures.reduce(0) { $0 + Double($1.logProbability) }
            sums.agreeing += zip(measures, tokens).count { $0.argmax == Int($1) }
            sums.tokens += measures.count
        }
        if let spoken = answers.spoken {
            let sampled = SampledAnswer(spoken)
            let teacher = options.objective.teacher == .frozen ? self.teacher : live
            // Of a teacher behind an address whole distributions are unknown.
            let measures =
                scorer != nil
                ? []
                : model.compare(
                    sampled.tokens, student: answers.prompts.student, teacher: answers.prompts.teacher, version: live, teacherVersion: teacher
                ).map(\.measures)
            sums.loss += measures.reduce(0) { $0 + Double($1.reverseKL) }
            sums.agreeing += measures.count { $0.argmax == $0.teacherArgmax }
            sums.tokens += measures.count
        }
        if let rewards = answers.rewards {
            sums.audio += rewards.audio
            sums.text += rewards.text
            sums.judged += 1
        }
    }
}
