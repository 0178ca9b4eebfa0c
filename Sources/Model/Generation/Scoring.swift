package import Models
package import Tensors

/// A prompt and continuations of it, packed so that the prompt is computed once:
///
///     rows      prompt p₁ … p_P │ continuation 1 │ continuation 2 │ …
///     keys      prompt          │ prompt + own   │ prompt + own   │ …
///
/// The prompt's last row predicts the first token of each continuation; token t is predicted by the row of token t − 1.
package struct PackedContinuations: Sendable {
    package let tokens: [Int32]
    package let positions: [Int32]
    package let segments: [PackedSegment]
    /// For each continuation, the rows that predict its tokens.
    package let predictingRows: [[Int]]
    package let audioSlots: [Int]

    package init(_ prompt: Prompt, _ continuations: [[Int32]]) {
        let length = prompt.tokens.count
        var tokens = prompt.tokens
        var positions = (0..<Int32(length)).map { $0 }
        var segments = [PackedSegment(queries: 0..<length, keys: [0..<length], causal: true)]
        var predicting: [[Int]] = []
        for continuation in continuations {
            let start = tokens.count
            // The last token predicts nothing that is needed, so its row is left out.
            let rows = continuation.dropLast()
            tokens += rows
            positions += rows.indices.map { Int32(length + $0) }
            if !rows.isEmpty {
                let own = start..<start + rows.count
                segments.append(PackedSegment(queries: own, keys: [0..<length, own], causal: true))
            }
            predicting.append(continuation.indices.map { $0 == 0 ? length - 1 : start + $0 - 1 })
        }
        self.tokens = tokens
        self.positions = positions
        self.segments = segments
        predictingRows = predicting
        audioSlots = prompt.audioSlots
    }
}

/// The expectations of student and teacher, with different prompts, at one token of a continuation.
package struct TokenComparison: Sendable {
    package let token: Int32
    package let measures: RowMeasures
    /// The likeliest tokens with their log-probabilities, in descending order.
    package let studentTop: [(token: Int32, logProbability: Float)]
    package let teacherTop: [(token: Int32, logProbability: Float)]
}

extension LoadedModel {
    /// Hidden states [T, hidden] of packed continuations, in one pass without gradients.
    ///
    /// - Parameter cache: An empty cache to go through, with one continuation at most; nil for none.
    package func hidden(
        _ packed: PackedContinuations, of prompt: Prompt, version: WeightVersion?, through cache: KeyValueCache? = nil
    ) -> Tensor {
        let keyValues: KeyValueSource
        if var cache {
            precondition(packed.predictingRows.count < 2, "\(packed.predictingRows.count) continuations of one cached sequence")
            cache.extend(by: packed.tokens.count)
            keyValues = .cached(CachedBatch([CachedRows(rows: packed.tokens.indices, cache: cache)]))
        } else {
            keyValues = .packed(packed.segments)
        }
        let audio =
            prompt.clips.isEmpty
            ? nil
            : model.embed(
                prompt.clips.map(\.segments), versions: prompt.clips.map { _ in version }, arithmetic: arithmetic)
        return model.decoder.hidden(
            tokens: packed.tokens, positions: packed.positions, audioSlots: packed.audioSlots, audio: audio,
            keyValues: keyValues,
            Pass(version: version, rows: packed.tokens.count, arithmetic: arithmetic))
    }

    /// Scores given tokens: the log-probability and entropy at every token of each continuation of `prompt`.
    ///
    /// Runs on the calling thread. Logits exist for at most `chunk` rows at a time.
    package func score(
        _ continuations: [[Int32]], after prompt: Prompt, version: WeightVersion? = nil, chunk: Int = 256
    ) -> [[RowMeasures]] {
        let packed = PackedContinuations(prompt, continuations)
        let states = hidden(packed, of: prompt, version: version)
        return zip(packed.predictingRows, continuations).map { rows, tokens in
            chunks(rows.count, chunk).flatMap { range in
                measureRows(logits(states, Array(rows[range]), version), teacher: nil, targets: Array(tokens[range]))
            }
        }
    }

    /// Compares, token by token of one continuation, the model's distributions after the prompts `student` and `teacher`: CORD's divergence D_t
    /// (Eq. 2), both entropies and both likeliest tokens.
    package func compare(
        _ continuation: [Int32], student: Prompt, teacher: Prompt, version: WeightVersion? = nil,
        teacherVersion: WeightVersion? = nil, top: Int = 0, chunk: Int = 256
    ) -> [TokenComparison] {
        let studentPacked = PackedContinuations(student, [continuation])
        let teacherPacked = PackedContinuations(teacher, [continuation])
        let studentStates = hidden(studentPacked, of: student, version: version)
        let teacherStates = hidden(teacherPacked, of: teacher, version: teacherVersion)
        return chunks(continuation.count, chunk).flatMap { range in
            let s = logits(studentStates, Array(studentPacked.predictingRows[0][range]), version)
            let t = logits(teacherStates, Array(teacherPacked.predictingRows[0][range]), teacherVersion)
            let targets = Array(continuation[range])
            return measureRows(s, teacher: t, targets: targets).enumerated().map { row, measures in
                TokenComparison(
                    token: targets[row], measures: measures,
                    studentTop: TokenLogProbability(targets[row], in: s, row: row, alternatives: top).top,
                    teacherTop: TokenLogProbability(targets[row], in: t, row: row, alternatives: top).top)
            }
        }
    }

    /// The logits [tokens, vocabulary] that predict each token of one continuation of `prompt`, keys and values kept as `shape` has them.
    package func predictions(of continuation: [Int32], after prompt: Prompt, version: WeightVersion?, keeping shape: KeyValueShape) -> Tensor {
        let packed = PackedContinuations(prompt, [continuation])
        let states = hidden(packed, of: prompt, version: version, through: KeyValueCache(shape: shape))
        return logits(states, packed.predictingRows[0], version)
    }

    private func logits(_ states: Tensor, _ rows: [Int], _ version: WeightVersion?) -> Tensor {
        model.decoder.logits(
            selectRows(states, rows), Pass(version: version, rows: rows.count, arithmetic: arithmetic))
    }
}

private func chunks(_ count: Int, _ size: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: size).map { $0..<min(count, $0 + size) }
}
