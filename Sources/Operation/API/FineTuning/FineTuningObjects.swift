/// OpenAI's fine-tuning objects, with the extension `cord`.

/// A job, as OpenAI's clients read it.
package struct FineTuningJob: Codable, Equatable, Sendable {
    package var id: String
    package var object = "fine_tuning.job"
    package var createdAt: Int
    @Nullable package var error: FineTuningError?
    @Nullable package var fineTunedModel: String?
    @Nullable package var finishedAt: Int?
    package var hyperparameters: Hyperparameters
    package var model: String
    package var organizationId = "org-local"
    /// The metrics files of a job that has succeeded.
    package var resultFiles: [String]
    package var seed: Int
    package var status: FineTuningStatus
    @Nullable package var trainedTokens: Int?
    package var trainingFile: String
    @Nullable package var validationFile: String?
    /// The estimated end of the steps, while they are being taken.
    @Nullable package var estimatedFinish: Int?
    /// Always empty.
    package var integrations: [String] = []
    package var metadata: [String: String]?
    package var method: FineTuningMethod
    package var cord: FineTuningExtension

    package init(
        id: String, createdAt: Int, error: FineTuningError? = nil, fineTunedModel: String? = nil, finishedAt: Int? = nil,
        hyperparameters: Hyperparameters, model: String, seed: Int, status: FineTuningStatus, trainedTokens: Int? = nil, trainingFile: String,
        validationFile: String? = nil, metadata: [String: String]? = nil, method: FineTuningMethod, cord: FineTuningExtension,
        resultFiles: [String] = [], estimatedFinish: Int? = nil
    ) {
        (self.id, self.createdAt, self.error, self.fineTunedModel, self.finishedAt) = (id, createdAt, error, fineTunedModel, finishedAt)
        (self.hyperparameters, self.model, self.seed, self.status, self.trainedTokens) = (hyperparameters, model, seed, status, trainedTokens)
        (self.trainingFile, self.validationFile, self.metadata, self.method, self.cord) = (trainingFile, validationFile, metadata, method, cord)
        (self.resultFiles, self.estimatedFinish) = (resultFiles, estimatedFinish)
    }
}

/// Why a job failed.
package struct FineTuningError: Codable, Equatable, Sendable {
    package var code: String
    package var message: String
    @Nullable package var param: String?

    package init(code: String, message: String) { (self.code, self.message) = (code, message) }
}

/// OpenAI's six states. A paused job reads `queued`; the extension tells the difference.
package enum FineTuningStatus: String, Codable, CaseIterable, Sendable {
    case validatingFiles = "validating_files"
    case queued, running, succeeded, failed, cancelled
}

/// The extension `cord` of a job.
package struct FineTuningExtension: Codable, Equatable, Sendable {
    package var paused: Bool
    package var step: Int
    package var totalSteps: Int
    package var weightVersion: String?
    /// For a gated job: the gap report from before the training.
    package var baseReport: String?
    /// The gap report from after it.
    package var candidateReport: String?
    /// The gate's decision.
    package var promoted: Bool?
    package var reason: String?

    package init(
        paused: Bool, step: Int, totalSteps: Int, weightVersion: String? = nil, baseReport: String? = nil, candidateReport: String? = nil,
        promoted: Bool? = nil, reason: String? = nil
    ) {
        (self.paused, self.step, self.totalSteps, self.weightVersion, self.baseReport) = (paused, step, totalSteps, weightVersion, baseReport)
        (self.candidateReport, self.promoted, self.reason) = (candidateReport, promoted, reason)
    }
}

/// One line of a job's log.
package struct FineTuningEvent: Codable, Equatable, Sendable {
    package var id: String
    package var object = "fine_tuning.job.event"
    package var createdAt: Int
    /// `info`, `warn` or `error`.
    package var level: String
    package var message: String
    /// `message`, or `metrics` with the numbers in `data`.
    package var type: String
    package var data: WireValue?

    package init(id: String, createdAt: Int, level: String, message: String, type: String = "message", data: WireValue? = nil) {
        (self.id, self.createdAt, self.level, self.message, self.type, self.data) = (id, createdAt, level, message, type, data)
    }
}

/// A version saved during training, with the metrics of its step.
package struct FineTuningCheckpoint: Codable, Equatable, Sendable {
    package var id: String
    package var object = "fine_tuning.job.checkpoint"
    package var createdAt: Int
    package var fineTunedModelCheckpoint: String
    package var fineTuningJobId: String
    package var stepNumber: Int
    package var metrics: FineTuningMetrics

    package init(id: String, createdAt: Int, fineTunedModelCheckpoint: String, fineTuningJobId: String, stepNumber: Int, metrics: FineTuningMetrics) {
        (self.id, self.createdAt, self.fineTunedModelCheckpoint, self.fineTuningJobId) = (id, createdAt, fineTunedModelCheckpoint, fineTuningJobId)
        (self.stepNumber, self.metrics) = (stepNumber, metrics)
    }
}

/// OpenAI's metrics. Those with the prefix `full_valid_` come from validation on held-out pairs: a loss or a divergence, depending on the method.
/// Unknown numbers are left out.
package struct FineTuningMetrics: Codable, Equatable, Sendable {
    package var step: Double
    package var trainLoss: Double?
    package var trainMeanTokenAccuracy: Double?
    package var validLoss: Double?
    package var validMeanTokenAccuracy: Double?
    package var fullValidLoss: Double?
    package var fullValidMeanTokenAccuracy: Double?
    package var fullValidKlMean: Double?
    package var fullValidTeacherAgreement: Double?
    package var fullValidAudioAccuracy: Double?
    package var fullValidTextAccuracy: Double?
    /// The number of validation pairs.
    package var fullValidPairs: Int?

    package init(
        step: Double, trainLoss: Double? = nil, trainMeanTokenAccuracy: Double? = nil, validLoss: Double? = nil,
        validMeanTokenAccuracy: Double? = nil, fullValidLoss: Double? = nil, fullValidMeanTokenAccuracy: Double? = nil
    ) {
        (self.step, self.trainLoss, self.trainMeanTokenAccuracy, self.validLoss) = (step, trainLoss, trainMeanTokenAccuracy, validLoss)
        (self.validMeanTokenAccuracy, self.fullValidLoss) = (validMeanTokenAccuracy, fullValidLoss)
        self.fullValidMeanTokenAccuracy = fullValidMeanTokenAccuracy
    }
}
