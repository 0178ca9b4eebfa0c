package import Generation
package import Models
package import Objectives
package import Tensors

/// A pair whose answers are fixed: what the model learns from.
package struct PreparedPair: Sendable {
    package struct Answer: Sendable {
        package let source: AnswerSource
        package let tokens: [Int32]
        package let samplerLogProbabilities: [Float?]
        package let advantage: Float
        /// Rollouts of its group, those without advantage included.
        package let groupSize: Int

        package init(
            source: AnswerSource, tokens: [Int32], samplerLogProbabilities: [Float?] = [], advantage: Float = 0,
            groupSize: Int = 1
        ) {
            self.source = source
            self.tokens = tokens
            self.samplerLogProbabilities = samplerLogProbabilities
            self.advantage = advantage
            self.groupSize = groupSize
        }
    }

    /// What the student is given: the spoken question.
    package let prompt: Prompt
    /// What the teacher is given: the typed one.
    package let teacherPrompt: Prompt
    package let answers: [Answer]

    package init(prompt: Prompt, teacherPrompt: Prompt, answers: [Answer]) {
        self.prompt = prompt
        self.teacherPrompt = teacherPrompt
        self.answers = answers
    }
}

/// How one answer of a pair scored, and what it added to the loss.
package struct ScoredAnswer: Sendable {
    package let measures: [RowMeasures]
    package let coefficients: TokenCoefficients
    /// w_t of the token term.
    package let weights: [Float]?
    /// The largest |sampler − trainer| log-probability difference, where the sampler's are known.
    package let logProbabilityDifference: Float?
}

/// Forward and backward over prepared pairs: gradients of the objective's mean over `counts.pairs`, added on a tape.
///
///     student: clip → prompt, answers packed behind it → hidden          (tape)
///     teacher: typed prompt, the compared answers behind it → hidden     (no tape)
///     both → measures → objective's coefficients → d hidden → backward
package struct GradientPass {
    package let model: AudioLanguageModel
    package let arithmetic: Arithmetic
    package let objective: Objective
    package let weights: TrainableWeights
    /// The version that teaches where the objective's teacher is frozen; nil for the base weights.
    package let frozenTeacher: WeightVersion?
    package let counts: BatchCounts
    let timer: PhaseTimer
    /// Of clips whose hearing is not trained.
    let embeddings: EmbeddingCache

    package init(
        model: AudioLanguageModel, arithmetic: Arithmetic, objective: Objective, weights: TrainableWeights,
        frozenTeacher: WeightVersion?, counts: BatchCounts, embeddings: EmbeddingCache = EmbeddingCache(capacity: 256 << 20),
        timer: PhaseTimer = PhaseTimer()
    ) {
        self.model = model
        self.arithmetic = arithmetic
        self.objective = objective
        self.weights = weights
        self.frozenTeacher = frozenTeacher
        self.counts = counts
        self.embeddings = embeddings
        self.timer = timer
    }

    /// Scores the pairs in one packed pass and runs backwards; results by pair and answer.
    package func callAsFunction(_ pairs: [PreparedPair], on tape: Tape) -> [[ScoredAnswer]] {
        let answers = pairs.flatMap(\.answers)
        let live = weights.view(id: "live")
        let hidden = hiddenRows(pairs, version: live, tape)
        let compared = answers.indices.filter { isCompared(answers[$0]) }
        let teacher = compared.isEmpty ? nil : teacherRows(pairs, live)
        // Compared answers and others go through the head apart: only the former need the teacher's logits.
        let alone = answers.indices.filter { !isCompared(answers[$0]) }
        var results = [ScoredAnswer?](repeating: nil, count: answers.count)
        var gradients: [(Tensor, gradient: Tensor)] = []
        for (chosen, teacher) in [(compared, teacher), (alone, nil)] where !chosen.isEmpty {
            let rows = chosen.flatMap { hidden.rows[$0] }
            let selected = selectRows(hidden.states, rows, tape)
            let head = VocabularyRows(
                decoder: model.decoder, arithmetic: arithmetic, student: .init(hidden: selected, version: live),
                teacher: teacher, targets: chosen.flatMap { answers[$0].tokens }, weights: weights)
            var measures = timer.measure(.scoring) { head.measures() }[...]
            var total = TokenCoefficients(count: 0)
            for index in chosen {
                let scored = score(answers[index], Array(measures.prefix(answers[index].tokens.count)))
                measures = measures.dropFirst(answers[index].tokens.count)
                results[index] = scored
                let share = scored.coefficients.scaled(by: 1 / Double(counts.pairs))
                total.reverseKL += share.reverseKL
                total.forwardKL += share.forwardKL
                total.logProbability += share.logProbability
            }
            gradients.append(
                timer.measure(.backward) {
                    (
                        selected,
                        head.gradient(
                            reverseKL: total.reverseKL, forwardKL: total.forwardKL, logProbability: total.logProbability,
                            on: tape)
                    )
                })
        }
        timer.measure(.backward) { tape.backward(from: gradients) }
        var next = 0
        return pairs.map { pair in
            defer { next += pair.answers.count }
            return results[next..<next + pair.answers.count].map { $0! }
        }
    }

    private func isCompared(_ answer: PreparedPair.Answer) -> Bool {
        objective.needs(.teacherLogProbabilities, of: answer.source)
    }

    private func score(_ answer: PreparedPair.Answer, _ measures: [RowMeasures]) -> ScoredAnswer {
        let sequence = ScoredSequence(
            source: answer.source, measures: measures, samplerLogProbabilities: answer.samplerLogProbabilities,
            advantage: answer.advantage, groupSize: answer.groupSize)
        let differences = zip(answer.samplerLogProbabilities, measures).compactMap { sampler, row in
            sampler.map { abs($0 - row.logProbability) }
        }
        return ScoredAnswer(
            measures: measures, coefficients: objective.coefficients(sequence, in: counts),
            weights: objective.weights(sequence),
            logProbabilityDifference: differences.max())
    }

    /// Hidden states of all rows, and for each answer the rows that predict its tokens.
    private func hiddenRows(
        _ pairs: [PreparedPair], version: WeightVersion, _ tape: Tape
    ) -> (states: Tensor, rows: [[Int]]) {
        timer.measure(.scoring) {
            var batch = PackedBatch()
            for pair in pairs { batch.append(pair.prompt, answers: pair.answers.map(\.tokens)) }
            let audio =
                weights.trainsHearing && !batch.clips.isEmpty
                ? model.embed(
                    batch.clips.map(\.segments), versions: batch.clips.map { _ in version }, arithmetic: arithmetic, tape)
                : embeddings.rows(batch.clips, model, version: version, arithmetic: arithmetic)
            let states = model.decoder.hidden(
                tokens: batch.tokens, positions: batch.positions, audioSlots: batch.audioSlots, audio: audio,
                keyValues: .packed(batch.segments),
                Pass(version: version, rows: batch.tokens.count, arithmetic: arithmetic, tape: tape))
            var left = batch.predictingRows[...]
            let rows = pairs.flatMap(\.answers).map { answer in
                defer { left = left.dropFirst(answer.tokens.count) }
                return Array(left.prefix(answer.tokens.count))
            }
            return (states, rows)
        }
    }

    /// The teacher's hidden rows that predict the compared answers.
    private func teacherRows(_ pairs: [PreparedPair], _ live: WeightVersion) -> VocabularyRows.Side {
        timer.measure(.scoring) {
            let version = objective.teacher == .frozen ? frozenTeacher : live
            var batch = PackedBatch()
            for pair in pairs {
                let compared = pair.answers.filter(isCompared)
                if !compared.isEmpty { batch.append(pair.teacherPrompt, answers: compared.map(\.tokens)) }
            }
            let audio =
                batch.clips.isEmpty
                ? nil
                : model.embed(
                    batch.clips.map(\.segments), versions: batch.clips.map { _ in version }, arithmetic: arithmetic)
            let states = model.decoder.hidden(
                tokens: batch.tokens, positions: batch.positions, audioSlots: batch.audioSlots, audio: audio,
                keyValues: .packed(batch.segments),
                Pass(version: version, rows: batch.tokens.count, arithmetic: arithmetic))
            return .init(hidden: selectRows(states, batch.predictingRows), version: version)
        }
    }
}
