package import API
package import Workshop

/// OpenAI's fine-tuning objects, with the extension `cord`.

/// A job, as OpenAI's clients read it.
package struct FineTuningJob: Codable, Equatable, Sendable {
    package var id: String
    package var object = "fine_tuning.job"
    package var createdAt: Int
    @Nullable package var error: FineTuningError? = nil
    @Nullable package var fineTunedModel: String? = nil
    @Nullable package var finishedAt: Int? = nil
    package var hyperparameters: Hyperparameters
    package var model: String
    package var organizationId = "org-local"
    /// The metrics files of a job that has succeeded.
    package var resultFiles: [String]
    package var seed: Int
    package var status: FineTuningStatus
    @Nullable package var trainedTokens: Int? = nil
    package var trainingFile: String
    @Nullable package var validationFile: String? = nil
    /// The estimated end of the steps, while they are being taken.
    @Nullable package var estimatedFinish: Int? = nil
    /// Always empty.
    package var integrations: [String] = []
    package var metadata: [String: String]?
    package var method: FineTuningMethod
    package var cord: FineTuningExtension
}

/// Why a job failed.
package struct FineTuningError: Codable, Equatable, Sendable {
    package var code: String
    package var message: String
    @Nullable package var param: String? = nil
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
}
