import Encodings
import Foundation
import Hashing
import JSON
import Judging

/// An episode of VERA (arXiv 2509.26542). Its question and its answer are stored so that no crawler learns them.
///
///     stored = base64(text ⊕ SHA-256(canary), repeated)
struct VERAEpisode {
    let row: ManifestRow

    func item(_ type: TaskType?) throws -> QuestionSet.Item {
        let turn = try onlyTurn()
        guard let stored = row.columns["metadata"]?["expected_answer"] else { throw row.missing("metadata.expected_answer") }
        let answer = try plain(stored, "metadata.expected_answer")
        return QuestionSet.Item(
            id: try row.required("id"), category: try row.text("track") ?? "all", text: try plain(turn["text_content"], "turns.text_content"),
            answer: answer, type: type ?? TaskType(ofReference: answer))
    }

    func clip() throws -> ClipReference {
        let turn = try onlyTurn()
        guard let name = ["audio_file", "audio"].first(where: { turn[$0] != nil && turn[$0] != .null }), let clip = turn[name] else {
            throw row.wrongType("turns", "a turn with an audio_file")
        }
        return try row.clip(clip, at: "turns[0]." + name)
    }

    /// The question, which must consist of its clip alone. A typed addition would be asked in one arm and not in the other.
    private func onlyTurn() throws -> JSONValue {
        guard case .array(let turns) = row.columns["turns"], turns.count == 1, turns[0]["role"] == .string("user") else {
            throw row.wrongType("turns", "a list of one user's turn")
        }
        func isEmpty(_ value: JSONValue?) -> Bool { value == nil || value == .null || value == .array([]) || value == .string("") }
        for column in ["context_documents", "interruptions"] where !isEmpty(row.columns[column]) {
            throw row.wrongType(column, "empty: a question that needs more than its clip is not asked; leave the episode out")
        }
        for member in ["prefix_text", "postfix_text"] where !isEmpty(turns[0][member]) {
            throw row.wrongType("turns.\(member)", "empty: a question that needs more than its clip is not asked; leave the episode out")
        }
        return turns[0]
    }

    private func plain(_ value: JSONValue?, _ column: String) throws -> String {
        guard case .string(let stored) = value else { throw row.wrongType(column, "text") }
        let canary = try row.required("canary")
        var hash = SHA256()
        hash.update(Data(canary.utf8))
        let key = hash.bytes()
        let bytes = Data(base64Encoded: stored).map { $0.enumerated().map { $1 ^ key[$0 % key.count] } }
        guard let bytes, !bytes.isEmpty, let text = String(bytes: bytes, encoding: .utf8) else {
            throw row.wrongType(column, "base64 text that the row's canary reads")
        }
        return text
    }
}
