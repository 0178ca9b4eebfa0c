package import API

/// One row of a training file, as training reads it.
package struct TrainingFileRow: Codable, Equatable, Sendable {
    /// A turn of a conversation.
    package struct RowTurn: Codable, Equatable, Sendable {
        package var role: String
        package var text: String
    }

    package var object = "file.row"
    /// The line on which the row begins, from 1.
    package var line: Int
    @Nullable package var id: String? = nil
    /// The question as it is typed.
    package var text = ""
    @Nullable package var answer: String? = nil
    /// The whole answer that the method `supervised` imitates.
    @Nullable package var solution: String? = nil
    @Nullable package var system: String? = nil
    /// The turns, if the row is a conversation.
    package var turns: [RowTurn] = []
    /// The number of clips in the row.
    package var clips = 0
    /// Why the row cannot be learnt from.
    @Nullable package var problem: String? = nil
}
