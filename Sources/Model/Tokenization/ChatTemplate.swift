import Files
package import Foundation

/// One message of a conversation in the form of chat templates: texts, and placeholders of clips.
package struct TemplateMessage: Sendable {
    package enum Part: Sendable, Equatable {
        case text(String)
        case audio
    }

    package var role: String
    package var parts: [Part]
    /// An assistant's reasoning before its answer.
    package var reasoning: String?
    /// The calls of an assistant.
    package var calls: [TemplateToolCall] = []
    /// For the role `tool`: the id of the answered call.
    package var callID: String?

    package init(role: String, parts: [Part], reasoning: String? = nil) {
        self.role = role
        self.parts = parts
        self.reasoning = reasoning
    }

    package init(role: String, _ text: String) { self.init(role: role, parts: [.text(text)]) }

    /// Its texts, concatenated.
    var text: String { parts.map { if case .text(let text) = $0 { text } else { "" } }.joined() }

    /// The message in the form of Hugging Face's clients: `content` is a string if the message is one text, otherwise a list of parts.
    ///
    /// - Parameter sound: The placeholder of a clip, if content is always a string with a line per part; nil if it may be a list.
    func value(soundInText sound: String?) -> TemplateValue {
        let content: TemplateValue
        if parts.count == 1, case .text(let text) = parts[0] {
            content = .string(text)
        } else if let sound {
            let lines = parts.map { part in
                switch part {
                case .text(let text): TextPiece(text, isTemplate: false)
                case .audio: TextPiece(sound, isTemplate: true)
                }
            }
            content = .pieces(Array(lines.map { [$0] }.joined(separator: [TextPiece("\n", isTemplate: false)])))
        } else {
            content = .list(
                parts.map { part in
                    switch part {
                    case .text(let text): .object([("type", .string("text")), ("text", .string(text))])
                    case .audio: .object([("type", .string("audio"))])
                    }
                })
        }
        let thought = reasoning.map { [("reasoning_content", TemplateValue.string($0))] } ?? []
        let called = calls.isEmpty ? [] : [("tool_calls", TemplateValue.list(calls.map(\.value)))]
        let answered = callID.map { [("tool_call_id", TemplateValue.string($0))] } ?? []
        return .object([("role", .string(role)), ("content", content)] + thought + called + answered)
    }
}

/// The form of an assistant's calls.
package enum CallWriting: CaseIterable, Sendable {
    /// `<tool_call>{"name": …, "arguments": …}</tool_call>`, as ``ToolText`` writes it.
    case hermes
    /// `[TOOL_CALLS][{"name": …, "arguments": …}]`, whose tag is a control token: mistral-common's versions 3 to 7.
    case mistral
    /// `[TOOL_CALLS]name[ARGS]{…}`, the tags control tokens, `[CALL_ID]` and a name of the call between them in version 11: mistral-common's since that.
    case mistralNamed
    /// `{"name": …, "parameters": …}` at the answer's beginning: Llama 3.
    case llama
    /// `<tool_call>function`, the name and the arguments each on a line, `</tool_call>`: Step-Audio 2.
    case stepAudio

    /// The marks of this form in a template's source: one of each list.
    fileprivate var marks: [[String]] {
        switch self {
        case .hermes: [["<tool_call>"], ["\"arguments\": ", "\\\"arguments\\\": "]]
        case .mistral: [["[TOOL_CALLS]["], ["[AVAILABLE_TOOLS]["], ["\"arguments\": "]]
        case .mistralNamed: [["[TOOL_CALLS]"], ["[ARGS]"]]
        case .llama: [["<|start_header_id|>"], ["{\"name\": ", "{\\\"name\\\": "], ["\"parameters\": ", "\\\"parameters\\\": "]]
        case .stepAudio: [["<tool_call>function"]]
        }
    }

    fileprivate static func found(in source: String) -> CallWriting? {
        allCases.first { writing in writing.marks.allSatisfy { $0.contains { source.contains($0) } } }
    }
}

/// A checkpoint's chat template: messages → the text the model was trained on, by a small Jinja interpreter.
///
/// It agrees with transformers' `apply_chat_template`. Loading fails on constructs that the interpreter lacks. Rendering
/// distinguishes the template's text from the caller's.
package struct ChatTemplate: Sendable {
    private let body: [Statement]
    /// All words of the template's source, among them the names of the variables that it reads.
    private let words: Set<Substring>
    /// Whether the template lists tools and writes calls.
    let knowsTools: Bool
    /// The form of its calls; nil if it writes none, or in an unknown form.
    let calls: CallWriting?
    /// Special tokens such as `bos_token`, which count as the template's own text.
    private let constants: [(name: String, text: String)]
    let limits: TemplateLimits

    package init(
        _ source: String, constants: [(name: String, text: String)] = [], limits: TemplateLimits = TemplateLimits()
    ) throws(TemplateError) {
        body = try TemplateParser.parse(source)
        words = Set(source.split { !($0.isASCII && ($0.isLetter || $0.isNumber) || $0 == "_") })
        knowsTools = words.contains("tools") && words.contains("tool_calls")
        calls = knowsTools ? CallWriting.found(in: source) : nil
        self.constants = constants
        self.limits = limits
    }

    /// The template of a checkpoint's directory: `chat_template.jinja`, else `chat_template.json`, else the one in
    /// `tokenizer_config.json`; of several, the one called `name`.
    package init(directory: URL, name: String = "default") throws(TemplateError) {
        let (source, constants) = try Self.source(directory: directory, name: name)
        try self.init(source, constants: constants)
    }

    /// Its Jinja source, and the tokens that the source may name.
    package static func source(
        directory: URL, name: String = "default"
    ) throws(TemplateError) -> (source: String, constants: [(name: String, text: String)]) {
        func bytes(_ file: String) throws(TemplateError) -> Data? {
            let file = directory.appendingPathComponent(file)
            guard FileManager.default.fileExists(atPath: file.path) else { return nil }
            do { return try Data(reading: file).withoutByteOrderMark } catch {
                throw .missing(path: directory.path, reason: error.description)
            }
        }
        func object(_ file: String) throws(TemplateError) -> [String: Any]? {
            guard let data = try bytes(file) else { return nil }
            guard let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
                throw .missing(path: directory.path, reason: "\(file) is not a JSON object")
            }
            return object
        }
        let config = try object("tokenizer_config.json") ?? [:]
        var constants: [(name: String, text: String)] = []
        for (key, value) in config where key.hasSuffix("_token") {
            // A token is written as its text, or as an added token's description.
            if let text = value as? String ?? (value as? [String: Any])?["content"] as? String {
                constants.append((key, text))
            }
        }
        var source: String?
        if let data = try bytes("chat_template.jinja") {
            source = String(decoding: data, as: UTF8.self)
        } else if let value = try object("chat_template.json")?["chat_template"] ?? config["chat_template"] {
            if let text = value as? String {
                source = text
            } else if let entries = value as? [[String: Any]] {
                let named = entries.first { $0["name"] as? String == name }
                guard let text = named?["template"] as? String else {
                    let names = entries.compactMap { $0["name"] as? String }.joined(separator: ", ")
                    throw .missing(path: directory.path, reason: "no template is called \(name); there are: \(names)")
                }
                source = text
            } else {
                throw .missing(path: directory.path, reason: "chat_template is neither a string nor a list of templates")
            }
        }
        guard let source else {
            throw .missing(
                path: directory.path,
                reason: "expected chat_template.jinja, chat_template.json or chat_template in tokenizer_config.json")
        }
        return (source, constants)
    }

    /// Whether the template may read a variable of that name.
    package func mayRead(_ variable: String) -> Bool { words.contains(variable[...]) }

    /// Renders a conversation.
    ///
    /// - Parameters:
    ///   - addGenerationPrompt: Whether the text ends with the beginning of the assistant's turn.
    ///   - extra: further variables, such as `tools` (absent means `none`, as in transformers).
    ///   - soundInText: The placeholder of a clip, if the template takes only texts.
    ///   - now: The time that `strftime_now` returns.
    package func render(
        _ messages: [TemplateMessage], addGenerationPrompt: Bool = true, extra: [String: TemplateValue] = [:],
        soundInText: String? = nil, now: Date = Date()
    ) throws(TemplateError) -> [TextPiece] {
        try render(.list(messages.map { $0.value(soundInText: soundInText) }), addGenerationPrompt: addGenerationPrompt, extra: extra, now: now)
    }

    /// Renders messages given as the values that the template sees.
    package func render(
        _ messages: TemplateValue, addGenerationPrompt: Bool = true, extra: [String: TemplateValue] = [:],
        now: Date = Date()
    ) throws(TemplateError) -> [TextPiece] {
        var variables: [String: Value] = ["tools": .none, "documents": .none]
        for (name, text) in constants { variables[name] = .literal(text) }
        for (name, value) in extra { variables[name] = Value(value) }
        variables["messages"] = Value(messages)
        variables["add_generation_prompt"] = .bool(addGenerationPrompt)
        var interpreter = TemplateInterpreter(variables: variables, limits: limits, now: now)
        try interpreter.run(body)
        return interpreter.output.pieces
    }
}

/// Conversation → token ids, by the checkpoint's template and tokenizer. Callers see only this interface, so that a
/// family with a format in code fits in.
///
/// Audio parts become the template's placeholder, such as one `<|AUDIO|>` per clip, which the model expands. Text that
/// users supply never yields a control token.
package struct ChatFormat: Sendable {
    package let tokenizer: Tokenizer
    private let template: ChatTemplate
    private let soundInText: String?

    /// - Parameter soundInText: The placeholder of a clip, a control token, if the template takes only texts.
    package init(tokenizer: Tokenizer, template: ChatTemplate, soundInText: String? = nil) {
        self.tokenizer = tokenizer
        self.template = template
        self.soundInText = soundInText
    }

    /// Reads both from a checkpoint's directory.
    package init(directory: URL) throws {
        self.init(tokenizer: try Tokenizer(directory: directory), template: try ChatTemplate(directory: directory))
    }

    /// The form of calls: the template's, or text if the template has no tools; nil if the template's form is unknown.
    package var calls: CallWriting? { template.knowsTools ? template.calls : .hermes }

    /// Whether the format depends on a variable of that name, such as `enable_thinking`.
    package func mayRead(_ variable: String) -> Bool { template.mayRead(variable) }

    package func encode(
        _ messages: [TemplateMessage], addGenerationPrompt: Bool = true, extra: [String: TemplateValue] = [:]
    ) throws -> [TokenID] {
        try tokenizer.encode(try render(messages, addGenerationPrompt: addGenerationPrompt, extra: extra))
    }

    /// The text of a conversation, as pieces with their origin. If the template has no tools, they are listed in text.
    package func render(
        _ messages: [TemplateMessage], addGenerationPrompt: Bool = true, extra: [String: TemplateValue] = [:]
    ) throws(TemplateError) -> [TextPiece] {
        var messages = messages
        if !template.knowsTools { messages = try ToolText(messages, tools: extra["tools"], limits: template.limits).messages }
        return try template.render(messages, addGenerationPrompt: addGenerationPrompt, extra: extra, soundInText: soundInText)
    }
}
