import Audio
package import Generation
import Objectives

/// One answer to imitate, and the prompt before it.
package struct ImitationTarget: Sendable {
    package let prompt: Prompt
    package let answer: String
}

extension TrainingPair {
    /// The answers that the method `supervised` imitates, one after another. Each prompt is the whole conversation before its answer, rendered as
    /// when that answer is asked for, so a learnt turn sees what it will see in use.
    package func targets(
        _ model: LoadedModel, system: String?, isCancelled: () -> Bool = { Task.isCancelled }
    ) throws -> [ImitationTarget] {
        let limits = AudioLimits(maxSeconds: model.windowSeconds)
        guard let conversation else {
            let clip = try sound?.clip(limits: limits, isCancelled: isCancelled)
            let question = clip.map { HeardMessage.Part.audio($0) } ?? .text(text)
            return [ImitationTarget(prompt: try model.prompt(question, system: self.system ?? system), answer: solution ?? answer ?? "")]
        }
        let messages = try conversation.turns.map { try $0.message.map { try $0.clip(limits: limits, isCancelled: isCancelled) } }
        return try conversation.turns.indices.filter { conversation.turns[$0].isLearnt }.map { index in
            ImitationTarget(prompt: try model.prompt(Array(messages[..<index])), answer: conversation.turns[index].message.text)
        }
    }

    /// The prompts of a step: the student's, the teacher's, and the targets of a method that imitates gold answers.
    func prompts(
        for objective: Objective, by model: LoadedModel, system: String?, isCancelled: () -> Bool = { Task.isCancelled }
    ) throws -> PairPrompts {
        if objective.reads(.gold) {
            let targets = try targets(model, system: system, isCancelled: isCancelled)
            // The longest prompt contains every clip.
            let last = targets.last?.prompt ?? Prompt(tokens: [])
            return PairPrompts(student: last, teacher: last, targets: targets)
        }
        let system = self.system ?? system
        let typed = try model.prompt(.text(text), system: system)
        guard let sound else { return PairPrompts(student: typed, teacher: typed, targets: []) }
        let clip = try sound.clip(limits: AudioLimits(maxSeconds: model.windowSeconds), isCancelled: isCancelled)
        return PairPrompts(student: try model.prompt(.audio(clip), system: system), teacher: typed, targets: [])
    }
}

/// Prompts of a pair.
struct PairPrompts: Sendable {
    /// The spoken question.
    let student: Prompt
    /// The typed one.
    let teacher: Prompt
    /// The imitation targets; empty for other methods.
    let targets: [ImitationTarget]
}

extension LoadedModel {
    /// The prompt of one question, after an optional system turn.
    package func prompt(_ question: HeardMessage.Part, system: String?) throws -> Prompt {
        let system = system.map { [HeardMessage(role: "system", $0)] } ?? []
        return try prompt(system + [Message(role: "user", parts: [question])])
    }
}
