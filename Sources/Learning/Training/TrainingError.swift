/// Why a step or a run failed. It changed nothing.
package enum TrainingError: Error, Equatable, CustomStringConvertible {
    /// The plan of what to train does not fit the model.
    case plan(String)
    /// No pair of a batch could be used; with the reason of each.
    case noUsablePair([String])
    /// The trainer is busy with another step.
    case busy
    /// A checkpoint that does not belong to this training.
    case checkpoint(path: String, reason: String)
    /// A manifest that could not be read, or a line of it.
    case manifest(path: String, line: Int?, reason: String)
    /// All steps of a run failed; with the reason of the last one.
    case nothingLearnt(reason: String)
    case options(String)

    package var description: String {
        switch self {
        case .plan(let reason): "what to train: \(reason)"
        case .noUsablePair(let reasons): "none of \(reasons.count) pairs can be used: \(reasons.joined(separator: "; "))"
        case .busy: "the trainer is at work on another step; wait for it"
        case .checkpoint(let path, let reason): "the checkpoint \(path): \(reason)"
        case .manifest(let path, let line, let reason): "\(path)\(line.map { ", line \($0)" } ?? ""): \(reason)"
        case .nothingLearnt(let reason): "no step of the run moved the weights: \(reason)"
        case .options(let reason): "training options: \(reason)"
        }
    }
}
