/// What a run has still to ask, in order. Where typed replies draft spoken ones, a question is spoken once its typed reply is there:
/// then before all that waits, so that few items are half done.
struct RunQueue {
    private var ready: ArraySlice<(task: RunTask, draft: [Int32])>
    /// Spoken questions by item, while the typed one is not answered.
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

    /// Nil where nothing can be asked now.
    mutating func next() -> (task: RunTask, draft: [Int32])? { ready.popFirst() }

    /// The typed question of an item was answered.
    mutating func typed(_ item: Int, _ draft: [Int32]) {
        guard let spoken = held.removeValue(forKey: item) else { return }
        ready.insert(contentsOf: spoken.map { ($0, draft) }, at: ready.startIndex)
    }
}

extension Arm {
    /// Whether the answer may be that to the typed question.
    fileprivate var speaksItsQuestion: Bool {
        switch self {
        case .audio, .audioText, .transcript: true
        case .text, .noAudio, .shuffledAudio: false
        }
    }
}
