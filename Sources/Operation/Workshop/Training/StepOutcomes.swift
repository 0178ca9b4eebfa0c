package import API
package import Audio
import Encodings
import Generation
import Objectives
import Tensors
import Training

/// A step's report as wire objects.
extension CordMetrics {
    init(_ metrics: StepMetrics) {
        self.init(
            loss: metrics.loss, tokenLoss: metrics.tokenLoss, sequenceLoss: metrics.sequenceLoss, klMean: metrics.klMean,
            rewardMean: metrics.rewardMean, teacherAgreement: metrics.teacherAgreement, gradNorm: metrics.gradNorm,
            learningRate: metrics.learningRate, rolloutTokens: metrics.rolloutTokens, trainTokens: metrics.trainTokens,
            logprobDifferenceMax: metrics.logProbabilityDifferenceMax)
        rolloutLengthMean = metrics.rolloutLengthMean
        topKShare = metrics.topKShare
        clipFraction = metrics.clipFraction
        referenceKlMean = metrics.referenceKLMean
        entropyMean = metrics.entropyMean
        replayLoss = metrics.replayLoss
        replayKl = metrics.replayKL
    }
}

extension CordPairOutcome {
    /// - Parameters:
    ///   - measured: Whether tokens show the measures of their loss.
    ///   - word: Gives the text of a token.
    init(
        _ outcome: PairOutcome, id: String?, index: Int, include: Set<CordStepRequest.Detail>, measured: Bool, word: (Int32) -> String
    ) {
        self.init(
            id: id, index: index, status: outcome.isApplied ? .applied : .skipped, reason: outcome.reason,
            audio: outcome.heard.map { HeardAudio($0, tokens: outcome.audioTokens) },
            teacherAnswer: outcome.teacherAnswer, rewardMean: outcome.rewardMean, klMean: outcome.klMean)
        guard !include.isEmpty, outcome.isApplied else { return }
        rollouts = outcome.rollouts.map { rollout in
            let tokens = rollout.tokens.map { token -> CordToken in
                var told = CordToken(
                    token: Int(token.token), text: word(token.token), logprob: Double(token.logProbability),
                    divergence: token.divergence.map(Double.init), weight: token.weight.map(Double.init))
                if measured { told.measured = CordMeasures(token) }
                return told
            }
            var told = CordRollout(
                role: rollout.source.role, text: rollout.text, tokenCount: rollout.tokenCount, reward: rollout.reward,
                advantage: rollout.advantage, tokens: include.contains(.tokens) ? tokens : nil)
            told.finishReason = rollout.isCut ? "length" : "stop"
            return told
        }
    }
}

extension CordMeasures {
    init(_ token: TokenOutcome) {
        let measures = token.measures
        self.init(
            logprob: Double(measures.logProbability), entropy: Double(measures.entropy), rank: measures.rank,
            reverseKl: token.isCompared ? Double(measures.reverseKL) : nil, forwardKl: token.isCompared ? Double(measures.forwardKL) : nil,
            teacherLogprob: token.isCompared ? Double(measures.teacherLogProbability) : nil,
            teacherEntropy: token.isCompared ? Double(measures.teacherEntropy) : nil, teacherRank: token.isCompared ? measures.teacherRank : nil,
            coefficients: CordCoefficients(
                logprob: Double(token.coefficients.logProbability), reverseKl: Double(token.coefficients.reverseKL),
                forwardKl: Double(token.coefficients.forwardKL), entropy: Double(token.coefficients.entropy)))
    }
}

extension HeardAudio {
    /// - Parameter tokens: The number of slots that the clip takes in its prompt.
    package init(_ source: AudioSource, tokens: Int) {
        self.init(
            seconds: source.seconds, sampleRate: source.sampleRate, channels: source.channels, audioTokens: tokens, sha256: source.sha256,
            format: source.format)
    }
}

extension ClipReference {
    package init(_ source: AudioReference) {
        self =
            switch source {
            case .data(let data): .bytes(data)
            case .file(let id): .file(id: id)
            case .path(let path): .path(path)
            }
    }
}

extension TrainingPair.Rollout {
    init(_ supplied: SuppliedRollout) {
        let reason: Generation.FinishReason? =
            switch supplied.finishReason {
            case .stop: .stop
            case .length: .length
            case nil: nil
            }
        self.init(
            text: supplied.text, tokens: supplied.tokens?.map { Int32($0) }, logProbabilities: supplied.logprobs, finishReason: reason,
            advantage: supplied.advantage)
    }
}
