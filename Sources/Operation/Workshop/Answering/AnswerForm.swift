package import API
import Foundation
import Generation
import JSON
package import Structure
package import Tokenization
import Workers

/// The form that a request demands of its answers.
package struct AnswerForm: Sendable {
    /// Nil if any text is allowed.
    package var structure: Structure?
    /// Nil if no function can be called.
    package var calls: ToolCallForm?
    /// The chat template's variables for the tools.
    package var variables: [String: TemplateValue] = [:]
}

/// Where a route's requests keep the parts of the form.
package struct FormPlaces: Sendable {
    /// The path of the schema of the answer's format.
    let schema: [String]
    /// The member of a tool that holds its function; nil if the tool is the function.
    let function: String?

    package static let chat = FormPlaces(schema: ["response_format", "json_schema", "schema"], function: "function")
    package static let responses = FormPlaces(schema: ["text", "format", "schema"], function: nil)
}

extension Runtime {
    /// The form that a request demands of its answers.
    ///
    /// Calls are constrained whenever they are possible. Their arguments must be valid against the function's schema if the function is `strict` or
    /// a call is required; otherwise any object will do.
    ///
    /// - Parameter body: The request's JSON. Prompt and answer keep its order of members. It is parsed only if a form is demanded.
    /// - Throws: ``WorkshopError`` that names the unsupported keyword.
    package func form(
        _ format: ResponseFormat, _ outputs: StructuredOutputs? = nil, tools: ToolFields = ToolFields(), body: [UInt8],
        places: FormPlaces = .chat
    ) async throws -> AnswerForm {
        if format == .text, outputs == nil, tools.choice == .none { return AnswerForm() }
        return try await queues.reading.run { [self] in
            let request = try RequestBody(body, places)
            let other = format == .text && outputs == nil ? nil : try request.form(format, outputs)
            guard tools.choice == .none || tools.tools.isEmpty || model.chat.calls != nil else {
                throw WorkshopError(
                    .unsupportedForm,
                    "tools: the chat template of \(model.name) writes calls in a form that this server does not know; calls would "
                        + "be lost among the text.", at: "tools")
            }
            var answer = AnswerForm()
            do {
                if let calls = request.calls(tools, beside: other?.form, style: model.chat.calls?.style ?? .hermes) {
                    let definitions = request.definitions
                    try checkSize(definitions.reduce(0) { $0 + $1.text.utf8.count }, at: "tools")
                    answer.calls = calls
                    answer.variables["tools"] = .list(definitions.map { TemplateValue($0) })
                    answer.structure = try structures.structure(.toolCalls(calls))
                } else if let other {
                    answer.structure = try structures.structure(other.form)
                }
                // Here, not by the engine, which has other answers to go on with.
                try answer.structure?.prepare()
            } catch let error as StructureError {
                let tool = tools.tools.firstIndex { $0.name == error.function }
                let place = tool.map { "tools[\($0)].\(places.function.map { $0 + "." } ?? "")parameters" } ?? other?.place ?? "tools"
                throw WorkshopError(.unsupportedForm, "\(place): \(error.description).", at: place)
            }
            return answer
        }
    }
}

/// A request's JSON, parsed with its order of members.
private struct RequestBody {
    let json: JSONValue
    let places: FormPlaces

    init(_ bytes: [UInt8], _ places: FormPlaces) throws(WorkshopError) {
        do { json = try JSONValue(parsing: Data(bytes)) } catch { throw WorkshopError(.invalidValue, "Expected JSON; \(error).") }
        self.places = places
    }

    private func value(_ path: [String]) -> JSONValue? { path.reduce(json) { $0?[$1] } }

    /// The form of the answer's text.
    func form(_ format: ResponseFormat, _ outputs: StructuredOutputs?) throws -> (form: StructureForm, place: String) {
        switch (format, outputs) {
        case (.jsonSchema, _): return (.schema(value(places.schema) ?? .boolean(true)), places.schema.joined(separator: "."))
        case (.text, .choice(let texts)): return (.choice(texts), "structured_outputs.choice")
        case (.text, .regex(let pattern)): return (.pattern(pattern), "structured_outputs.regex")
        case (.text, .grammar(let text)): return (.grammar(text), "structured_outputs.grammar")
        case (.text, .json(let written)):
            let place = "structured_outputs.json"
            guard case .string(let text) = written else {
                return (.schema(value(["structured_outputs", "json"]) ?? .boolean(true)), place)
            }
            do { return (.schema(try JSONValue(parsing: text)), place) } catch {
                throw WorkshopError(.invalidValue, "\(place): expected a JSON schema; \(error).", at: place)
            }
        case (.jsonObject, _), (.text, .jsonObject), (.text, nil): return (.object, places.schema[0])
        }
    }

    /// The tools' functions, with their members in order.
    private var functions: [JSONObject] {
        guard case .array(let tools)? = value(["tools"]) else { return [] }
        return tools.compactMap { tool in
            guard case .object(let members)? = places.function.map({ tool[$0] }) ?? tool else { return nil }
            return members
        }
    }

    /// The tools in the form that chat templates expect.
    var definitions: [JSONValue] {
        functions.map { function in
            var told = JSONObject()
            for name in function.keys where ["name", "description", "parameters"].contains(name) && function[name] != .null {
                told[name] = function[name]
            }
            return .object(["type": "function", "function": .object(told)])
        }
    }

    /// The calls that may be made; nil if there are none.
    func calls(_ fields: ToolFields, beside other: StructureForm?, style: ToolCallForm.Style) -> ToolCallForm? {
        let schemas = functions.map { $0["parameters"] }
        func chosen(forced: Bool, _ isChosen: (String) -> Bool = { _ in true }) -> [ToolCallForm.Function] {
            zip(fields.tools, schemas).filter { isChosen($0.0.name) }.map { tool, schema in
                // A function without parameters takes an empty object.
                guard let schema, schema != .null else {
                    return ToolCallForm.Function(name: tool.name, schema: .object(["const": .object(JSONObject())]))
                }
                return ToolCallForm.Function(name: tool.name, schema: forced || tool.strict ? schema : nil)
            }
        }
        switch fields.choice {
        case .none: return nil
        case .auto:
            return ToolCallForm(chosen(forced: false), text: other.map { .form($0) } ?? .any, isParallel: fields.isParallel, style: style)
        case .required: return ToolCallForm(chosen(forced: true), text: .none, isParallel: fields.isParallel, style: style)
        case .function(let name): return ToolCallForm(chosen(forced: true) { $0 == name }, text: .none, isParallel: false, style: style)
        }
    }
}
