import ArgumentParser
import Objectives
import Training

/// When a training ends early, and which of its checkpoints stay.
struct EndingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "End after so many measurements (--eval-every) in a row without a better one. Without it, all steps are taken.", valueName: "count"))
    var patience: Int?
    @Option(help: ArgumentHelp("What counts as better, at the least.", valueName: "change")) var minChange = 0.0
    @Option(
        help: """
            By what measurements are compared: gap (accuracy typed minus spoken), text_loss (1 - accuracy typed), kl_mean or loss. Without it, \
            kl_mean, and loss for the method supervised.
            """)
    var criterion: Criterion?
    @Option(
        help: ArgumentHelp(
            """
            Which checkpoints stay, also as PEFT directories DIR/checkpoints/step-…: last:N, every:N or best; may be repeated. The newest stays. \
            Without it, the newest --checkpoints.
            """, valueName: "rule"))
    var keep: [KeepRule] = []

    func validate() throws {
        try NumericOption.check([(.patience, patience.map(Double.init)), (.minChange, minChange)])
    }

    func criterion(for objective: Objective) -> Criterion { criterion ?? (objective.reads(.gold) ? .loss : .klMean) }

    func stopping(for objective: Objective) -> EarlyStopping? {
        patience.map { EarlyStopping(criterion(for: objective), patience: $0, minimumChange: minChange) }
    }
}

extension Criterion: ExpressibleByArgument {}
extension KeepRule: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }
}
