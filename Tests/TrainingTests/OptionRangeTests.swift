import Objectives
import Tensors
import Testing
import Training

/// Constants that Float turns into 0, 1 or infinity would make weights NaN: each is refused by name before a step is taken.
@Suite struct OptionRangeTests {
    private func options(_ change: (inout TrainingOptions) -> Void) -> TrainingOptions {
        var options = TrainingOptions()
        change(&options)
        return options
    }

    @Test func defaultsPass() throws { try TrainingOptions().check() }

    @Test func everyConstantHasItsRange() {
        let tiny = 5 * Double.leastNonzeroMagnitude
        let cases: [(String, (inout TrainingOptions) -> Void)] = [
            ("learning rate", { $0.optimizer.learningRate = .nan }), ("learning rate", { $0.optimizer.learningRate = 1e300 }),
            ("beta1", { $0.optimizer.beta1 = 1 }), ("beta2", { $0.optimizer.beta2 = 1 }), ("beta2", { $0.optimizer.beta2 = -1 }),
            ("epsilon", { $0.optimizer.epsilon = tiny }), ("epsilon", { $0.optimizer.epsilon = 0 }),
            ("weight decay", { $0.optimizer.weightDecay = .infinity }), ("gradient norm", { $0.maxGradientNorm = tiny }),
            ("warm-up steps", { $0.schedule.warmupSteps = -1 }), ("steps of the schedule", { $0.schedule.totalSteps = .max }),
            ("K", { $0.objective.topK = -1 }), ("alpha", { $0.objective.alpha = .nan }), ("beta", { $0.objective.beta = 1e300 }),
            ("temperature of the token rollout", { $0.objective.tokenTemperature = .infinity }),
            ("temperature of the group", { $0.objective.sequenceTemperature = -1 }),
            ("temperature of the teacher", { $0.objective.teacherTemperature = .nan }), ("rollouts", { $0.objective.rollouts = 0 }),
            ("rollouts", { $0.objective.rollouts = .max }), ("tokens of a rollout", { $0.objective.maxRolloutTokens = .max }),
            ("coefficient of the token term", { $0.objective.tokenCoefficient = .nan }),
            ("coefficient of the sequence term", { $0.objective.sequenceCoefficient = -.infinity }),
            ("clip ratio", { $0.objective.clipRatio = tiny }), ("weight of the replay", { $0.objective.replayWeight = .nan }),
            ("share of replayed clips", { $0.objective.replayTranscripts = 1.5 }),
        ]
        for (name, change) in cases {
            #expect {
                try options(change).check()
            } throws: {
                "\($0)".hasPrefix("training options: \(name): expected")
            }
        }
    }
}
