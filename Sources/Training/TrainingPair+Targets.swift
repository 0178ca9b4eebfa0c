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
            let question: Message.Part = if let sound { .audio(try sound.clip(limits: limits, isCancelled: isCancelled)) } else { .text(text) }
            return [ImitationTarget(prompt: try model.prompt(question, system: self.system ?? system), answer: solution ?? answer ?? "")]
        }
        let messages = try conversation.turns.map { turn in
            Message(
                role: turn.role.rawValue,
                parts: try turn.parts.map { part in
                    switch part {
                    case .text(let text): .text(text)
                    case .sound(let sound): .audio(try sound.clip(limits: limits, isCancelled: isCancelled))
                    }
                })
        }
        return try conversation.turns.indices.filter { conversation.turns[$0].isLearnt }.map { index in
            ImitationTarget(prompt: try model.prompt(Array(messages[..<index])), answer: conversation.turns[index].text)
        }
    }

    /// Decodes every clip, for its errors alone.
    package func checkSounds(limits: AudioLimits, isCancelled: () -> Bool = { Task.isCancelled }) throws {
        for sound in sounds { _ = try sound.clip(limits: limits, isCancelled: isCancelled) }
    }
}

extension LoadedModel {
    /// The prompt of one question, after a system turn perhaps.
    package func prompt(_ question: Message.Part, system: String?) throws -> Prompt {
        let system = system.map { [Message(role: "system", parts: [.text($0)])] } ?? []
        return try prompt(system + [Message(role: "user", parts: [question])])
    }
}
