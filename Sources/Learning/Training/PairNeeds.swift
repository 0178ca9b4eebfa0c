import Generation
import Objectives

/// What a method needs from a pair.
///
///     supervised        a question, spoken or typed, and its answer; or a conversation that ends with an answer to learn
///     all the others    one question, spoken and typed alike: the student hears it, the teacher reads it
extension Objective {
    /// Why a pair cannot be learnt from; nil if it can.
    package func problem(of pair: TrainingPair) -> String? {
        if reads(.gold) { return problemOfImitating(pair) }
        if let conversation = pair.conversation, conversation.question == nil {
            return """
                the method \(method.rawValue) learns from one question, one user turn with one clip after at most one system turn; found \
                \(conversation.turns.count { $0.role == .user }) user turns with \(pair.sounds.count) clips (the method supervised learns from \
                whole conversations)
                """
        }
        if pair.sound == nil { return "the method \(method.rawValue) needs the question spoken, and the pair has no clip" }
        if pair.text.allSatisfy(\.isWhitespace) {
            return pair.conversation == nil
                ? "the text is empty" : "the method \(method.rawValue) needs the question typed, and the row has no text beside its clip"
        }
        if let name = Placeholder.found(in: pair.text) {
            return "the question typed holds \(name), which stands for a clip; the teacher would read it"
        }
        if needsGold, isBlank(pair.answer) { return "the method needs the right answer, and the pair has none" }
        return nil
    }

    private func problemOfImitating(_ pair: TrainingPair) -> String? {
        guard let turns = pair.conversation?.turns else {
            if pair.sound == nil, pair.text.allSatisfy(\.isWhitespace) { return "the text is empty" }
            return isBlank(pair.solution ?? pair.answer) ? "the method needs the right answer, and the pair has none" : nil
        }
        guard turns.last?.role == .assistant else { return "the last turn is not the assistant's: nothing after it is learnt" }
        guard turns.contains(where: \.isLearnt) else { return "no assistant turn is to be learnt: all have the weight 0" }
        if let silent = turns.firstIndex(where: { $0.isLearnt && $0.message.text.allSatisfy(\.isWhitespace) }) {
            return "the assistant turn \(silent + 1) is to be learnt and has no text"
        }
        guard let asked = turns.firstIndex(where: { $0.role == .user }), asked < (turns.firstIndex(where: \.isLearnt) ?? 0) else {
            return "the assistant speaks before the user"
        }
        return nil
    }

    private func isBlank(_ text: String?) -> Bool { text?.allSatisfy(\.isWhitespace) ?? true }
}

/// Placeholders of clips in the texts of training rows.
enum Placeholder {
    /// ms-swift's and LLaMA-Factory's.
    static let audio = "<audio>"

    /// The first placeholder in a text: a row's own, or one that a chat template writes, as in `<|audio|>`.
    static func found(in text: String) -> String? { text.contains(audio) ? audio : control(in: text) }

    static func control(in text: String) -> String? {
        guard text.contains("<|") else { return nil }
        return text.firstMatch(of: /<\|[a-z_]*audio[a-z_]*\|>/.ignoresCase()).map { String($0.output) }
    }
}
