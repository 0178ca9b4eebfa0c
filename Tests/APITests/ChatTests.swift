import API
import Foundation
import Testing

/// The error that reading `json` as `type` gives; a record of the failure where it gives none.
func refusal<Value: Decodable>(_ type: Value.Type, _ json: String) -> WireError {
    do throws(WireError) {
        _ = try WireDecoder.decode(type, from: Data(json.utf8))
        Issue.record("accepted: \(json)")
        return WireError("accepted", code: "accepted")
    } catch {
        return error
    }
}

func read<Value: Decodable>(_ type: Value.Type, _ json: String) throws -> Value {
    try WireDecoder.decode(type, from: Data(json.utf8))
}

func chat(_ more: String = "", content: String = "\"Hi\"") -> String {
    #"{"model": "m", "messages": [{"role": "user", "content": \#(content)}]\#(more.isEmpty ? "" : ", ")\#(more)}"#
}

@Suite struct ChatTests {
    /// What `client.chat.completions.create` of the `openai` package sends.
    @Test func openAIPayloadIsRead() throws {
        let request = try read(
            ChatCompletionRequest.self,
            #"""
            {"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[
              {"type":"text","text":"What do you hear?"},
              {"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}},
              {"type":"audio_url","audio_url":{"url":"data:audio/wav;base64,UklGRg=="}}]}],
             "model":"cord-nano","frequency_penalty":0.5,"logprobs":true,"max_completion_tokens":64,"n":2,
             "presence_penalty":-1,"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object"}}},
             "seed":7,"stop":["\n","END"],"stream":true,"stream_options":{"include_usage":true},"temperature":0,
             "top_logprobs":5,"top_p":0.9,"top_k":40,"min_p":0.05,"repetition_penalty":1.1,"user":"u","metadata":{"a":"b"},
             "store":false,"service_tier":"auto","parallel_tool_calls":true,"tools":[],"logit_bias":null}
            """#)
        #expect(request.model == "cord-nano")
        #expect(request.messages[0] == ChatMessage(role: .system, text: "Be brief."))
        #expect(
            request.messages[1].content == [
                .text("What do you hear?"), .inputAudio(Data("RIFF".utf8), format: "wav"),
                .audioURL("data:audio/wav;base64,UklGRg=="),
            ])
        #expect(
            request.sampling
                == SamplingFields(
                    temperature: 0, topP: 0.9, topK: 40, minP: 0.05, maxTokens: 64, stop: ["\n", "END"], seed: 7,
                    frequencyPenalty: 0.5, presencePenalty: -1, repetitionPenalty: 1.1))
        #expect(request.n == 2 && request.stream && request.logprobs && request.topLogprobs == 5)
        #expect(request.streamOptions == StreamOptions(includeUsage: true))
        #expect(
            request.responseFormat
                == .jsonSchema(name: "a", schema: .object(["type": .string("object")]), strict: false))
        #expect(try read(ChatCompletionRequest.self, text(request)) == request)
    }

    @Test func stopMayBeOneString() throws {
        #expect(try read(ChatCompletionRequest.self, chat(#""stop": "END""#)).sampling.stop == ["END"])
    }

    @Test func unknownPartTypeNamesTheAcceptedOnes() {
        let error = refusal(
            ChatCompletionRequest.self,
            chat(content: #"[{"type":"text","text":""},{"type":"image_url","image_url":{"url":"x"}}]"#))
        #expect(error.param == "messages[0].content[1].type")
        #expect(
            error.message
                == #"messages[0].content[1].type: expected "text", "input_audio" or "audio_url"; found "image_url"."#)
    }

    @Test(arguments: [
        ("\"temperature\": 2.5", "temperature", "a number from 0 to 2", "2.5"),
        ("\"temperature\": \"hot\"", "temperature", "a number from 0 to 2", "\"hot\""),
        ("\"top_p\": 0", "top_p", "a number above 0, at most 1", "0"),
        ("\"n\": 1.5", "n", "an integer from 1 to 128", "1.5"),
        ("\"n\": 0", "n", "an integer from 1 to 128", "0"),
        ("\"max_tokens\": 1e30", "max_tokens", "an integer of at least 1", "1e+30"),
        ("\"stream\": \"yes\"", "stream", "true or false", "\"yes\""),
        ("\"stop\": 1", "stop", "a string or an array of strings", "1"),
        ("\"stop\": [1]", "stop[0]", "a string", "number"),
        ("\"top_logprobs\": 3", "top_logprobs", "0 where", "3"),
        ("\"logprobs\": true, \"top_logprobs\": 21", "top_logprobs", "an integer from 0 to 20", "21"),
        ("\"stream_options\": {}", "stream_options", "nothing where", "an empty object"),
        ("\"response_format\": {\"type\": \"xml\"}", "response_format.type", "\"text\", \"json_object\"", "\"xml\""),
        ("\"modalities\": [\"text\", \"audio\"]", "modalities", "the only kind", "an array of 2"),
        ("\"max_tokens\": 3, \"max_completion_tokens\": 4", "max_tokens", "the same as", "3"),
    ])
    func wrongValueNamesPathExpectedFound(member: String, path: String, expected: String, found: String) {
        let error = refusal(ChatCompletionRequest.self, chat(member))
        #expect(error.param == path)
        #expect(error.message.contains(expected), "\(error.message)")
        #expect(error.message.hasSuffix("found \(found)."), "\(error.message)")
    }

    @Test(
        arguments: [
            (#"{"model":"m"}"#, "messages", "missing_required_parameter"),
            (#"{"model":"m","messages":[]}"#, "messages", "invalid_value"),
            (#"{"model":"m","messages":"hi"}"#, "messages", "invalid_type"),
            (#"{"model":"m","messages":[{"content":"hi"}]}"#, "messages[0].role", "missing_required_parameter"),
            (#"{"model":"m","messages":[{"role":"tool","content":"hi"}]}"#, "messages[0].role", "invalid_value"),
            (#"{"model":"m","messages":[{"role":"user"}]}"#, "messages[0].content", "missing_required_parameter"),
            (#"{"model":"m","messages":[{"role":"user","content":5}]}"#, "messages[0].content", "invalid_type"),
            (#"{"model":"m","messages":["hi"]}"#, "messages[0]", "invalid_type"),
            (
                chat(content: #"[{"type":"input_audio","input_audio":{"data":"%%"}}]"#),
                "messages[0].content[0].input_audio.data", "invalid_value"
            ),
            (chat(content: #"[{"text":"no type"}]"#), "messages[0].content[0].type", "missing_required_parameter"),
            (#"[]"#, nil, "invalid_type"),
            (#""#, nil, "invalid_json"),
            (#"{"model":}"#, nil, "invalid_json"),
        ] as [(String, String?, String)])
    func malformedRequestIsNamed(json: String, path: String?, code: String) {
        let error = refusal(ChatCompletionRequest.self, json)
        #expect(error.param == path, "\(error)")
        #expect(error.code == code, "\(error)")
    }

    @Test(arguments: ["tools", "functions", "logit_bias", "reasoning_effort", "audio"])
    func whatWouldChangeTheAnswerIsRefusedByName(field: String) {
        let error = refusal(ChatCompletionRequest.self, chat("\"\(field)\": {\"a\": 1}"))
        #expect(error.code == "unsupported_parameter")
        #expect(error.param == field)
    }

    @Test func unknownFieldIsRefusedByName() {
        let error = refusal(ChatCompletionRequest.self, chat("\"temprature\": 1"))
        #expect(error.code == "unknown_parameter")
        #expect(error.param == "temprature")
        #expect(error.message.contains("temperature"))
    }

    @Test func anAnswerCanBeSentBackAsHistory() throws {
        let message = AssistantMessage(content: "four")
        let json =
            #"{"model":"m","messages":[{"role":"user","content":"2+2"},\#(try text(message)),{"role":"user","content":"+1"}]}"#
        #expect(try read(ChatCompletionRequest.self, json).messages[1] == ChatMessage(role: .assistant, text: "four"))
    }

    @Test func formFieldsAreReadFromText() throws {
        let request = try WireDecoder.decode(
            AnswerRequest.self,
            form: [("prompt", "123"), ("temperature", "0.5"), ("max_tokens", "12"), ("stream", "true"), ("stop", ".")])
        #expect(request.text == "123")
        #expect(request.sampling == SamplingFields(temperature: 0.5, maxTokens: 12, stop: ["."]))
        #expect(request.stream)
        #expect(throws: WireError.self) {
            try WireDecoder.decode(AnswerRequest.self, form: [("temperature", "warm")])
        }
        #expect(throws: WireError.self) {
            try WireDecoder.decode(AnswerRequest.self, form: [("seed", "1"), ("seed", "2")])
        }
    }

    @Test func responsesHaveOpenAIsNullsAndNames() throws {
        let chunk = ChatCompletionChunk(
            id: "chatcmpl-1", created: 1, model: "m",
            choices: [ChatChunkChoice(index: 0, delta: ChatDelta(content: "a/b"))])
        #expect(
            try text(chunk)
                == #"{"choices":[{"delta":{"content":"a/b"},"finish_reason":null,"index":0,"logprobs":null}],"created":1,"id":"chatcmpl-1","model":"m","object":"chat.completion.chunk"}"#
        )
        #expect(try read(ChatCompletionChunk.self, text(chunk)) == chunk)
    }
}

func text(_ value: some Encodable) throws -> String { String(decoding: try WireEncoder.encode(value), as: UTF8.self) }
