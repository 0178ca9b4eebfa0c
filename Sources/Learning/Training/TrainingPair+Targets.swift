package import Audio
package import Generation
import Objectives

/// One answer to imitate, behind what the model is given before it.
package struct ImitationTarget: Sendable {
    package let prompt: Prompt
    package let answer: String
}

extension TrainingPair {
    /// What the supervised method imitates, an answer after another. Each prompt is the whole conversation before its answer, as
    /// the chat template renders it when that answer is asked for, so a learnt turn sees what it will see in use.
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

    /// Decodes every clip, for its errors alone.
    package func checkSounds(limits: AudioLimits, isCancelled: () -> Bool = { Task.isCancelled }) throws {
        for sound in sounds { _ = try sound.clip(limits: limits, isCancelled: isCancelled) }
    }
}

extension LoadedModel {
    /// The prompt of one question, after a system turn perhaps.
    package func prompt(_ question: HeardMessage.Part, system: String?) throws -> Prompt {
        let system = system.map { [HeardMessage(role: "system", $0)] } ?? []
        return try prompt(system + [Message(role: "user", parts: [question])])
    }
}
