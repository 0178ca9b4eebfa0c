import API
import Foundation
import Server
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
                .text("What do you hear?"), .inputAudio(.data(Data("RIFF".utf8)), format: "wav"),
                .audioURL("data:audio/wav;base64,UklGRg=="),
            ])
        var sampling = SamplingFields(temperature: 0)
        (sampling.topP, sampling.topK, sampling.minP, sampling.maxCompletionTokens) = (0.9, 40, 0.05, 64)
        (sampling.stop, sampling.seed, sampling.frequencyPenalty) = (["\n", "END"], 7, 0.5)
        (sampling.presencePenalty, sampling.repetitionPenalty) = (-1, 1.1)
        #expect(request.sampling == sampling)
        #expect(request.n == 2 && request.stream && request.logprobs && request.topLogprobs == 5)
        #expect(request.streamOptions?.includeUsage == true)
        #expect(
            request.responseFormat
                == .jsonSchema(name: "a", schema: .object(["type": .string("object")]), strict: false))
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
            (#"{"model":"m","messages":[{"role":"robot","content":"hi"}]}"#, "messages[0].role", "invalid_value"),
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

    @Test(arguments: ["functions", "prediction", "audio"])
    func whatWouldChangeTheAnswerIsRefusedByName(field: String) {
        let error = refusal(ChatCompletionRequest.self, chat("\"\(field)\": {\"a\": 1}"))
        #expect(error.code == "unsupported_parameter")
        #expect(error.param == field)
    }

    /// The rule: what cannot change the answer is accepted.
    @Test(arguments: [
        #""user": "u", "metadata": {"a": "b"}, "store": true, "service_tier": "auto", "prompt_cache_key": "k", "safety_identifier": "s""#,
        #""parallel_tool_calls": true, "prompt_cache_retention": "24h", "prompt_logprobs": null"#,
        #""logit_bias": {}, "tools": [], "tool_choice": "none", "functions": [], "function_call": "auto""#,
        #""modalities": ["text"], "response_format": {"type": "text"}, "n": 1, "top_logprobs": 0, "logprobs": false"#,
        #""stream": true, "stream_options": {"include_usage": false, "continuous_usage_stats": true}"#,
        #""ignore_eos": false, "min_tokens": 0, "best_of": 1, "echo": false, "length_penalty": 1.0, "skip_special_tokens": true, "stop_token_ids": []"#,
    ])
    func whatCannotChangeTheAnswerIsAccepted(members: String) throws {
        let plain = try read(ChatCompletionRequest.self, chat())
        var request = try read(ChatCompletionRequest.self, chat(members))
        request.stream = false
        request.streamOptions = nil
        #expect(request == plain)
    }

    @Test func everyOptionalFieldMayBeNull() throws {
        let names = [
            "model", "temperature", "top_p", "top_k", "min_p", "max_tokens", "max_completion_tokens", "stop", "seed", "frequency_penalty",
            "presence_penalty", "repetition_penalty", "n", "stream", "stream_options", "logprobs", "top_logprobs", "response_format",
            "modalities", "tools", "tool_choice", "functions", "function_call", "audio", "logit_bias", "prediction", "reasoning_effort",
            "verbosity", "web_search_options", "user", "metadata", "store", "service_tier", "parallel_tool_calls", "guided_json",
        ]
        let nulls = names.map { "\"\($0)\": null" }.joined(separator: ", ")
        let request = try read(ChatCompletionRequest.self, #"{"messages": [{"role": "user", "content": "Hi", "name": null}], \#(nulls)}"#)
        #expect(try request == read(ChatCompletionRequest.self, #"{"messages": [{"role": "user", "content": "Hi"}]}"#))
    }

    @Test(arguments: [
        (#""function_call": {"name": "f"}"#, "function_call"), (#""best_of": 2"#, "best_of"), (#""echo": true"#, "echo"),
        (#""chat_template_kwargs": {"enable_thinking": true}"#, "chat_template_kwargs"),
    ])
    func whatWouldChangeItIsRefusedAtThatValue(member: String, path: String) {
        let error = refusal(ChatCompletionRequest.self, chat(member))
        #expect(error.code == "unsupported_parameter")
        #expect(error.param == path)
    }

    @Test(arguments: [
        (#""logit_bias": {"a": 1}"#, "logit_bias"), (#""logit_bias": {"-1": 1}"#, "logit_bias"), (#""logit_bias": {"+1": 1}"#, "logit_bias"),
        (#""logit_bias": {"1": 101}"#, "logit_bias"), (#""logit_bias": {"1": "x"}"#, "logit_bias[1]"), (#""logit_bias": [1]"#, "logit_bias"),
        (#""min_tokens": 5, "max_tokens": 4"#, "min_tokens"), (#""min_tokens": -1"#, "min_tokens"), (#""ignore_eos": 1"#, "ignore_eos"),
        (#""reasoning_effort": "much""#, "reasoning_effort"), (#""verbosity": 3"#, "verbosity"),
        (#""prompt_logprobs": 21"#, "prompt_logprobs"), (#""prompt_logprobs": 1, "stream": true"#, "prompt_logprobs"),
    ])
    func whatClientsSendIsHeldAgainstItsRange(member: String, path: String) {
        let error = refusal(ChatCompletionRequest.self, chat(member))
        #expect(error.param == path, "\(error)")
        #expect(error.message.contains("expected"), "\(error)")
    }

    @Test func whatClientsSendIsRead() throws {
        let request = try read(
            ChatCompletionRequest.self,
            chat(#""logit_bias": {"7": -100, "12": 0.5}, "ignore_eos": true, "min_tokens": 4, "reasoning_effort": "high", "verbosity": "low""#))
        #expect(request.controls.logitBias == [7: -100, 12: 0.5])
        #expect(request.controls.ignoreEos && request.controls.minTokens == 4)
        #expect(request.reasoningEffort == .high && request.verbosity == .low)
    }

    @Test func whatAnAssistantThoughtIsKept() throws {
        for name in ["reasoning_content", "reasoning"] {
            let json = #"{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hm.","\#(name)":"2+2"}]}"#
            #expect(try read(ChatCompletionRequest.self, json).messages[1].reasoningContent == "2+2")
        }
    }

    @Test(arguments: ["", #""model": "", "#, #""model": null, "#])
    func aRequestMayLeaveTheModelOut(model: String) throws {
        #expect(try read(ChatCompletionRequest.self, #"{\#(model)"messages": [{"role": "user", "content": "Hi"}]}"#).model == nil)
    }

    @Test func speakersMayHaveNames() throws {
        let json = #"{"messages":[{"role":"system","name":"s","content":"Be brief."},{"role":"user","name":"alice","content":"Hi"}]}"#
        #expect(try read(ChatCompletionRequest.self, json).messages[1] == ChatMessage(role: .user, text: "Hi"))
    }

    /// As the clients of OpenAI, LangChain and LiteLLM keep an assistant's turn.
    @Test(
        arguments: [
            (#""content": null"#, [""]), (#""refusal": null, "audio": null, "function_call": null, "tool_calls": null"#, [""]),
            (#""content": """#, [""]), (#""content": []"#, [""]), (#""content": null, "tool_calls": [], "annotations": []"#, [""]),
            (#""content": null, "refusal": "I cannot.""#, ["I cannot."]),
            (#""content": [{"type": "refusal", "refusal": "No."}]"#, ["No."]),
            (#""content": "Hm.", "reasoning_content": "thoughts", "reasoning": "thoughts""#, ["Hm."]),
            (#""content": [{"type": "text", "text": "a", "annotations": []}, {"type": "text", "text": "b"}]"#, ["a", "b"]),
            (#""content": "x", "provider_specific_fields": null, "parsed": null"#, ["x"]),
        ] as [(String, [String])])
    func anAssistantsTurnIsReadAsClientsKeepIt(members: String, texts: [String]) throws {
        let json = #"{"messages":[{"role":"user","content":"Hi"},{"role":"assistant",\#(members)},{"role":"user","content":"And?"}]}"#
        let turn = try read(ChatCompletionRequest.self, json).messages[1]
        #expect(turn.content == texts.map { .text($0) })
    }

    @Test(arguments: [
        (#"{"role":"assistant","content":null,"tool_calls":[{"id":"1"}]}"#, "messages[0].tool_calls[0].function"),
        (#"{"role":"user","content":"a","tool_calls":[{"id":"1"}]}"#, "messages[0].tool_calls"),
        (#"{"role":"assistant","content":"a","audio":{"id":"1"}}"#, "messages[0].audio"),
        (#"{"role":"user","content":null}"#, "messages[0].content"), (#"{"role":"user","content":[]}"#, "messages[0].content"),
        (#"{"role":"system"}"#, "messages[0].content"), (#"{"role":"user","content":"a","refusal":"b"}"#, "messages[0].refusal"),
        (#"{"role":"user","content":"a","nmae":"b"}"#, "messages[0].nmae"),
    ])
    func turnsThatWouldBeHeardInPartAreRefused(message: String, path: String) {
        #expect(refusal(ChatCompletionRequest.self, #"{"messages":[\#(message)]}"#).param == path)
    }

    @Test(arguments: [
        #"{"type":"input_audio","input_audio":{"data":"UklGRg","format":"wav"}}"#,
        #"{"type":"input_audio","input_audio":{"data":"data:audio/wav;base64,UklGRg%3D%3D","format":"wav"}}"#,
        #"{"type":"input_audio","input_audio":{"data":"data:audio/wav,%52IFF"}}"#,
    ])
    func soundIsReadAsClientsWriteIt(part: String) throws {
        #expect(
            try read(ChatCompletionRequest.self, chat(content: "[\(part)]")).messages[0].content == [
                .inputAudio(.data(Data("RIFF".utf8)), format: part.contains("format") ? "wav" : nil)
            ])
    }

    @Test func aByteOrderMarkBeforeABodyIsNoPartOfIt() throws {
        let mark = Data([0xEF, 0xBB, 0xBF])
        #expect(try WireDecoder.decode(ChatCompletionRequest.self, from: mark + Data(chat().utf8)) == read(ChatCompletionRequest.self, chat()))
        #expect(throws: WireError.self) { try WireDecoder.decode(ChatCompletionRequest.self, from: mark) }
        #expect(throws: WireError.self) { try WireDecoder.decode(ChatCompletionRequest.self, from: mark + mark + Data(chat().utf8)) }
        let error = #expect(throws: WireError.self) { try WireDecoder.decode(AnswerRequest.self, from: Data([0xFF, 0xFE, 0x7B, 0, 0x7D, 0])) }
        #expect(error?.message.contains("UTF-16") == true)
    }

    @Test func aFormsEmptyFieldsSayNothing() throws {
        let form = [("prompt", "123"), ("model", ""), ("temperature", ""), ("max_tokens", ""), ("stream", ""), ("user", "me")]
        #expect(try WireDecoder.decode(AnswerRequest.self, form: form).text == "123")
    }

    @Test func unknownFieldIsRefusedByName() {
        let error = refusal(ChatCompletionRequest.self, chat("\"temprature\": 1"))
        #expect(error.code == "unknown_parameter")
        #expect(error.param == "temprature")
        #expect(error.message.contains("temperature"))
    }

    @Test func anAnswerCanBeSentBackAsHistory() throws {
        let message: AssistantMessage = try told(#"{"role":"assistant","content":"four"}"#)
        let json =
            #"{"model":"m","messages":[{"role":"user","content":"2+2"},\#(try text(message)),{"role":"user","content":"+1"}]}"#
        #expect(try read(ChatCompletionRequest.self, json).messages[1] == ChatMessage(role: .assistant, text: "four"))
    }

    @Test func formFieldsAreReadFromText() throws {
        let request = try WireDecoder.decode(
            AnswerRequest.self,
            form: [("prompt", "123"), ("temperature", "0.5"), ("max_tokens", "12"), ("stream", "true"), ("stop", ".")])
        #expect(request.text == "123")
        var sampling = SamplingFields(temperature: 0.5)
        (sampling.maxCompletionTokens, sampling.stop) = (12, ["."])
        #expect(request.sampling == sampling)
        #expect(request.stream)
        #expect(throws: WireError.self) {
            try WireDecoder.decode(AnswerRequest.self, form: [("temperature", "warm")])
        }
        #expect(throws: WireError.self) {
            try WireDecoder.decode(AnswerRequest.self, form: [("seed", "1"), ("seed", "2")])
        }
    }

    @Test func responsesHaveOpenAIsNullsAndNames() throws {
        let chunk: ChatCompletionChunk = try told(
            #"{"object":"chat.completion.chunk","id":"chatcmpl-1","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"a/b"}}]}"#)
        #expect(
            try text(chunk)
                == #"{"choices":[{"delta":{"content":"a/b"},"finish_reason":null,"index":0,"logprobs":null}],"created":1,"id":"chatcmpl-1","model":"m","object":"chat.completion.chunk"}"#
        )
        #expect(try told(text(chunk)) == chunk)
    }
}

func text(_ value: some Encodable) throws -> String { String(decoding: try WireEncoder.encode(value), as: UTF8.self) }

/// A response from its text.
func told<Value: Decodable>(_ json: String) throws -> Value { try WireDecoder.response(Value.self, from: Data(json.utf8)) }
