/// The remaining questions of a run, in order. If typed replies are drafts of spoken ones, a question is spoken once its typed reply is there,
/// and before all other waiting questions, so that few items are half finished.
struct RunQueue {
    private var ready: ArraySlice<(task: RunTask, draft: [Int32])>
    /// The spoken questions by item, until the typed one is answered.
    private var held: [Int: [RunTask]] = [:]

    init(_ tasks: [RunTask], draftsSpoken: Bool) {
        var typed: Set<Int> = []
        if draftsSpoken { for case .question(let question) in tasks where question.arm == .text { typed.insert(question.item) } }
        ready = []
        for task in tasks {
            if case .question(let question) = task, question.arm.speaksItsQuestion, typed.contains(question.item) {
                held[question.item, default: []].append(task)
            } else {
                ready.append((task, []))
            }
        }
    }

    /// The next question; nil if nothing can be asked now.
    mutating func next() -> (task: RunTask, draft: [Int32])? { ready.popFirst() }

    /// Notes that an item's typed question was answered.
    mutating func typed(_ item: Int, _ draft: [Int32]) {
        guard let spoken = held.removeValue(forKey: item) else { return }
        ready.insert(contentsOf: spoken.map { ($0, draft) }, at: ready.startIndex)
    }
}

extension Arm {
    /// Whether the answer can be the same as to the typed question.
    fileprivate var speaksItsQuestion: Bool {
        switch self {
        case .audio, .audioText, .transcript: true
        case .text, .noAudio, .shuffledAudio: false
        }
    }
}
