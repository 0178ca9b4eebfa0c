/// What a person looks through: the items of question sets with people's marks, and the rows of training files.

/// One item of a question set.
package struct BenchmarkItem: Codable, Equatable, Sendable {
    package var id: String
    package var object = "benchmark.item"
    package var category: String
    /// The question as it is typed.
    package var text: String
    /// The reference answer.
    package var answer: String
    /// The texts of the lettered choices, A first.
    package var choices: [String]
    /// How answers are compared: `number`, `choice`, …
    package var type: String
    /// The id of the question, which several voices may speak.
    package var sourceQuestion: String
    @Nullable package var voice: String?
    /// Whether the item has a clip.
    package var hasAudio: Bool
    /// A person's verdict on the item.
    @Nullable package var mark: ItemMark?

    package init(
        id: String, category: String, text: String, answer: String, choices: [String], type: String, sourceQuestion: String, voice: String?,
        hasAudio: Bool, mark: ItemMark?
    ) {
        (self.voice, self.mark, self.id, self.category, self.text, self.answer) = (voice, mark, id, category, text, answer)
        (self.choices, self.type, self.sourceQuestion, self.hasAudio) = (choices, type, sourceQuestion, hasAudio)
    }
}

/// A person's verdict on an item's reference answer.
package struct ItemMark: Codable, Equatable, Sendable {
    package var object = "benchmark.mark"
    /// The name of the question set.
    package var benchmark: String
    package var item: String
    package var verdict: MarkVerdict
    /// The answer that the person considers right.
    @Nullable package var answer: String?
    @Nullable package var note: String?
    package var createdAt: Int

    package init(benchmark: String, item: String, verdict: MarkVerdict, answer: String?, note: String?, createdAt: Int) {
        (self.answer, self.note, self.benchmark, self.item, self.verdict, self.createdAt) = (answer, note, benchmark, item, verdict, createdAt)
    }
}

/// `gold_right`: the item was checked and holds. `unsure`: somebody should look again.
package enum MarkVerdict: String, Codable, CaseIterable, Sendable {
    case goldRight = "gold_right"
    case goldWrong = "gold_wrong"
    case ambiguous
    case clipUnusable = "clip_unusable"
    case unsure
}

/// `POST /v1/benchmarks/{id}/items/{item}/mark`. A new mark replaces an earlier one.
package struct MarkRequest: Decodable, Equatable, Sendable {
    package var verdict: MarkVerdict
    package var answer: String?
    package var note: String?

    package init(from decoder: any Decoder) throws {
        let fields = try Fields(decoder)
        verdict = try fields.requiredChoice("verdict")
        answer = try fields.text("answer", maxLength: 2000)
        note = try fields.text("note", maxLength: 2000)
        try fields.end()
    }
}

/// `GET /v1/benchmarks/{id}/items?…`. Items come in the order of the set.
package struct ItemsQuery: Decodable, Equatable, Sendable {
    package var after: String?
    package var limit: Int
    package var category: String?
    /// A text to find in the question, the answer or the id, ignoring case.
    package var contains: String?
    /// Selects items with a mark, or without one.
    package var marked: Bool?

    package init(from decoder: any Decoder) throws {
        let fields = try Fields(decoder)
        after = try fields.text("after", maxLength: 2000)
        limit = try fields.integer("limit", in: 1...1000) ?? 20
        category = try fields.text("category", maxLength: 512)
        contains = try fields.text("contains", maxLength: 512)
        marked = try fields.flag("marked")
        try fields.end()
    }
}

/// One row of a training file, as training reads it.
package struct TrainingFileRow: Codable, Equatable, Sendable {
    /// A turn of a conversation.
    package struct RowTurn: Codable, Equatable, Sendable {
        package var role: String
        package var text: String

        package init(role: String, text: String) { (self.role, self.text) = (role, text) }
    }

    package var object = "file.row"
    /// The line on which the row begins, from 1.
    package var line: Int
    @Nullable package var id: String?
    /// The question as it is typed.
    package var text: String
    @Nullable package var answer: String?
    /// The whole answer that the method `supervised` imitates.
    @Nullable package var solution: String?
    @Nullable package var system: String?
    /// The turns, if the row is a conversation.
    package var turns: [RowTurn]
    /// The number of clips in the row.
    package var clips: Int
    /// Why the row cannot be learnt from.
    @Nullable package var problem: String?

    package init(
        line: Int, id: String? = nil, text: String = "", answer: String? = nil, solution: String? = nil, system: String? = nil, turns: [RowTurn] = [],
        clips: Int = 0, problem: String? = nil
    ) {
        (self.id, self.answer, self.solution, self.system, self.problem, self.line) = (id, answer, solution, system, problem, line)
        (self.text, self.turns, self.clips) = (text, turns, clips)
    }
}

/// `GET /v1/files/{id}/rows?…`. Rows come in the order of the file.
package struct RowsQuery: Decodable, Equatable, Sendable {
    /// The line after which the page begins.
    package var after: Int
    package var limit: Int
    /// A text to find in the question, an answer, a turn or the id, ignoring case.
    package var contains: String?
    /// Selects rows that cannot be learnt from, or the others.
    package var problems: Bool?

    package init(from decoder: any Decoder) throws {
        let fields = try Fields(decoder)
        after = try fields.integer("after", in: 0...Int.max) ?? 0
        limit = try fields.integer("limit", in: 1...1000) ?? 20
        contains = try fields.text("contains", maxLength: 512)
        problems = try fields.flag("problems")
        try fields.end()
    }
}

/// `GET /v1/files/{id}/rows/{line}/audio?clip=…`.
package struct ClipQuery: Decodable, Equatable, Sendable {
    /// The clip's index in its row, from 0.
    package var clip: Int

    package init(from decoder: any Decoder) throws {
        let fields = try Fields(decoder)
        clip = try fields.integer("clip", in: 0...1000) ?? 0
        try fields.end()
    }
}
