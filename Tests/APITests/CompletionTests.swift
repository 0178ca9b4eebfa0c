import API
import Foundation
import Testing

@Suite struct CompletionTests {
    private func read(_ members: String) throws -> CompletionRequest {
        try WireDecoder.decode(CompletionRequest.self, from: Data("{\(members)}".utf8))
    }

    private func refusal<Request: Decodable>(_ type: Request.Type, _ members: String) throws -> WireError {
        try #require(#expect(throws: WireError.self) { try WireDecoder.decode(type, from: Data("{\(members)}".utf8)) })
    }

    @Test(
        arguments: [
            (#""prompt": "a""#, [.text("a")]), (#""prompt": ["a", "b"]"#, [.text("a"), .text("b")]),
            (#""prompt": [1, 2]"#, [.tokens([1, 2])]), (#""prompt": [[1, 2], [3]]"#, [.tokens([1, 2]), .tokens([3])]),
            (#""prompt": ["a", [3]]"#, [.text("a"), .tokens([3])]),
        ] as [(String, [PromptField])])
    func promptsAreReadInEveryForm(members: String, prompts: [PromptField]) throws {
        #expect(try read(members).prompts == prompts)
    }

    @Test func whatIsNotSaidIsOpenAIsDefault() throws {
        let request = try read(#""prompt": "a", "suffix": null, "best_of": 1"#)
        #expect(request.sampling.maxCompletionTokens == 16 && request.n == 1 && !request.echo && request.logprobs == nil)
    }

    @Test(arguments: [
        (#""model": "m""#, "prompt"), (#""prompt": []"#, "prompt"), (#""prompt": {}"#, "prompt"), (#""prompt": [1.5]"#, "prompt[0]"),
        (#""prompt": ["a", true]"#, "prompt[1]"), (#""prompt": "a", "max_tokens": 0"#, "max_tokens"),
        (#""prompt": "a", "logprobs": 21"#, "logprobs"), (#""prompt": "a", "logprobs": true"#, "logprobs"),
        (#""prompt": "a", "suffix": "b""#, "suffix"), (#""prompt": "a", "best_of": 2"#, "best_of"),
        (#""prompt": "a", "stream_options": {}"#, "stream_options"), (#""prompt": "a", "add_special_tokens": true"#, "add_special_tokens"),
        (#""prompt": "a", "messages": []"#, "messages"),
    ])
    func whatCannotBeDoneIsRefusedByName(members: String, path: String) throws {
        #expect(try refusal(CompletionRequest.self, members).param == path)
    }

    @Test func aPromptThatIsEchoedMayBeReadAlone() throws {
        #expect(try read(#""prompt": "a", "max_tokens": 0, "echo": true"#).sampling.maxCompletionTokens == 0)
    }

    @Test(arguments: [
        (#""continuations": ["a"]"#, "messages"), (#""prompt": "a", "continuations": []"#, "continuations"), (#""prompt": "a""#, "continuations"),
        (#""prompt": "a", "messages": [{"role": "user", "content": "b"}], "continuations": ["c"]"#, "prompt"),
        (#""prompt": "a", "continuations": "b""#, "continuations"), (#""prompt": "a", "continuations": ["b"], "echo": true"#, "echo"),
    ])
    func aScoreNeedsOnePromptAndContinuations(members: String, path: String) throws {
        #expect(try refusal(ScoreRequest.self, members).param == path)
    }
}
