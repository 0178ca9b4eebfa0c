/// The requests of the routes by which a person looks through question sets and training files.

/// `gold_right`: the item was checked and holds. `unsure`: somebody should look again.
package enum MarkVerdict: String, Codable, CaseIterable, Sendable {
    case goldRight = "gold_right"
    case goldWrong = "gold_wrong"
    case ambiguous
    case clipUnusable = "clip_unusable"
    case unsure
}

/// `POST /v1/benchmarks/{id}/items/{item}/mark`. A new mark replaces an earlier one.
package struct MarkRequest: WireObject, Equatable, Sendable {
    package var verdict: MarkVerdict
    package var answer: String?
    package var note: String?

    package init(_ fields: Fields) throws {
        verdict = try fields.requiredChoice("verdict")
        answer = try fields.text("answer", maxLength: 2000)
        note = try fields.text("note", maxLength: 2000)
    }
}

/// `GET /v1/benchmarks/{id}/items?…`. Items come in the order of the set.
package struct ItemsQuery: WireObject, Equatable, Sendable {
    package var after: String?
    package var limit: Int
    package var category: String?
    /// A text to find in the question, the answer or the id, ignoring case.
    package var contains: String?
    /// Selects items with a mark, or without one.
    package var marked: Bool?

    package init(_ fields: Fields) throws {
        after = try fields.text("after", maxLength: 2000)
        limit = try fields.integer("limit", in: 1...1000) ?? 20
        category = try fields.text("category", maxLength: 512)
        contains = try fields.text("contains", maxLength: 512)
        marked = try fields.flag("marked")
    }
}

/// `GET /v1/files/{id}/rows?…`. Rows come in the order of the file.
package struct RowsQuery: WireObject, Equatable, Sendable {
    /// The line after which the page begins.
    package var after: Int
    package var limit: Int
    /// A text to find in the question, an answer, a turn or the id, ignoring case.
    package var contains: String?
    /// Selects rows that cannot be learnt from, or the others.
    package var problems: Bool?

    package init(_ fields: Fields) throws {
        after = try fields.integer("after", in: 0...Int.max) ?? 0
        limit = try fields.integer("limit", in: 1...1000) ?? 20
        contains = try fields.text("contains", maxLength: 512)
        problems = try fields.flag("problems")
    }
}

/// `GET /v1/files/{id}/rows/{line}/audio?clip=…`.
package struct ClipQuery: WireObject, Equatable, Sendable {
    /// The clip's index in its row, from 0.
    package var clip: Int

    package init(_ fields: Fields) throws {
        clip = try fields.integer("clip", in: 0...1000) ?? 0
    }
}
