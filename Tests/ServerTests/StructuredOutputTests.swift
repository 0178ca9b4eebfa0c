import API
import Foundation
import HTTP
import Structure
import TestSupport
import Testing
import Workshop

/// Answers in a form, over HTTP: typed and spoken, whole and streamed, by both interfaces.
@Suite(.ownThread) struct StructuredOutputTests {
    private static let schema =
        #"{"type": "object", "properties": {"z": {"type": "integer"}, "a": {"enum": ["p", "q"]}}, "required": ["z", "a"], "additionalProperties": false}"#

    private func client() throws -> MemoryClient { try Fixture.shared.get().memory }

    private func chat(_ content: String, _ members: String) async throws -> ClientResponse {
        try await client().post(
            "/v1/chat/completions",
            json: #"{"model": "cord-nano", "max_tokens": 200, "messages": [{"role": "user", "content": \#(content)}], \#(members)}"#)
    }

    private func spoken() throws -> String {
        let sound = Data(try Fixture.spoken("sum")).base64EncodedString()
        return #"[{"type": "input_audio", "input_audio": {"data": "\#(sound)", "format": "wav"}}]"#
    }

    private func content(_ response: ClientResponse) async throws -> String {
        #expect(response.status == 200)
        let choice = try await response.json()["choices"]?[0]
        #expect(choice?["finish_reason"]?.text == "stop")
        return choice?["message"]?["content"]?.text ?? ""
    }

    /// Members stand in the schema's order, which is not the alphabet's.
    private func expectMembers(_ text: String) throws {
        let members = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(members.keys.sorted() == ["a", "z"] && members["z"] is Int && ["p", "q"].contains(members["a"] as? String))
        let (z, a) = (try #require(text.firstRange(of: "\"z\"")), try #require(text.firstRange(of: "\"a\"")))
        #expect(z.lowerBound < a.lowerBound)
    }

    @Test func answersHaveTheSchemasForm() async throws {
        let format = #""response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": \#(Self.schema)}}"#
        try expectMembers(try await content(try await chat(#""What is the sum of 7, 9 and 8?""#, format)))
        try expectMembers(try await content(try await chat(try spoken(), format + #", "temperature": 1.5, "seed": 3"#)))
        let vllm = #""structured_outputs": {"json": \#(Self.schema)}"#
        try expectMembers(try await content(try await chat(#""Hello.""#, vllm)))
        try expectMembers(try await content(try await chat(#""Hello.""#, vllm + #", "ignore_eos": true, "min_tokens": 150"#)))
    }

    @Test func choicesAndExpressionsAreKept() async throws {
        let chosen = try await content(try await chat(try spoken(), #""structured_outputs": {"choice": ["17 apples", "24", "25"]}"#))
        #expect(["17 apples", "24", "25"].contains(chosen))
        let matched = try await content(try await chat(#""Hello.""#, #""structured_outputs": {"regex": "[0-9]{2,3} points"}"#))
        #expect(matched.hasSuffix(" points") && (2...3).contains(matched.prefix { $0.isNumber }.count))
        let rules = #"root ::= sum \" = \" [0-9]{1,2}\nsum ::= [0-9] | \"(\" sum \" + \" [0-9] \")\""#
        let grammar = #""structured_outputs": {"grammar": "\#(rules)"}, "temperature": 1"#
        let derived = try await content(try await chat(#""Hello.""#, grammar))
        #expect(derived.firstMatch(of: /^[0-9(].* = [0-9]{1,2}$/) != nil && derived.count { $0 == "(" } == derived.count { $0 == ")" })
        let object = try await content(try await chat(#""Hello.""#, #""response_format": {"type": "json_object"}, "n": 1"#))
        #expect(try JSONSerialization.jsonObject(with: Data(object.utf8)) is [String: Any])
    }

    @Test func responsesHaveTheirFormToo() async throws {
        let body = #"{"model": "cord-nano", "input": "Hello.", "text": {"format": {"type": "json_schema", "name": "x", "schema": \#(Self.schema)}}}"#
        let response = try await client().post("/v1/responses", json: body)
        #expect(response.status == 200)
        let json = try await response.json()
        try expectMembers(json["output"]?[0]?["content"]?[0]?["text"]?.text ?? "")
        #expect(json["text"]?["format"]?["type"]?.text == "json_schema")
    }

    /// A form is kept for those who ask again, until so much was learnt of it that there would soon be no room.
    @Test func aFormThatHasGrownIsMadeAnew() async throws {
        let runtime = try Fixture.shared.get().runtime
        let first = try #require(try await runtime.form(.jsonObject, body: Array("{}".utf8)).structure)
        #expect(try await runtime.form(.jsonObject, body: Array("{}".utf8)).structure == first)
        var depth = 10_000
        while !first.isLarge {
            depth += depth / 4
            #expect(try first.advance(first.start, over: Array("{\"a\":".utf8) + Array(repeating: UInt8(ascii: "["), count: depth)) != nil)
        }
        #expect(try await runtime.form(.jsonObject, body: Array("{}".utf8)).structure != first)
    }

    /// What is told of a token is the model's own opinion, the mask aside.
    @Test func logProbabilitiesAreTheModels() async throws {
        let response = try await chat(
            #""What is the sum of 7, 9 and 8?""#, #""structured_outputs": {"choice": ["zebra"]}, "logprobs": true, "top_logprobs": 1"#)
        let tokens = try await response.json()["choices"]?[0]?["logprobs"]?["content"]
        let first = try #require(tokens?[0])
        #expect((first["logprob"]?.number ?? 0) < (first["top_logprobs"]?[0]?["logprob"]?.number ?? -.infinity))
    }
}
