import Audio
import Generation
package import Objectives

/// The use of a manifest's rows.
package enum RowUse: Sendable {
    /// Pairs that a method learns from.
    case pairs(Objective)
    /// Replayed prompts: a typed question, or turns of which the last may be the answer, instead of the frozen teacher's.
    case replay

    /// Why a row is unusable; nil if it is usable.
    func problem(of pair: TrainingPair) -> String? {
        switch self {
        case .pairs(let objective): objective.problem(of: pair)
        case .replay: Self.problemOfReplaying(pair)
        }
    }

    func prompts(
        of pair: TrainingPair, by model: LoadedModel, system: String?, isCancelled: () -> Bool = { Task.isCancelled }
    ) throws -> PairPrompts {
        switch self {
        case .pairs(let objective): try pair.prompts(for: objective, by: model, system: system, isCancelled: isCancelled)
        case .replay: try pair.replayed(by: model, system: system, isCancelled: isCancelled)
        }
    }

    private static func problemOfReplaying(_ pair: TrainingPair) -> String? {
        guard let turns = pair.conversation?.turns else {
            if pair.sound != nil {
                return """
                    a replayed prompt is typed, or turns: a clip with its text is a pair, whose answer is to change (replay_transcripts replays \
                    clips)
                    """
            }
            if pair.text.allSatisfy(\.isWhitespace) { return "the text is empty" }
            return Placeholder.found(in: pair.text).map { "the question typed holds \($0), which stands for a clip" }
        }
        guard let last = turns.last, last.role != .system else { return "nothing is asked: the last turn is the system's" }
        if last.role == .assistant, last.message.text.allSatisfy(\.isWhitespace) { return "the answer is empty" }
        return nil
    }
}

extension TrainingPair {
    /// A replay's prompt, which student and teacher share; `targets` has the answer if the row gives one.
    fileprivate func replayed(by model: LoadedModel, system: String?, isCancelled: () -> Bool) throws -> PairPrompts {
        guard let turns = conversation?.turns else {
            let prompt = try model.prompt(.text(text), system: self.system ?? system)
            return PairPrompts(student: prompt, teacher: prompt, targets: [])
        }
        let limits = AudioLimits(maxSeconds: model.windowSeconds)
        let given = turns.last.flatMap { $0.role == .assistant ? $0.message.text : nil }
        let asked = try turns.dropLast(given == nil ? 0 : 1).map { try $0.message.map { try $0.clip(limits: limits, isCancelled: isCancelled) } }
        let prompt = try model.prompt(asked)
        return PairPrompts(student: prompt, teacher: prompt, targets: given.map { [ImitationTarget(prompt: prompt, answer: $0)] } ?? [])
    }
}
