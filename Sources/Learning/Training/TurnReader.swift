import Encodings
import Foundation
import Generation
import JSON

/// Reads the turns of a row that holds a conversation, with the clips at their places.
struct TurnReader {
    private let sounds: [TrainingPair.Sound]
    private let find: (ClipReference) throws -> TrainingPair.Sound
    private var used = 0

    private init(sounds: [TrainingPair.Sound], find: @escaping (ClipReference) throws -> TrainingPair.Sound) {
        self.sounds = sounds
        self.find = find
    }

    /// Nil if the row has no turns. A system turn beside the turns comes first.
    static func turns(
        of row: inout RowMembers, sounds: [TrainingPair.Sound], find: @escaping (ClipReference) throws -> TrainingPair.Sound
    ) throws -> [Conversation.Turn]? {
        var reader = TurnReader(sounds: sounds, find: find)
        guard let turns = try reader.turns(of: &row) else { return nil }
        guard reader.used == sounds.count else {
            throw RowError(
                """
                found \(reader.used) places for clips (\(Placeholder.audio) in a text, or a part of the type audio) and \(sounds.count) clips \
                beside the turns; each clip needs its place
                """)
        }
        return turns
    }

    private mutating func turns(of row: inout RowMembers) throws -> [Conversation.Turn]? {
        var turns: [Conversation.Turn] = []
        let shapes = ["messages", "conversations", "query", "instruction"].filter(row.has)
        guard let shape = shapes.first else { return nil }
        if shapes.count > 1 { throw RowError("found \(shapes.joined(separator: " and ")) in one row; keep one of them") }
        if let system = try row.text("system") { turns.append(try turn(.system, system, at: "system")) }
        switch shape {
        case "messages", "conversations":
            for (index, value) in (try row.array(shape) ?? []).enumerated() { turns.append(try turn(value, at: "\(shape)[\(index)]")) }
        case "query": turns += try queries(&row)
        default: turns += try instruction(&row)
        }
        if !turns.contains(where: { $0.role == .user }) { throw RowError("\(shape): expected a user's turn, found none") }
        return turns
    }

    private mutating func queries(_ row: inout RowMembers) throws -> [Conversation.Turn] {
        var turns: [Conversation.Turn] = []
        for (index, exchange) in (try row.array("history") ?? []).enumerated() {
            guard case .array(let said) = exchange, said.count == 2, case .string(let query) = said[0], case .string(let response) = said[1] else {
                throw RowError("history[\(index)]: expected a query and its response, found \(exchange.summary)")
            }
            turns += [try turn(.user, query, at: "history[\(index)][0]"), try turn(.assistant, response, at: "history[\(index)][1]")]
        }
        turns.append(try turn(.user, try row.text("query") ?? "", at: "query"))
        if let response = try row.text("response") { turns.append(try turn(.assistant, response, at: "response")) }
        return turns
    }

    private mutating func instruction(_ row: inout RowMembers) throws -> [Conversation.Turn] {
        let asked = [try row.text("instruction"), try row.text("input")].compactMap { $0 }.filter { !$0.isEmpty }
        let question = try turn(.user, asked.joined(separator: "\n"), at: "instruction")
        return try [question] + (row.text("output").map { [try turn(.assistant, $0, at: "output")] } ?? [])
    }

    /// A turn as OpenAI or ShareGPT writes it.
    private mutating func turn(_ value: JSONValue, at place: String) throws -> Conversation.Turn {
        var members = try RowMembers(value, at: place)
        let named = try members.text("role", "from") ?? ""
        let roles: [String: Conversation.Role] = [
            "system": .system, "developer": .system, "user": .user, "human": .user, "assistant": .assistant, "gpt": .assistant,
        ]
        guard let role = roles[named] else {
            throw RowError("\(members.path("role")): expected system, user or assistant, found \(named.isEmpty ? "nothing" : named)")
        }
        let isLearnt = try weight(&members, role)
        try members.refuse("tool_calls", "function_call", because: "this server calls no tools")
        try members.refuse(
            "reasoning_content", "reasoning", because: "only `content` is learnt; put the reasoning before the answer there, or leave it out")
        if role == .assistant {
            try members.refuse("audio", "refusal", because: "an answer is learnt from `content`")
        } else {
            try members.refuse(
                "audio", "audios", "audio_url", because: "a clip stands in `content`, as an input_audio part, or beside `messages`, in `audios`")
        }
        members.ignore(["name", "annotations"])
        let content = members.value("content") ?? members.value("value")
        if members.has("content"), members.has("value") { throw RowError("\(place): found content and value; keep one of them") }
        try members.end()
        var parts: [Conversation.Part] = []
        switch content {
        case .string(let text): parts = try split(text, role, at: members.path("content"))
        case .array(let values):
            for (index, value) in values.enumerated() { parts += try part(value, role, at: "\(members.path("content"))[\(index)]") }
        case nil where role == .assistant && !isLearnt: break
        case let other:
            throw RowError("\(members.path("content")): expected a text or an array of parts, found \(other?.summary ?? "nothing")")
        }
        if role != .assistant, parts.isEmpty { throw RowError("\(members.path("content")): expected a text or a clip, found neither") }
        return Conversation.Turn(role: role, parts: parts, isLearnt: isLearnt)
    }

    /// OpenAI's `weight`, 0 or 1, and ms-swift's `loss`.
    private func weight(_ members: inout RowMembers, _ role: Conversation.Role) throws(RowError) -> Bool {
        var isLearnt = role == .assistant
        for name in ["weight", "loss"] {
            guard let value = members.value(name) else { continue }
            switch value {
            case .integer(1), .real(1), .boolean(true): isLearnt = true
            case .integer(0), .real(0), .boolean(false): isLearnt = false
            default: throw RowError("\(members.path(name)): expected 0 or 1, found \(value.summary)")
            }
            guard role == .assistant || !isLearnt else { throw RowError("\(members.path(name)): only an assistant's turn is learnt") }
        }
        return isLearnt
    }

    private mutating func turn(_ role: Conversation.Role, _ text: String, at place: String) throws -> Conversation.Turn {
        Conversation.Turn(role: role, parts: try split(text, role, at: place))
    }

    private mutating func part(_ value: JSONValue, _ role: Conversation.Role, at place: String) throws -> [Conversation.Part] {
        var members = try RowMembers(value, at: place)
        let type = try members.text("type") ?? ""
        members.ignore(["cache_control", "annotations"])
        if type == "text" {
            let text = try members.text("text") ?? ""
            try members.end()
            return try split(text, role, at: place)
        }
        guard ["audio", "input_audio", "audio_url"].contains(type) else {
            throw RowError("\(place).type: expected text, input_audio, audio_url or audio, found \(type.isEmpty ? "nothing" : type)")
        }
        guard role == .user else { throw RowError("\(place): only the user's turns hold clips") }
        var named: [ClipReference] = []
        for name in ["input_audio", "audio_url", "audio", "path", "url"] {
            if let clip = members.value(name) { named.append(try ClipReference(clip, at: "\(place).\(name)")) }
        }
        try members.end()
        guard named.count <= 1 else { throw RowError("\(place): expected one clip, found \(named.count)") }
        return [.audio(try named.first.map(find) ?? nextSound(at: place))]
    }

    /// A text, split at its clips.
    private mutating func split(_ text: String, _ role: Conversation.Role, at place: String) throws -> [Conversation.Part] {
        if let control = Placeholder.control(in: text), role != .assistant {
            throw RowError("\(place): \(control) belongs to the chat template, which writes it itself; write \(Placeholder.audio)")
        }
        let pieces = text.components(separatedBy: Placeholder.audio)
        guard pieces.count > 1, role != .assistant else { return [.text(text)] }
        guard role == .user else { throw RowError("\(place): only the user's turns hold clips") }
        var parts: [Conversation.Part] = []
        for (index, piece) in pieces.enumerated() {
            if index > 0 { parts.append(.audio(try nextSound(at: place))) }
            let words = piece.trimmingCharacters(in: .whitespacesAndNewlines)
            if !words.isEmpty { parts.append(.text(words)) }
        }
        return parts
    }

    /// The next of the clips listed beside the turns.
    private mutating func nextSound(at place: String) throws -> TrainingPair.Sound {
        guard used < sounds.count else {
            throw RowError("\(place): found more places for clips than the \(sounds.count) clips beside the turns; each place needs its clip")
        }
        used += 1
        return sounds[used - 1]
    }
}
