package import API

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
    @Nullable package var voice: String? = nil
    /// Whether the item has a clip.
    package var hasAudio: Bool
    /// A person's verdict on the item.
    @Nullable package var mark: ItemMark? = nil
}

/// A person's verdict on an item's reference answer.
package struct ItemMark: Codable, Equatable, Sendable {
    package var object = "benchmark.mark"
    /// The name of the question set.
    package var benchmark: String
    package var item: String
    package var verdict: MarkVerdict
    /// The answer that the person considers right.
    @Nullable package var answer: String? = nil
    @Nullable package var note: String? = nil
    package var createdAt: Int
}
