import API
import Foundation
import Generation
import HTTP
import Server
import TestSupport
import Testing
import Workshop

@Suite(.ownThread) struct ChatTests {
    private static let question = "Tom has 12 apples. He buys 7 more. He gives away 5. How many apples are there now?"

    private func client() throws -> MemoryClient { try Fixture.shared.get().memory }

    private func body(_ more: String = "", content: String = "\"\(question)\"") -> String {
        #"{"model": "cord-nano", "messages": [{"role": "user", "content": \#(content)}]\#(more)}"#
    }

    @Test func answerHasOpenAIsShapeAndSaysWhatWasHeard() async throws {
        let sound = Data(try Fixture.spoken("sum")).base64EncodedString()
        let parts = #"[{"type": "input_audio", "input_audio": {"data": "\#(sound)", "format": "wav"}}]"#
        let reply = try await client().post("/v1/chat/completions", json: body(content: parts)).json()
        #expect(reply["object"]?.text == "chat.completion")
        #expect(reply["id"]?.text?.hasPrefix("chatcmpl-") == true)
        #expect(reply["choices"]?[0]?["message"]?["content"]?.text?.hasSuffix("The answer is 54.") == true)
        #expect(reply["choices"]?[0]?["finish_reason"]?.text == "stop")
        #expect(reply["cord"]?["answers"]?[0]?["answer"]?.text == "54" && reply["cord"]?["answers"]?[0]?["index"] == .integer(0))
        #expect(reply["cord"]?["answers"]?[0]?["reasoning"]?.text == "17 + 9 = 26. 26 + 28 = 54.")
        let audio = try #require(reply["cord"]?["audio"]?[0])
        #expect(audio["sample_rate"] == .integer(22050))
        #expect(reply["usage"]?["prompt_tokens_details"]?["audio_tokens"] == audio["audio_tokens"])
        let prompt = try #require(reply["usage"]?["prompt_tokens"]?.number)
        let completion = try #require(reply["usage"]?["completion_tokens"]?.number)
        #expect(reply["usage"]?["total_tokens"]?.number == prompt + completion)
    }

    @Test func streamJoinsToTheWholeAnswer() async throws {
        let whole = try await client().post("/v1/chat/completions", json: body()).json()
        let response = try await client().post(
            "/v1/chat/completions", json: body(#", "stream": true, "stream_options": {"include_usage": true}"#))
        let events = try await response.events()
        #expect(events.last == "[DONE]")
        let chunks = try events.dropLast().map { try WireValue(json: Data($0.utf8)) }
        #expect(chunks.first?["choices"]?[0]?["delta"]?["role"]?.text == "assistant")
        let joined = chunks.compactMap { $0["choices"]?[0]?["delta"]?["content"]?.text }.joined()
        #expect(joined == whole["choices"]?[0]?["message"]?["content"]?.text)
        let ends = chunks.compactMap { $0["choices"]?[0]?["finish_reason"]?.text }
        #expect(ends == ["stop"])
        #expect(chunks.last?["choices"] == .array([]))
        #expect(chunks.last?["cord"]?["answers"] == whole["cord"]?["answers"] && whole["cord"]?["answers"]?[0]?["answer"]?.text == "14")
        #expect(chunks.last?["usage"]?["completion_tokens"] == whole["usage"]?["completion_tokens"])
        #expect(chunks.dropLast().allSatisfy { $0["usage"] == .null })
        let plain = try await client().post("/v1/chat/completions", json: body(#", "stream": true"#)).events()
        #expect(plain.allSatisfy { !$0.contains("\"usage\"") })
    }

    @Test func biasesLeastTokensAndIgnoredEndsChangeTheAnswerAsAsked() async throws {
        let plain = try await client().post("/v1/chat/completions", json: body(#", "logprobs": true"#)).json()
        let first = try #require(plain["choices"]?[0]?["logprobs"]?["content"]?[0]?["token"]?.text)
        let token = try #require(try Fixture.shared.get().runtime.model.tokens(first).first)
        let biased = try await client().post("/v1/chat/completions", json: body(", \"logprobs\": true, \"logit_bias\": {\"\(token)\": -100}")).json()
        #expect(biased["choices"]?[0]?["logprobs"]?["content"]?[0]?["token"]?.text != first)
        let on = try await client().post("/v1/chat/completions", json: body(#", "ignore_eos": true, "max_tokens": 60"#)).json()
        #expect(on["choices"]?[0]?["finish_reason"]?.text == "length" && on["usage"]?["completion_tokens"]?.number == 60)
        let least = try await client().post("/v1/chat/completions", json: body(#", "min_tokens": 50, "max_tokens": 60"#)).json()
        #expect(try #require(least["usage"]?["completion_tokens"]?.number) >= 50)
    }

    @Test func severalAnswersAreNumberedAndEndOnceEach() async throws {
        let more = #", "n": 3, "temperature": 1.3, "seed": 5, "max_tokens": 24"#
        let whole = try await client().post("/v1/chat/completions", json: body(more)).json()
        #expect(whole["choices"]?.count == 3)
        let stream = try await client().post("/v1/chat/completions", json: body(more + ", \"stream\": true")).events()
        var texts = ["", "", ""]
        var ends = [0, 0, 0]
        for event in stream.dropLast() {
            let choice = try #require(try WireValue(json: Data(event.utf8))["choices"]?[0])
            let index = Int(try #require(choice["index"]?.number))
            texts[index] += choice["delta"]?["content"]?.text ?? ""
            if choice["finish_reason"]?.text != nil { ends[index] += 1 }
        }
        #expect(ends == [1, 1, 1])
        for index in 0..<3 { #expect(whole["choices"]?[index]?["message"]?["content"]?.text == texts[index]) }
    }

    @Test func logprobsNameTokensTheirBytesAndAlternatives() async throws {
        let reply = try await client().post(
            "/v1/chat/completions", json: body(#", "logprobs": true, "top_logprobs": 3"#)
        ).json()
        let choice = try #require(reply["choices"]?[0])
        guard case .array(let tokens)? = choice["logprobs"]?["content"] else {
            Issue.record("no log-probabilities in \(choice)")
            return
        }
        #expect(!tokens.isEmpty)
        #expect(tokens.compactMap { $0["token"]?.text }.joined() == choice["message"]?["content"]?.text)
        for token in tokens {
            #expect(token["top_logprobs"]?.count == 3)
            #expect(token["top_logprobs"]?[0]?["logprob"] == token["logprob"])
            #expect(try #require(token["logprob"]?.number) <= 0)
            guard case .array(let bytes)? = token["bytes"] else { continue }
            let spelled = String(decoding: bytes.compactMap { $0.number.map { UInt8($0) } }, as: UTF8.self)
            #expect(spelled == token["token"]?.text)
        }
    }

    @Test func stopStringEndsTheAnswer() async throws {
        let reply = try await client().post("/v1/chat/completions", json: body(#", "stop": "19 - 5""#)).json()
        #expect(reply["choices"]?[0]?["message"]?["content"]?.text == "12 + 7 = 19. ")
    }

    @Test func dataURLIsHeard() async throws {
        let sound = Data(try Fixture.spoken("pens")).base64EncodedString()
        let parts = #"[{"type": "audio_url", "audio_url": {"url": "data:audio/wav;base64,\#(sound)"}}]"#
        let reply = try await client().post("/v1/chat/completions", json: body(content: parts)).json()
        #expect(reply["choices"]?[0]?["message"]?["content"]?.text?.hasSuffix("The answer is 65.") == true)
    }

    /// Also behind a byte order mark, and without the model's name.
    @Test(arguments: ["data:audio/wav;base64,", "data:audio/wav;charset=utf-8,", "DATA:audio/x-wav;base64,"])
    func dataURLsAreHeardHoweverTheyAreEncoded(head: String) async throws {
        let bytes = try Fixture.spoken("pens")
        let sound =
            head.hasSuffix("base64,")
            ? Data(bytes).base64EncodedString().replacing("+", with: "%2B").replacing("/", with: "%2F").replacing("=", with: "%3D")
            : bytes.map { String(format: "%%%02x", $0) }.joined()
        let text = "\u{FEFF}" + #"{"messages": [{"role": "user", "content": [{"type": "audio_url", "audio_url": {"url": "\#(head)\#(sound)"}}]}]}"#
        let reply = try await client().post("/v1/chat/completions", json: text).json()
        #expect(reply["model"]?.text == "cord-nano")
        #expect(reply["choices"]?[0]?["message"]?["content"]?.text?.hasSuffix("The answer is 65.") == true)
    }

    /// An empty turn reads as transformers' template renders an empty content.
    @Test func turnsWithoutTextAndNamesLeaveTheAnswerAsItIs() async throws {
        func answer(_ assistant: String, _ name: String = "") async throws -> String? {
            let text = #"""
                {"temperature": 0, "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", \#(assistant)},
                 {"role": "user"\#(name), "content": "What is the sum of 7, 9 and 8?"}]}
                """#
            let response = try await client().post("/v1/chat/completions", json: text)
            #expect(response.status == 200)
            return try await response.json()["choices"]?[0]?["message"]?["content"]?.text
        }
        let expected = try await answer(#""content": """#)
        #expect(expected?.isEmpty == false)
        #expect(try await answer(#""content": null"#, #", "name": "alice""#) == expected)
        #expect(try await answer(#""content": [], "reasoning_content": "thoughts""#) == expected)
        let named = try await client().post(
            "/v1/chat/completions", json: #"{"messages": [{"role": "user", "name": "alice", "content": "What is the sum of 7, 9 and 8?"}]}"#
        ).json()
        #expect(named["choices"]?[0]?["message"]?["content"]?.text?.contains("24") == true)
    }

    @Test func clientThatGoesAwayCancelsItsAnswer() async throws {
        let fixture = try Fixture.shared.get()
        let daemon = try Daemon(fixture.service, port: 0)
        let before = fixture.runtime.engine.statistics.cancelled
        let text = body(#", "stream": true, "n": 64, "temperature": 2, "max_tokens": 900"#)
        var response: ClientResponse? = try await SocketClient(port: daemon.port).post("/v1/chat/completions", json: text)
        for try await _ in try #require(response).chunks { break }
        response = nil
        for _ in 0..<3000 where fixture.runtime.engine.statistics.cancelled == before {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(fixture.runtime.engine.statistics.cancelled > before)
        await daemon.stop()
    }
}
