import ArgumentParser
import Objectives
import Training

/// Every parameter of the objective, at the paper's value.
struct ObjectiveOptions: ParsableArguments {
    @Option(help: ArgumentHelp("What is minimised: \(Objective.Method.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "method"))
    var method: Objective.Method = .cord
    @Option(help: "K: positions of the largest divergence that weigh more.") var topK = 20
    @Option(help: ArgumentHelp("K as a share of a rollout's length, in place of --top-k: on short rollouts K is all of them.", valueName: "share"))
    var topKShare: Double?
    @Option(help: "α: how much more.") var alpha = 2.0
    @Option(help: "β: the position weight falls from it to 1.") var beta = 2.0
    @Option(help: "Rollouts of the group of the sequence term.") var rollouts = 4
    @Option(help: "Temperature of the token term's rollout.") var tokenTemperature = 1.0
    @Option(help: "Temperature of the group's rollouts.") var sequenceTemperature = 1.5
    @Option(help: "Temperature of the teacher's own answers; 0 is greedy.") var teacherTemperature = 0.0
    @Option(help: "The most tokens of a rollout.") var maxRolloutTokens = 200
    @Option(help: "Factor of the token term.") var tokenCoefficient = 1.0
    @Option(help: "Factor of the sequence term.") var sequenceCoefficient = 1.0
    @Option(help: "Who teaches: the frozen first weights, or the current ones.") var teacher: Objective.Teacher = .frozen
    @Option(help: "What rollouts are judged against: the teacher's answer, or gold.") var reference: Objective.Reference = .teacher
    @Option(help: "Over a rollout's positions: sum or mean.") var reduction: Reduction = .sum
    @Flag(help: "Divide advantages by their standard deviation.") var divideByDeviation = false
    @Option(help: "Clip the policy ratio to 1 ± this. It acts from the second update of --updates-per-rollout on.") var clipRatio: Double?
    @Option(
        help: """
            What the sequence term scores of rollouts drawn at --sequence-temperature: unit_temperature (log π at 1, as the paper reads; off-policy \
            and biased), sampling_temperature (log π at that temperature; on-policy), importance (log π at 1, each token weighted by \
            π / sampler up to --importance-bound).
            """)
    var estimator: PolicyGradient.Estimator = .unitTemperature
    @Option(help: "The most that an importance weight may be.") var importanceBound = 2.0
    @Option(help: "Factor of KL(π ‖ first weights) over the group's tokens.") var referenceCoefficient = 0.0
    @Option(help: "Factor of the bonus for the entropy of π over the group's tokens.") var entropyCoefficient = 0.0
    @Option(help: "Updates of the weights by the rollouts of one step.") var updatesPerRollout = 1
    @Option(help: "What the sequence term is divided by: sum, sequence, tokens or constant.")
    var normalisation: PolicyGradient.Normalisation = .sum
    @Option(help: "Factor of KL(frozen teacher ‖ π) over the teacher's answers to prompts that are replayed: --replay, --replay-transcripts.")
    var replayWeight = 1.0
    @Option(
        help: ArgumentHelp(
            "Replay the clips of so many of a step's pairs, of 1, at least one: they are to be written down as the frozen teacher does.",
            valueName: "share"))
    var replayTranscripts = 0.0
    @Option(
        help: ArgumentHelp(
            """
            Who gives rewards in place of the comparison with the reference: an http or https address, or a command, which is kept alive and \
            run without a shell. It gets {"audio_id", "question", "reference", "gold", "rollouts": […]}, as a JSON line or a POST, and answers \
            {"rewards": […]}, one number a rollout. CORD_REWARD_KEY is an address's key.
            """, valueName: "command"))
    var reward: String?

    var objective: Objective {
        var objective = Objective(method)
        objective.topK = topK
        objective.alpha = alpha
        objective.beta = beta
        objective.rollouts = rollouts
        objective.tokenTemperature = tokenTemperature
        objective.sequenceTemperature = sequenceTemperature
        objective.teacherTemperature = teacherTemperature
        objective.maxRolloutTokens = maxRolloutTokens
        objective.tokenCoefficient = tokenCoefficient
        objective.sequenceCoefficient = sequenceCoefficient
        objective.teacher = teacher
        objective.reference = reference
        objective.reduction = reduction
        objective.dividesByDeviation = divideByDeviation
        objective.clipRatio = clipRatio
        objective.topKShare = topKShare
        objective.estimator = estimator
        objective.importanceBound = importanceBound
        objective.referenceCoefficient = referenceCoefficient
        objective.entropyCoefficient = entropyCoefficient
        objective.updatesPerRollout = updatesPerRollout
        objective.normalisation = normalisation
        objective.replayWeight = replayWeight
        objective.replayTranscripts = replayTranscripts
        return objective
    }

    func validate() throws {
        if reward != nil, !objective.needs(.rewards, of: .group) {
            throw ValidationError("--reward: the method \(method.rawValue) has no rewards.")
        }
        if let (option, expected) = objective.contradiction { throw ValidationError("--\(option.flag): expected \(expected).") }
        if replayTranscripts > 0, replayWeight == 0 { throw ValidationError("--replay-transcripts: the --replay-weight 0 replays nothing.") }
        try NumericOption.check([
            (.topK, Double(topK)), (.topKShare, topKShare), (.alpha, alpha), (.beta, beta), (.tokenTemperature, tokenTemperature),
            (.sequenceTemperature, sequenceTemperature), (.teacherTemperature, teacherTemperature), (.rollouts, Double(rollouts)),
            (.maxRolloutTokens, Double(maxRolloutTokens)), (.tokenCoefficient, tokenCoefficient), (.sequenceCoefficient, sequenceCoefficient),
            (.clipRatio, clipRatio), (.importanceBound, importanceBound), (.referenceCoefficient, referenceCoefficient),
            (.entropyCoefficient, entropyCoefficient), (.updatesPerRollout, Double(updatesPerRollout)),
            (.replayWeight, replayWeight), (.replayTranscripts, replayTranscripts),
        ])
    }
}

extension NumericOption {
    /// Holds what was given against the table.
    static func check(_ given: [(NumericOption, Double?)]) throws {
        for (option, value) in given {
            guard let value, !option.allows(value) else { continue }
            let found = option.isInteger ? String(Int(value)) : String(value)
            throw ValidationError("--\(option.flag): expected \(option.expected), found \(found).")
        }
    }
}

extension Objective.Method: ExpressibleByArgument {}
extension Objective.Teacher: ExpressibleByArgument {}
extension Objective.Reference: ExpressibleByArgument {}
extension Reduction: ExpressibleByArgument {}
extension PolicyGradient.Estimator: ExpressibleByArgument {}
extension PolicyGradient.Normalisation: ExpressibleByArgument {}
extension Schedule.Shape: ExpressibleByArgument {}
extension AdapterPlan.Part: ExpressibleByArgument {}
