import Encodings
import Foundation
import Generation
import JSON

/// Reads one row of a training file as a pair. Every clip and every member is used, or the row is refused.
///
///     {"audio": CLIP, "text": "What is 8 plus 5?", "answer": "13", "solution": "8 + 5 = 13. The answer is 13."}
///     {"messages": [TURN, …], "audios": [CLIP, …]}            OpenAI, TRL, ms-swift; `conversations` for ShareGPT and LLaMA-Factory
///     {"query": …, "response": …, "history": [[…, …]], …}     ms-swift's older rows
///     {"instruction": …, "input": …, "output": …, …}          Alpaca
///
/// A clip beside the turns is placed where `<audio>` or a part `{"type": "audio"}` occurs in them.
struct TrainingRow {
    /// Descriptive members, which are ignored.
    private static let descriptive = [
        "metadata", "category", "choices", "type", "task", "source", "voice", "speaker", "speaker_id", "instructions", "split", "subset",
        "index", "language", "lang", "locale", "accent", "gender", "seconds", "duration", "sampling_rate", "sample_rate", "sha256", "difficulty",
        "depth",
        "__index_level_0__",
    ]

    let id: String
    let sound: TrainingPair.Sound?
    let text: String
    let answer: String?
    let solution: String?
    let system: String?
    let conversation: Conversation?

    var pair: TrainingPair {
        TrainingPair(id: id, sound: sound, text: text, answer: answer, solution: solution, system: system, conversation: conversation)
    }

    /// - Parameters:
    ///   - number: The line of the row, its id if it has none.
    ///   - find: Resolves a clip reference, or throws why that fails.
    init(_ value: JSONValue, number: Int, find: @escaping (ClipReference) throws -> TrainingPair.Sound) throws {
        var row = try RowMembers(value)
        let columns: [String] = if case .object(let object) = value { object.keys } else { [] }
        id = try row.text("id") ?? String(number)
        let clips = try ClipReference.clips(of: &row, columns: columns)
        answer = try row.text("answer", "reference", "target", "label")
        row.ignore(Self.descriptive)
        try row.refuse("tools", "functions", because: "this server calls no tools")
        try row.refuse("images", "image", "videos", "video", because: "pictures are not read")
        try row.refuse(
            "chosen", "rejected", "rejected_response", because: "no method here learns from preferences; keep the better answer as `solution`")
        try row.refuse("rollouts", because: "a training samples its own rollouts; those of others come with POST /v1/cord/steps")
        row.ignore(["parallel_tool_calls"])
        let sounds = try clips.map(find)
        if let turns = try TurnReader.turns(of: &row, sounds: sounds, find: find) {
            let typed = try row.text("text")
            row.ignore(["question"])
            try row.end()
            let conversation = Conversation(turns: turns)
            let asked = conversation.question ?? turns.last { $0.role == .user }
            sound = conversation.question?.message.sounds.first
            text = typed ?? asked?.message.text ?? ""
            solution = turns.last { $0.role == .assistant }?.message.text
            system = turns.first.flatMap { $0.role == .system ? $0.message.text : nil }
            self.conversation = conversation
        } else {
            // `question` is another name for the text. Beside a text it is the question's id, as `cord speak` writes it.
            let named = try row.text("text", "transcription", "transcript", "sentence", "prompt")
            let typed = try named ?? row.text("question") ?? ""
            row.ignore(["question"])
            solution = try row.text("solution")
            system = try row.text("system")
            try row.end()
            guard sounds.count <= 1 else { throw RowError("expected at most one clip beside the text, found \(sounds.count)") }
            sound = sounds.first
            text = try Self.typed(typed, clips: sounds.count)
            conversation = nil
        }
    }

    /// Table columns whose cells may hold JSON lists.
    static let lists = Set(ClipReference.members + ["messages", "conversations", "history"])

    /// The text of a pair, without the placeholder of its clip.
    private static func typed(_ text: String, clips: Int) throws(RowError) -> String {
        if let control = Placeholder.control(in: text) {
            throw RowError("text: \(control) belongs to the chat template, which writes it itself; leave it out")
        }
        let places = text.components(separatedBy: Placeholder.audio).count - 1
        guard places > 0 else { return text }
        guard places == clips else { throw RowError("text: found \(places) times \(Placeholder.audio) for \(clips) clips") }
        return text.replacing(Placeholder.audio, with: "").trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
