import API
import Encodings
import Generation
import Tokenization
import Training

/// The replayed prompts of a step.
extension Learner {
    /// - Throws: An error if a clip cannot be found. A replayed prompt is never skipped silently.
    func replayed(_ wanted: CordStepRequest) throws -> [TrainingPair] {
        try wanted.replay.enumerated().map { index, prompt in
            let id = prompt.id ?? "\(index)"
            if prompt.audio == nil, prompt.answer == nil { return TrainingPair(id: id, sound: nil, text: prompt.text, system: prompt.system) }
            var turns: [Conversation.Turn] = []
            if let system = prompt.system ?? wanted.system { turns.append(Conversation.Turn(role: .system, parts: [.text(system)])) }
            let clip = try prompt.audio.map { try clips.sound(ClipReference($0)) }
            turns.append(Conversation.Turn(role: .user, parts: (clip.map { [.audio($0)] } ?? []) + [.text(prompt.text)]))
            if let answer = prompt.answer { turns.append(Conversation.Turn(role: .assistant, parts: [.text(answer)])) }
            return TrainingPair(id: id, sound: nil, text: prompt.text, conversation: Conversation(turns: turns))
        }
    }

    /// The outcomes of the replayed prompts; nil if there were none.
    func replays(
        _ report: StepReport, of wanted: CordStepRequest, include: Set<CordStepRequest.Detail>, measured: Bool = false
    ) -> [CordPairOutcome]? {
        if report.replays.isEmpty { return nil }
        let tokenizer = runtime.model.tokenizer
        return report.replays.enumerated().map { index, outcome in
            let id = index < wanted.replay.count ? wanted.replay[index].id : outcome.id
            var told = CordPairOutcome(outcome, id: id, index: index, include: include, measured: measured) { tokenizer.decode([Int($0)]) }
            told.reason = told.reason.map(folders.hidden)
            return told
        }
    }
}
