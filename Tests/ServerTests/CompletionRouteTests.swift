import API
import Foundation
import Generation
import Models
import HTTP
import Tensors
import TestSupport
import Testing
import Workshop

@Suite(.ownThread) struct CompletionRouteTests {
    private static let text = "Tom has 12 apples. He buys 7 more. How many apples are there now?"

    private func client() throws -> MemoryClient { try Fixture.shared.get().memory }

    private func reply(_ path: String, _ members: String) async throws -> WireValue {
        try await client().post(path, json: "{\(members)}").json()
    }

    private func numbers(_ value: WireValue?) throws -> [Double] {
        guard case .array(let values)? = value else { throw WireError("no array", code: "test") }
        return try values.map { try #require($0.number) }
    }

    /// The engine's tokens of a text with their log-probabilities by packed passes, a place at a time.
    private func scores(_ text: String) throws -> (tokens: [Int32], logprobs: [Double]) {
        let model = try Fixture.shared.get().runtime.model
        let tokens = try model.tokens(text)
        let logprobs = (1..<tokens.count).map { place in
            Double(model.score([[tokens[place]]], after: Prompt(tokens: Array(tokens[..<place])))[0][0].logProbability)
        }
        return (tokens, logprobs)
    }

    @Test func anEchoedPromptIsScoredAsLmEvalAsks() async throws {
        let (tokens, expected) = try scores(Self.text)
        let ids = tokens.map(String.init).joined(separator: ",")
        let more = #", "max_tokens": 1, "ignore_eos": true, "logprobs": 1, "seed": 1234, "echo": true, "temperature": 0"#
        let byText = try await reply("/v1/completions", "\"prompt\": \"\(Self.text)\"" + more)
        let byTokens = try await reply("/v1/completions", "\"prompt\": [[\(ids)]]" + more)
        #expect(byText["choices"] == byTokens["choices"])
        let choice = try #require(byText["choices"]?[0])
        let logprobs = try #require(choice["logprobs"])
        #expect(logprobs["token_logprobs"]?[0] == .null && logprobs["top_logprobs"]?[0] == .null)
        let found = try (1..<tokens.count).map { try #require(logprobs["token_logprobs"]?[$0]?.number) }
        #expect(largestDifference(found, expected) < 1e-4)
        // One more, for the token of the answer.
        #expect(logprobs["tokens"]?.count == tokens.count + 1)
        #expect(choice["text"]?.text?.hasPrefix(Self.text) == true)
        #expect(byText["usage"]?["prompt_tokens"]?.number == Double(tokens.count))
        // The likeliest in each place, which lm-eval holds against the token, is at least as likely.
        for place in 1..<tokens.count {
            guard case .object(let top)? = logprobs["top_logprobs"]?[place] else { throw WireError("no candidates", code: "test") }
            let best = try #require(top.values.compactMap(\.number).max())
            #expect(best >= found[place - 1])
        }
        // Offsets are where each token's text begins.
        let offsets = try numbers(logprobs["text_offset"])
        let scalars = Array(Self.text.unicodeScalars)
        for (place, offset) in offsets.dropLast().enumerated() {
            let piece = try #require(logprobs["tokens"]?[place]?.text)
            #expect(String(String.UnicodeScalarView(scalars[Int(offset)...].prefix(piece.unicodeScalars.count))) == piece)
        }
    }

    @Test func severalPromptsAreContinuedEachAsAlone() async throws {
        let prompts = ["7 + 9 =", "12 + 7 ="]
        let more = #", "n": 2, "max_tokens": 6, "temperature": 0.8, "seed": 4"#
        let together = try await reply("/v1/completions", #""prompt": ["7 + 9 =", "12 + 7 ="]"# + more)
        #expect(together["choices"]?.count == 4 && together["object"]?.text == "text_completion")
        for (index, prompt) in prompts.enumerated() {
            let alone = try await reply("/v1/completions", "\"prompt\": \"\(prompt)\"" + more)
            for choice in 0..<2 {
                let (a, b) = (together["choices"]?[2 * index + choice], alone["choices"]?[choice])
                #expect(a?["text"] == b?["text"] && a?["text"]?.text?.isEmpty == false)
                #expect(a?["index"]?.number == Double(2 * index + choice))
            }
        }
    }

    @Test(arguments: ["", #", "echo": true, "logprobs": 2"#]) func aStreamJoinsToTheWhole(more: String) async throws {
        let members = #""prompt": ["7 + 9 =", "12 + 7 ="], "n": 2, "max_tokens": 8, "temperature": 0.8, "seed": 4"# + more
        // What is cached by then counts in the usage.
        _ = try await reply("/v1/completions", members)
        let whole = try await reply("/v1/completions", members)
        let options = #", "stream": true, "stream_options": {"include_usage": true, "continuous_usage_stats": true}"#
        let events = try await client().post("/v1/completions", json: "{\(members)\(options)}").events()
        #expect(events.last == "[DONE]")
        let chunks = try events.dropLast().map { try WireValue(json: Data($0.utf8)) }
        for index in 0..<4 {
            let mine = chunks.compactMap { $0["choices"]?[0] }.filter { $0["index"]?.number == Double(index) }
            let choice = try #require(whole["choices"]?[index])
            #expect(mine.compactMap { $0["text"]?.text }.joined() == choice["text"]?.text)
            #expect(mine.compactMap { $0["finish_reason"]?.text } == [choice["finish_reason"]?.text])
            for list in ["tokens", "token_logprobs", "top_logprobs", "text_offset"] {
                let joined = mine.flatMap { piece -> [WireValue] in
                    if case .array(let values)? = piece["logprobs"]?[list] { values } else { [] }
                }
                #expect(.array(joined) == choice["logprobs"]?[list] ?? .array([]))
            }
        }
        #expect(chunks.last?["choices"] == .array([]) && chunks.last?["usage"] == whole["usage"])
        #expect(chunks.allSatisfy { $0["usage"]?["prompt_tokens"] != nil })
    }

    @Test(arguments: [
        (#""prompt": """#, 400, "invalid_value", "prompt"), (#""prompt": ["a", ""]"#, 400, "invalid_value", "prompt[1]"),
        (#""prompt": [816]"#, 422, "unknown_token", "prompt"), (#""prompt": "a", "logit_bias": {"816": 1}"#, 422, "unknown_token", "logit_bias"),
        (#""prompt": "a", "model": "other""#, 404, "model_not_found", "model"), (#""prompt": [-1]"#, 422, "unknown_token", "prompt"),
    ])
    func badPromptsAreRefusedByName(members: String, status: Int, code: String, place: String) async throws {
        let response = try await client().post("/v1/completions", json: "{\(members)}")
        #expect(response.status == status)
        let error = try await response.json()["error"]
        #expect(error?["code"]?.text == code && error?["param"]?.text == place, "\(error ?? .null)")
    }

    @Test func aPromptAtTheContextsEndIsEchoedOnlyWhereNothingFollows() async throws {
        let context = try Fixture.shared.get().runtime.model.model.contextLength
        let ids = (0..<context).map { String(260 + $0 % 7) }.joined(separator: ",")
        func post(_ count: Int) async throws -> ClientResponse {
            try await client().post("/v1/completions", json: "{\"prompt\": [\(ids)], \"echo\": true, \"logprobs\": 0, \"max_tokens\": \(count)}")
        }
        let refused = try await post(1)
        #expect(refused.status == 400)
        let error = try await refused.json()["error"]
        #expect(error?["code"]?.text == "context_length_exceeded" && error?["message"]?.text?.contains("max_tokens 0") == true)
        let read = try await post(0).json()
        #expect(read["choices"]?[0]?["logprobs"]?["token_logprobs"]?.count == context)
        #expect(read["choices"]?[0]?["finish_reason"]?.text == "length" && read["usage"]?["completion_tokens"]?.number == 0)
    }

    @Test func continuationsOfASpokenPromptAreScored() async throws {
        let model = try Fixture.shared.get().runtime.model
        let sound = Data(try Fixture.spoken("sum")).base64EncodedString()
        let messages = #"[{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "\#(sound)", "format": "wav"}}]}]"#
        let texts = ["The answer is 24.", "The answer is 12."]
        let continuations = "[\"\(texts[0])\", \"\(texts[1])\"]"
        let score = try await reply("/v1/score", "\"messages\": \(messages), \"continuations\": \(continuations), \"top_logprobs\": 2")
        let prompt = try await Fixture.shared.get().runtime.prompt([
            SubmittedMessage(role: "user", parts: [.audio(SubmittedSound(.bytes(Data(try Fixture.spoken("sum"))), at: "test"))])
        ])
        let reference = model.score(try texts.map { try model.tokens($0) }, after: prompt)
        for (index, reference) in reference.enumerated() {
            let data = try #require(score["data"]?[index])
            let tokens = try (0..<reference.count).map { try #require(data["tokens"]?[$0]?["logprob"]?.number) }
            #expect(largestDifference(tokens, reference.map { Double($0.logProbability) }) < 1e-4)
            #expect(abs(try #require(data["logprob"]?.number) - tokens.reduce(0, +)) < 1e-9)
            #expect(data["tokens"]?[0]?["top_logprobs"]?.count == 2)
        }
        #expect(score["cord"]?["audio"]?.count == 1)
        let read = prompt.tokens.count + reference.reduce(0) { $0 + $1.count }
        #expect(score["usage"]?["prompt_tokens"]?.number == Double(read))
    }

    @Test func theGreedyAnswerIsTheLikeliestContinuationOfATypedPrompt() async throws {
        let asked = #""messages": [{"role": "user", "content": "What is 2 plus 3?"}]"#
        let answer = try #require(try await reply("/v1/chat/completions", asked)["choices"]?[0]?["message"]?["content"]?.text)
        let score = try await reply("/v1/score", asked + #", "continuations": ["\#(answer)", "Nobody knows."]"#)
        #expect(score["data"]?[0]?["is_greedy"] == true && score["data"]?[1]?["is_greedy"] == false)
        let raw = try await reply("/v1/score", #""prompt": "12 + 7", "continuations": [[1], " = 19"]"#)
        #expect(raw["data"]?.count == 2 && raw["data"]?[1]?["logprob"]?.number != nil)
    }

    @Test(arguments: [
        (#""prompt": "a", "continuations": ["b", ""]"#, 400, "continuations[1]"), (#""prompt": "", "continuations": ["b"]"#, 400, "prompt"),
        (#""prompt": "a", "continuations": [[9999]]"#, 422, "continuations[0]"),
    ])
    func badContinuationsAreRefusedByName(members: String, status: Int, place: String) async throws {
        let response = try await client().post("/v1/score", json: "{\(members)}")
        #expect(response.status == status)
        #expect(try await response.json()["error"]?["param"]?.text == place)
    }

    @Test func aSpokenPromptsTokensAreScoredInChat() async throws {
        let sound = Data(try Fixture.spoken("sum")).base64EncodedString()
        let content = #"[{"type": "input_audio", "input_audio": {"data": "\#(sound)", "format": "wav"}}, {"type": "text", "text": "Answer."}]"#
        let members = #""messages": [{"role": "user", "content": \#(content)}], "prompt_logprobs": 2, "max_tokens": 2"#
        let reply = try await reply("/v1/chat/completions", members)
        guard case .array(let places)? = reply["prompt_logprobs"] else { throw WireError("no scores", code: "test") }
        #expect(Double(places.count) == reply["usage"]?["prompt_tokens"]?.number)
        let slots = try #require(reply["usage"]?["prompt_tokens_details"]?["audio_tokens"]?.number)
        // The first token, and every slot of sound.
        #expect(Double(places.count { $0 == .null }) == slots + 1)
        let scored = places.compactMap { if case .object(let candidates) = $0 { candidates } else { nil } }
        #expect(scored.allSatisfy { (2...3).contains($0.count) && $0.values.contains { $0["rank"]?.number == 1 } })
    }
}
