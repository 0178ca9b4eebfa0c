package import Generation
package import Models
package import Objectives
package import Tensors

/// A forward and backward pass over prepared pairs. It adds the gradients of the objective, a mean over `counts.pairs`, to a tape.
///
///     student: clip → prompt, answers packed behind it → hidden          (tape)
///     teacher: typed prompt, the compared answers behind it → hidden     (no tape)
///     reference: first weights, the student's prompt, the group → hidden (no tape, where the objective asks for it)
///     replays: frozen teacher, the student's prompt → hidden             (no tape)
///     both → measures → objective's coefficients → d hidden → backward
package struct GradientPass {
    package let model: AudioLanguageModel
    package let arithmetic: Arithmetic
    package let objective: Objective
    package let weights: TrainableWeights
    /// The teacher if the objective's teacher is frozen; nil for the base weights.
    package let frozenTeacher: WeightVersion?
    /// The version that the training began with; nil for the base weights.
    package let reference: WeightVersion?
    package let counts: BatchCounts
    /// The dropout probability of the trained adapters' input. Masks are drawn from the pairs' streams.
    package let dropout: Double
    let timer: PhaseTimer
    /// Cached embeddings of clips whose encoder is not trained.
    let embeddings: EmbeddingCache

    package init(
        model: AudioLanguageModel, arithmetic: Arithmetic, objective: Objective, weights: TrainableWeights,
        frozenTeacher: WeightVersion?, reference: WeightVersion? = nil, counts: BatchCounts, dropout: Double = 0,
        embeddings: EmbeddingCache = EmbeddingCache(capacity: 256 << 20), timer: PhaseTimer = PhaseTimer()
    ) {
        self.model = model
        self.arithmetic = arithmetic
        self.objective = objective
        self.weights = weights
        self.frozenTeacher = frozenTeacher
        self.reference = reference
        self.counts = counts
        self.dropout = dropout
        self.embeddings = embeddings
        self.timer = timer
    }

    /// Scores the pairs in one packed pass and runs the backward pass. Results are by pair and answer.
    package func callAsFunction(_ pairs: [PreparedPair], on tape: Tape) -> [[ScoredAnswer]] {
        let answers = pairs.flatMap(\.answers)
        let live = weights.view(id: "live")
        let hidden = hiddenRows(pairs, version: live, tape)
        var results = [ScoredAnswer?](repeating: nil, count: answers.count)
        var gradients: [(Tensor, gradient: Tensor)] = []
        // Answers are grouped by what they are compared with and by temperature.
        for kind in Comparison.allCases {
            let chosen = answers.indices.filter { comparison(answers[$0]) == kind }
            if chosen.isEmpty { continue }
            let rows = chosen.flatMap { hidden.rows[$0] }
            let selected = selectRows(hidden.states, rows, tape)
            let head = VocabularyRows(
                decoder: model.decoder, arithmetic: arithmetic, student: .init(hidden: selected, version: live),
                teacher: other(kind, pairs, live), targets: chosen.flatMap { answers[$0].tokens },
                temperature: objective.scoringTemperature(of: answers[chosen[0]].source), weights: weights)
            var measures = timer.measure(.scoring) { head.measures() }[...]
            var drawn = timer.measure(.scoring) { behaviour(chosen.map { answers[$0] }, head) }[...]
            var total = TokenCoefficients(count: 0)
            for index in chosen {
                let count = answers[index].tokens.count
                let scored = score(answers[index], Array(measures.prefix(count)), behaviour: Array(drawn.prefix(count)))
                (measures, drawn) = (measures.dropFirst(count), drawn.dropFirst(count))
                results[index] = scored
                total.append(scored.coefficients.scaled(by: 1 / Double(counts.pairs)))
            }
            gradients.append(timer.measure(.backward) { (selected, head.gradient(total, on: tape)) })
        }
        timer.measure(.backward) { tape.backward(from: gradients) }
        var next = 0
        return pairs.map { pair in
            defer { next += pair.answers.count }
            return results[next..<next + pair.answers.count].map { $0! }
        }
    }

    /// What answers are compared with.
    private enum Comparison: CaseIterable {
        /// The teacher's logits.
        case teacher
        /// Nothing, or the reference's logits; groups have a temperature of their own.
        case group
        /// The frozen teacher's logits.
        case replay
        case alone
    }

    private func isCompared(_ answer: PreparedPair.Answer) -> Bool {
        objective.needs(.teacherLogProbabilities, of: answer.source)
    }

    private func comparison(_ answer: PreparedPair.Answer) -> Comparison {
        if answer.source == .replay { return .replay }
        if answer.teacherLogProbabilities != nil { return .alone }
        return isCompared(answer) ? .teacher : answer.source == .group ? .group : .alone
    }

    private func other(_ kind: Comparison, _ pairs: [PreparedPair], _ live: WeightVersion) -> VocabularyRows.Side? {
        switch kind {
        case .teacher: teacherRows(pairs, .teacher, objective.teacher == .frozen ? frozenTeacher : live)
        case .replay: teacherRows(pairs, .replay, frozenTeacher)
        case .group: objective.needs(.referenceLogProbabilities, of: .group) ? referenceRows(pairs) : nil
        case .alone: nil
        }
    }

    /// The log-probability of each token under its sampling distribution: as its sampler reported, otherwise under the current weights at the
    /// sampler's temperature.
    private func behaviour(_ answers: [PreparedPair.Answer], _ head: VocabularyRows) -> [Float?] {
        guard objective.estimator == .importance, answers[0].source == .group else { return [] }
        let computed = head.logProbabilities(temperature: objective.sequenceTemperature)
        var next = 0
        return answers.flatMap { answer in
            answer.tokens.indices.map { t -> Float? in
                defer { next += 1 }
                return (t < answer.behaviourLogProbabilities.count ? answer.behaviourLogProbabilities[t] : nil) ?? computed[next]
            }
        }
    }

    private func score(_ answer: PreparedPair.Answer, _ measured: [RowMeasures], behaviour: [Float?]) -> ScoredAnswer {
        let measures = answer.teacherLogProbabilities.map { zip(measured, $0).map { $0.beside(teacherLogProbability: $1) } } ?? measured
        let sequence = ScoredSequence(
            source: answer.source, measures: measures, samplerLogProbabilities: answer.samplerLogProbabilities,
            behaviourLogProbabilities: behaviour, advantage: answer.advantage, groupSize: answer.groupSize)
        let differences = zip(answer.samplerLogProbabilities, measures).compactMap { sampler, row in
            sampler.map { abs($0 - row.logProbability) }
        }
        return ScoredAnswer(
            measures: measures, coefficients: objective.coefficients(sequence, in: counts), behaviourLogProbabilities: behaviour,
            weights: objective.weights(sequence),
            logProbabilityDifference: differences.max())
    }

    /// The hidden states of all rows, and for each answer the rows that predict its tokens.
    private func hiddenRows(
        _ pairs: [PreparedPair], version: WeightVersion, _ tape: Tape
    ) -> (states: Tensor, rows: [[Int]]) {
        timer.measure(.scoring) {
            var batch = PackedBatch()
            for pair in pairs { batch.append(pair.prompt, answers: pair.answers.map(\.tokens), stream: pair.stream) }
            let audio =
                weights.trainsHearing && !batch.clips.isEmpty
                ? embedded(batch, version, tape)
                : embeddings.rows(batch.clips, model, version: version, arithmetic: arithmetic)
            let states = model.decoder.hidden(
                tokens: batch.tokens, positions: batch.positions, audioSlots: batch.audioSlots, audio: audio,
                keyValues: .packed(batch.segments),
                Pass(
                    version: version, rows: batch.tokens.count, arithmetic: arithmetic, tape: tape,
                    dropout: dropout > 0 ? Dropout(dropout, rows: batch.rowNames) : nil))
            var left = batch.predictingRows[...]
            let rows = pairs.flatMap(\.answers).map { answer in
                defer { left = left.dropFirst(answer.tokens.count) }
                return Array(left.prefix(answer.tokens.count))
            }
            return (states, rows)
        }
    }

    /// Audio embeddings under a trained encoder: of all clips together, or clip by clip if dropout has separate masks.
    private func embedded(_ batch: PackedBatch, _ version: WeightVersion, _ tape: Tape) -> Tensor {
        if dropout == 0 {
            return model.embed(batch.clips.map(\.segments), versions: batch.clips.map { _ in version }, arithmetic: arithmetic, tape)
        }
        let parts = zip(batch.clips, batch.clipNames).map { clip, name in
            model.embed([clip.segments], versions: [version], arithmetic: arithmetic, dropout: Dropout(dropout, from: name), tape)
        }
        return concatenated(parts, tape)
    }

    /// The teacher's hidden rows that predict the answers of a comparison.
    private func teacherRows(_ pairs: [PreparedPair], _ kind: Comparison, _ version: WeightVersion?) -> VocabularyRows.Side {
        timer.measure(.scoring) {
            var batch = PackedBatch()
            for pair in pairs {
                let compared = pair.answers.filter { comparison($0) == kind }
                if !compared.isEmpty { batch.append(pair.teacherPrompt, answers: compared.map(\.tokens)) }
            }
            // Only frozen weights can use the cache, since trained ones change with each step.
            let audio =
                kind == .replay || batch.clips.isEmpty
                ? embeddings.rows(batch.clips, model, version: version, arithmetic: arithmetic)
                : model.embed(batch.clips.map(\.segments), versions: batch.clips.map { _ in version }, arithmetic: arithmetic)
            let states = model.decoder.hidden(
                tokens: batch.tokens, positions: batch.positions, audioSlots: batch.audioSlots, audio: audio,
                keyValues: .packed(batch.segments),
                Pass(version: version, rows: batch.tokens.count, arithmetic: arithmetic))
            return .init(hidden: selectRows(states, batch.predictingRows), version: version)
        }
    }

    /// The hidden rows of the initial weights that predict the group's tokens.
    private func referenceRows(_ pairs: [PreparedPair]) -> VocabularyRows.Side {
        timer.measure(.scoring) {
            var batch = PackedBatch()
            for pair in pairs {
                let group = pair.answers.filter { $0.source == .group }
                if !group.isEmpty { batch.append(pair.prompt, answers: group.map(\.tokens)) }
            }
            let states = model.decoder.hidden(
                tokens: batch.tokens, positions: batch.positions, audioSlots: batch.audioSlots,
                audio: embeddings.rows(batch.clips, model, version: reference, arithmetic: arithmetic),
                keyValues: .packed(batch.segments),
                Pass(version: reference, rows: batch.tokens.count, arithmetic: arithmetic))
            return .init(hidden: selectRows(states, batch.predictingRows), version: reference)
        }
    }
}
