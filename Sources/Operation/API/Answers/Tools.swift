import Foundation

/// A function that the model may ask its client to call.
///
/// The order of the schema's members matters and must be read from the request's own bytes.
package struct FunctionTool: WireObject, Encodable, Equatable, Sendable {
    package var name: String
    package var description: String?
    /// A JSON schema of the arguments; absent if the function takes none.
    package var parameters: WireValue?
    /// Whether the arguments must be valid against the schema.
    package var strict: Bool

    /// Reads the form of `POST /v1/chat/completions`, which nests the function in an object.
    package init(_ fields: Fields) throws {
        try Self.checkType(fields)
        self = try fields.object("function", "an object with a `name`") { try FunctionTool(members: $0) }
    }

    /// Reads the form of `POST /v1/responses`, which puts the function's members beside `type`.
    fileprivate init(flat fields: Fields) throws {
        try Self.checkType(fields)
        try self.init(members: fields)
    }

    private init(members fields: Fields) throws {
        name = try fields.required("name", "a name")
        guard isFunctionName(name) else { throw fields.invalid("name", expected: "1 to 64 letters, digits, _ or -") }
        description = try fields.text("description")
        parameters = try fields.optional("parameters", "a JSON schema")
        switch parameters {
        case nil, .object: break
        default: throw fields.invalid("parameters", expected: "a JSON schema: an object")
        }
        strict = try fields.flag("strict") ?? false
    }

    private static func checkType(_ fields: Fields) throws {
        let type = try fields.name("type")
        guard type == "function" else {
            throw WireError(
                "\(fields.place("type")): tools of type \"\(WireValue.cut(type))\" are not supported: this server knows functions alone.",
                param: fields.place("type"), code: "unsupported_parameter")
        }
    }
}

/// A function in the form of `POST /v1/responses`.
package struct ResponsesTool: WireObject, Encodable, Equatable, Sendable {
    package var function: FunctionTool

    package init(_ function: FunctionTool) { self.function = function }

    package init(_ fields: Fields) throws { function = try FunctionTool(flat: fields) }

    package func encode(to encoder: any Encoder) throws {
        try function.encode(to: encoder)
        try Kind().encode(to: encoder)
    }

    private struct Kind: Encodable { let type = "function" }
}

/// Whether OpenAI's interface accepts the text as a function name.
func isFunctionName(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count)
        && name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F || byte == 0x2D
        }
}

/// Whether the model calls functions, and which ones.
package enum ToolChoice: Codable, Equatable, Sendable {
    case none, auto, required
    case function(String)

    private static let expected = "\"none\", \"auto\", \"required\" or an object that names a function"

    package init(from decoder: any Decoder) throws {
        if let word = try? decoder.singleValueContainer().decode(String.self) {
            switch word {
            case "none": self = .none
            case "auto": self = .auto
            case "required": self = .required
            default: throw WireError.value(pathText(decoder.codingPath), expected: Self.expected, found: WireValue.string(word).summary)
            }
            return
        }
        self = .function(try Named(from: decoder).name)
    }

    private struct Named: WireObject {
        let name: String

        init(_ fields: Fields) throws {
            try fields.requireConstant("type", "function")
            // Chat nests the name in an object; responses put it beside the type.
            name = try fields.object("function") { try $0.name("name") } ?? fields.name("name")
        }
    }

    /// Encodes the form of responses, with the function's name beside the type.
    package func encode(to encoder: any Encoder) throws {
        switch self {
        case .none: try "none".encode(to: encoder)
        case .auto: try "auto".encode(to: encoder)
        case .required: try "required".encode(to: encoder)
        case .function(let name): try ["type": "function", "name": name].encode(to: encoder)
        }
    }
}

/// The members `tools`, `tool_choice` and `parallel_tool_calls` of a request, checked against each other.
package struct ToolFields: Equatable, Sendable {
    package var tools: [FunctionTool] = []
    package var choice = ToolChoice.none
    /// Whether one answer may contain several calls.
    package var isParallel = true

    package init() {}

    /// Reads the form of `POST /v1/chat/completions`.
    init(_ fields: Fields) throws {
        try self.init(fields, try fields.list("tools", 0...128, "tools") ?? [], named: "function.name")
    }

    /// Reads the form of `POST /v1/responses`.
    init(responses fields: Fields) throws {
        let tools: [ResponsesTool] = try fields.list("tools", 0...128, "tools") ?? []
        try self.init(fields, tools.map(\.function), named: "name")
    }

    /// - Parameter place: The path of the name within a tool.
    private init(_ fields: Fields, _ tools: [FunctionTool], named place: String) throws {
        self.tools = tools
        var names: Set<String> = []
        for (index, tool) in tools.enumerated() where !names.insert(tool.name).inserted {
            throw WireError.value(
                "\(fields.place("tools"))[\(index)].\(place)", expected: "a name that no other tool has", found: "\"\(tool.name)\" twice")
        }
        isParallel = try fields.flag("parallel_tool_calls") ?? true
        choice = try fields.optional("tool_choice", "a choice") ?? (tools.isEmpty ? .none : .auto)
        switch choice {
        case .none: break
        case .auto: if tools.isEmpty { choice = .none }
        case .required: if tools.isEmpty { throw fields.invalid("tool_choice", expected: "\"none\" or \"auto\" where there are no `tools`") }
        case .function(let name):
            guard names.contains(name) else {
                let found = WireValue.string(name).summary
                throw WireError.value(fields.place("tool_choice"), expected: "the name of one of `tools`", found: found)
            }
        }
    }
}

/// A call that an assistant made.
package struct ToolCall: WireObject, Encodable, Equatable, Sendable {
    package struct Function: Codable, Equatable, Sendable {
        package var name: String
        /// The arguments: the JSON text of an object.
        package var arguments: String

        package init(name: String, arguments: String) { (self.name, self.arguments) = (name, arguments) }
    }

    package var id: String
    package var type = "function"
    package var function: Function

    package init(id: String, name: String, arguments: String) {
        self.id = id
        function = Function(name: name, arguments: arguments)
    }

    package init(_ fields: Fields) throws {
        id = try fields.name("id")
        try fields.constant("type", "function")
        function = try fields.object("function", "an object with `name` and `arguments`", Function.init)
        // Clients keep the index of a streamed call here.
        fields.ignore("index")
    }

    /// Reads a call from an item of responses, without the members that all items share.
    init(item fields: Fields) throws {
        id = try fields.name("call_id")
        function = try Function(fields)
    }
}

extension ToolCall.Function {
    /// Empty arguments stand for a function without parameters.
    init(_ fields: Fields) throws {
        name = try fields.required("name", "a name")
        guard isFunctionName(name) else { throw fields.invalid("name", expected: "1 to 64 letters, digits, _ or -") }
        let text: String = try fields.required("arguments", "a string of JSON")
        arguments = text.isEmpty ? "{}" : text
        let data = Data(arguments.utf8)
        guard (try? JSONGuard.check(data, maxDepth: 32)) != nil, case .object? = try? WireValue(json: data) else {
            throw fields.invalid("arguments", expected: "the JSON text of an object, at most 32 deep")
        }
    }
}
