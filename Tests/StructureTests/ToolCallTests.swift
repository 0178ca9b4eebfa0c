import Foundation
import JSON
import Structure
import TestSupport
import Testing

/// Calls of functions: which texts are calls, and how they are parted while they come.
@Suite(.ownThread) struct ToolCallTests {
    private static let vocabulary = Vocabulary(count: 257, ends: [256]) { $0 < 256 ? [UInt8($0)][...] : [] }

    private static func form(_ text: ToolCallForm.Text, isParallel: Bool = true) throws -> ToolCallForm {
        let schema = try JSONValue(
            parsing: #"{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": false}"#)
        return ToolCallForm(
            [ToolCallForm.Function(name: "add", schema: schema), ToolCallForm.Function(name: "any", schema: nil)], text: text, isParallel: isParallel)
    }

    private func accepts(_ form: ToolCallForm, _ text: String) throws -> Bool {
        let structure = try Structure(.toolCalls(form), Self.vocabulary)
        guard let place = try structure.advance(structure.start, over: text.utf8) else { return false }
        return structure.isWhole(place)
    }

    private static let add = "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n</tool_call>"
    private static let any = "<tool_call>{\"name\": \"any\", \"arguments\": {\"b\": [\"}\"]}}</tool_call>"

    @Test func callsHaveTheirFunctionsForm() throws {
        let form = try Self.form(.none)
        for text in [Self.add, Self.any, Self.add + "\n" + Self.any, Self.any + Self.add] { #expect(try accepts(form, text), "\(text)") }
        for text in [
            "", "a", Self.add + "a", "a" + Self.add, Self.add.replacing("add", with: "sub"), Self.add.replacing("1", with: "\"1\""),
            Self.add.replacing("\"a\"", with: "\"b\""), String(Self.add.dropLast()), Self.any.replacing("{\"b\": [\"}\"]}", with: "[]"),
        ] { #expect(try !accepts(form, text), "\(text)") }
    }

    @Test func oneCallIsOneCall() throws {
        let form = try Self.form(.none, isParallel: false)
        #expect(try accepts(form, Self.add) && !accepts(form, Self.add + Self.any))
    }

    @Test func textMayComeFirst() throws {
        let form = try Self.form(.any)
        for text in [
            "", "a", "a <b> <tool_cal> <<tool", "Let me see. " + Self.add, "<<tool_call" + Self.any, "é\u{0}\n" + Self.any + Self.any,
            "</tool_call>",
        ] { #expect(try accepts(form, text), "\(text)") }
        // The tag begins a call, whatever stands before it.
        for text in ["a <tool_call> b", "<tool_call>", "<<tool_call>{}", Self.add + " b"] { #expect(try !accepts(form, text), "\(text)") }
    }

    @Test func callsStandInThePlaceOfAForm() throws {
        let form = try Self.form(.form(.choice(["yes", "<tool>"])))
        #expect(try accepts(form, "yes") && accepts(form, "<tool>") && accepts(form, Self.add))
        #expect(try !accepts(form, "yes" + Self.add) && !accepts(form, ""))
    }

    @Test func aFunctionsSchemaIsNamed() throws {
        let schema = try JSONValue(parsing: #"{"type": "object", "properties": {"a": {"not": {}}}}"#)
        let form = ToolCallForm(
            [ToolCallForm.Function(name: "one", schema: nil), ToolCallForm.Function(name: "two", schema: schema)], text: .any, isParallel: true)
        let error = try #require(throws: StructureError.self) { try Structure(.toolCalls(form), Self.vocabulary) }
        #expect(error.function == "two" && error.path == "/properties/a/not")
    }

    /// Schemas of several functions, each with its own definitions, do not get into one another's way.
    @Test func referencesStayWithinTheirFunction() throws {
        func schema(_ type: String) throws -> JSONValue {
            try JSONValue(
                parsing: ##"""
                    {"type": "object", "properties": {"v": {"$ref": "#/$defs/t"}}, "required": ["v"], "$defs": {"t": {"type": "\##(type)"}}}
                    """##)
        }
        let form = ToolCallForm(
            [
                ToolCallForm.Function(name: "flag", schema: try schema("boolean")),
                ToolCallForm.Function(name: "count", schema: try schema("integer")),
            ], text: .none, isParallel: false)
        func call(_ name: String, _ value: String) -> String { "<tool_call>{\"name\": \"\(name)\", \"arguments\": {\"v\": \(value)}}</tool_call>" }
        #expect(try accepts(form, call("flag", "true")) && accepts(form, call("count", "7")))
        #expect(try !accepts(form, call("flag", "7")) && !accepts(form, call("count", "true")))
    }

    private struct Parted: Equatable {
        var said = ""
        var calls: [[String]] = []

        mutating func take(_ events: [ToolCallStream.Event]) {
            for event in events {
                switch event {
                case .said(let text): said += text
                case .call(let index, let name):
                    #expect(index == calls.count)
                    calls.append([name, ""])
                case .arguments(let index, let text): calls[index][1] += text
                }
            }
        }
    }

    /// Whole, and in pieces of every length.
    private func parted(_ form: ToolCallForm, _ text: String) throws -> Parted {
        var whole: Parted?
        for length in 1...max(1, text.count) {
            var (stream, parts) = (ToolCallStream(form), Parted())
            var rest = Array(text)[...]
            while !rest.isEmpty {
                parts.take(stream.take(String(rest.prefix(length))))
                rest = rest.dropFirst(length)
            }
            parts.take(stream.finish())
            #expect(whole ?? parts == parts, "\(length)")
            whole = parts
        }
        return try #require(whole)
    }

    @Test func answersArePartedWhileTheyCome() throws {
        let form = try Self.form(.any)
        #expect(
            try parted(form, "Let me <see>.\n" + Self.add + "\n" + Self.any)
                == Parted(said: "Let me <see>.", calls: [["add", "{\"a\": 1}"], ["any", "{\"b\": [\"}\"]}"]]))
        #expect(try parted(form, "No <tool_call\n ") == Parted(said: "No <tool_call\n "))
        #expect(
            try parted(form, Self.any.replacing("}\"]", with: "\\\\\\\"}\", {}]"))
                == Parted(calls: [["any", "{\"b\": [\"\\\\\\\"}\", {}]}"]]))
    }

    @Test func cutAnswersHaveWhatCame() throws {
        let form = try Self.form(.none)
        let cut = Self.add + "\n<tool_call>\n{\"name\": \"any\", \"arguments\": {\"b"
        #expect(try parted(form, cut) == Parted(calls: [["add", "{\"a\": 1}"], ["any", "{\"b"]]))
        #expect(try parted(form, "<tool_call>\n{\"name\": \"an") == Parted())
        #expect(try parted(form, "<tool_c") == Parted())
    }

    /// A list behind a control token, which text cannot spell.
    @Test func mistralsCallsHaveTheirForm() throws {
        func form(_ text: ToolCallForm.Text, isParallel: Bool = true) throws -> ToolCallForm {
            ToolCallForm(try Self.form(text).functions, text: text, isParallel: isParallel, style: .mistral)
        }
        func accepts(_ form: ToolCallForm, _ said: String, _ called: String) throws -> Bool {
            let structure = try Structure(.toolCalls(form), Self.vocabulary)
            let bytes = Array(said.utf8) + (called.isEmpty ? [] : ToolCallForm.Style.spelling(ofControl: "[TOOL_CALLS]") + Array(called.utf8))
            guard let place = try structure.advance(structure.start, over: bytes) else { return false }
            return structure.isWhole(place)
        }
        let one = #"[{"name": "add", "arguments": {"a": 1}}]"#
        let two = #"[{"name": "add", "arguments": {"a": 1}, "id": "abcdEFGH1"}, {"name": "any", "arguments": {"b": ["}]"]}}]"#
        for said in ["", "Let me see. ", "[TOOL_CALLS]"] { #expect(try accepts(form(.any), said, one) && accepts(form(.any), said, two)) }
        #expect(try accepts(form(.none), "", one) && !accepts(form(.none), "a", one) && !accepts(form(.none), "", ""))
        #expect(try accepts(form(.any, isParallel: false), "", one) && !accepts(form(.any, isParallel: false), "", two))
        for called in [one.replacing("1", with: "\"1\""), one.replacing("add", with: "sub"), String(one.dropLast()), "[]"] {
            #expect(try !accepts(form(.any), "", called), "\(called)")
        }
        let tag = ToolCallForm.Style.text(ofControl: "[TOOL_CALLS]")
        #expect(
            try parted(form(.any), "Hi [TOOL_CALLS]." + tag + two)
                == Parted(said: "Hi [TOOL_CALLS].", calls: [["add", #"{"a": 1}"#], ["any", #"{"b": ["}]"]}"#]]))
        #expect(try parted(form(.none), tag + one) == Parted(calls: [["add", #"{"a": 1}"#]]))
    }

    /// Names and arguments between control tokens: mistral-common's versions 11, with the name of the call, and 13.
    @Test func mistralsNamedCallsHaveTheirForm() throws {
        func form(_ text: ToolCallForm.Text, isParallel: Bool = true) throws -> ToolCallForm {
            ToolCallForm(try Self.form(text).functions, text: text, isParallel: isParallel, style: .mistralNamed)
        }
        let controls = ["[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"]
        func accepts(_ form: ToolCallForm, _ pieces: [String]) throws -> Bool {
            let structure = try Structure(.toolCalls(form), Self.vocabulary)
            let bytes = pieces.flatMap { controls.contains($0) ? ToolCallForm.Style.spelling(ofControl: $0) : Array($0.utf8) }
            guard let place = try structure.advance(structure.start, over: bytes) else { return false }
            return structure.isWhole(place)
        }
        let one = ["[TOOL_CALLS]", "add", "[ARGS]", #"{"a": 1}"#]
        let two = ["[TOOL_CALLS]", "add", "[CALL_ID]", "abcdEFGH1", "[ARGS]", #"{"a": 1}"#, "[TOOL_CALLS]", "any", "[ARGS]", #"{"b": ["}]"]}"#]
        #expect(try accepts(form(.any), one) && accepts(form(.any), two) && accepts(form(.none), two) && accepts(form(.any), ["Let me see."] + one))
        #expect(try accepts(form(.any, isParallel: false), one) && !accepts(form(.any, isParallel: false), two))
        for wrong in [["[TOOL_CALLS]", "sub", "[ARGS]", "{}"], ["[TOOL_CALLS]", "add", #"{"a": 1}"#], ["[TOOL_CALLS]", "add", "[ARGS]", "{}"]] {
            #expect(try !accepts(form(.any), wrong), "\(wrong)")
        }
        let text = two.map { controls.contains($0) ? ToolCallForm.Style.text(ofControl: $0) : $0 }.joined()
        #expect(
            try parted(form(.any), "Hi [ARGS]. " + text)
                == Parted(said: "Hi [ARGS].", calls: [["add", #"{"a": 1}"#], ["any", #"{"b": ["}]"]}"#]]))
    }

    /// A call is all there is, or there is none.
    @Test func llamasCallsStandInThePlaceOfText() throws {
        func form(_ text: ToolCallForm.Text) throws -> ToolCallForm {
            ToolCallForm(try Self.form(text).functions, text: text, isParallel: true, style: .llama)
        }
        let call = #"{"name": "any", "parameters": {"b": ["}", {}]}}"#
        #expect(try accepts(form(.any), call) && accepts(form(.none), call) && accepts(form(.form(.choice(["yes"]))), call))
        for text in ["", "a", "{", #"{"name""#, #"{"nam": 1}"#, "Well: " + call, " " + call] {
            #expect(try accepts(form(.any), text) && !accepts(form(.none), text), "\(text)")
        }
        for text in [call + call, call + " ", call.replacing("any", with: "sub"), #"{"name": "a"}"#] {
            #expect(try !accepts(form(.any), text), "\(text)")
        }
        #expect(try parted(form(.any), call) == Parted(calls: [["any", #"{"b": ["}", {}]}"#]]))
        #expect(try parted(form(.any), #"{"names": 1}"#) == Parted(said: #"{"names": 1}"#))
        #expect(try parted(form(.any), "Well: " + call) == Parted(said: "Well: " + call))
    }

    @Test func stepAudiosCallsAreOnLines() throws {
        func form(_ text: ToolCallForm.Text) throws -> ToolCallForm {
            ToolCallForm(try Self.form(text).functions, text: text, isParallel: true, style: .stepAudio)
        }
        let (add, any) = ("<tool_call>function\nadd\n{\"a\": 1}</tool_call>", "<tool_call>function\nany\n{\"b\": \"\\n\"}</tool_call>")
        #expect(try accepts(form(.any), "Well. " + add + any) && accepts(form(.none), any + "\n" + add) && accepts(form(.any), "<tool_call>no"))
        #expect(try !accepts(form(.any), add.replacing("add", with: "sub")) && !accepts(form(.none), "Well. " + add))
        #expect(try parted(form(.any), "Well. " + add + any) == Parted(said: "Well.", calls: [["add", "{\"a\": 1}"], ["any", "{\"b\": \"\\n\"}"]]))
    }

    @Test func aFormMaySpeakOfCalls() throws {
        let form = try Self.form(.form(.object))
        #expect(try parted(form, "{\"a\": \"<tool_call>\"}") == Parted(said: "{\"a\": \"<tool_call>\"}"))
        #expect(try parted(form, Self.add) == Parted(calls: [["add", "{\"a\": 1}"]]))
    }
}
