import API
import Foundation
import Generation
import HTTP
import Models
import Server
import Tensors
import TestSupport
import Testing
import Workshop

/// Numbers at the ends of what JSON and Float hold: an answer or a refusal by name, and the next request is answered.
@Suite(.ownThread) struct ExtremeNumberTests {
    private static let numbers = [
        "0", "-0.0", "5e-324", "1e-320", "1e-300", "1e-45", "1e-40", "1e-6", "0.999999", "1", "1.0", "2", "100", "1e19", "1e38", "1e40", "1e308",
        "1e309", "1e400", "-1e400", "-5e-324", "-1", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
        "-9223372036854775809", "18446744073709551616", "123456789012345678901234567890",
    ]
    private static let fields = [
        "temperature", "top_p", "top_k", "min_p", "repetition_penalty", "frequency_penalty", "presence_penalty", "max_tokens",
        "max_completion_tokens", "seed", "n", "top_logprobs",
    ]

    @Test(arguments: fields) func anyNumberInASamplingFieldIsAnsweredOrRefused(field: String) async throws {
        let client = try Fixture.shared.get().memory
        for number in Self.numbers {
            for more in ["", #", "temperature": 1.5, "top_p": 1e-300, "min_p": 0.999999"#] where !more.contains("\"\(field)\"") {
                let limit = field.hasPrefix("max") ? "" : #", "max_tokens": 4"#
                let response = try await client.post(
                    "/v1/chat/completions",
                    json: #"""
                        {"model": "cord-nano", "messages": [{"role": "user", "content": "What is the sum of 7, 9 and 8?"}],
                         "logprobs": true, "\#(field)": \#(number)\#(more)\#(limit)}
                        """#)
                let reply = try await response.json()
                switch response.status {
                case 200: #expect(reply["choices"]?[0]?["finish_reason"]?.text != nil, "\(field): \(number)")
                case 400, 422:
                    // So many answers may need more cache than there is.
                    let named = reply["error"]?["code"]?.text == "too_large_for_cache" ? "max_tokens" : field
                    #expect(reply["error"]?["param"]?.text == named, "\(field): \(number)")
                default: Issue.record("\(field): \(number) gave \(response.status) \(reply)")
                }
            }
        }
    }

    @Test func whatBecomesZeroAsFloatIsRefusedByName() async throws {
        let client = try Fixture.shared.get().memory
        let response = try await client.post(
            "/v1/chat/completions",
            json: #"""
                {"model": "cord-nano", "messages": [{"role": "user", "content": "What is the sum of 7, 9 and 8?"}],
                 "temperature": 1.5, "top_p": 1e-300, "min_p": 0.999999, "repetition_penalty": 5e-324}
                """#)
        #expect(response.status == 400)
        #expect(try await response.json()["error"]?["param"]?.text == "repetition_penalty")
    }

    @Test func aTinyTemperatureGivesTheGreedyAnswer() async throws {
        let client = try Fixture.shared.get().memory
        for temperature in ["1e-320", "1e-45", "5e-324", "-0.0", "0"] {
            let reply = try await client.post(
                "/v1/answers", json: #"{"text": "What is the sum of 7, 9 and 8?", "temperature": \#(temperature), "top_p": 1e-300}"#)
            #expect(try await reply.json()["answer"]?.text?.contains("24") == true, "\(temperature)")
        }
    }

    @Test func weightsThatGiveNoDistributionFailTheirRequestAlone() async throws {
        let fixture = try Fixture()
        let model = fixture.runtime.model.model
        let norm = try #require(model.parameters.first { $0.name == "language_model.model.norm.weight" })
        let broken = WeightVersion(
            id: "broken", replacements: [norm.index: Tensor(row: Array(repeating: .infinity, count: norm.shape[0]))])
        try fixture.runtime.versions.add("broken", broken, root: "cord-nano")
        let ask = { (more: String) in
            try await fixture.memory.post(
                "/v1/chat/completions", json: #"{"model": "broken", "messages": [{"role": "user", "content": "Hello"}]\#(more)}"#)
        }
        let whole = try await ask("")
        #expect(whole.status == 422)
        #expect(try await whole.json()["error"]?["code"]?.text == "no_distribution")
        let events = try await ask(#", "stream": true"#).events()
        let last = try WireValue(json: Data(try #require(events.last).utf8))
        #expect(last["error"]?["code"]?.text == "no_distribution")
        let answer = try await fixture.memory.post("/v1/answers", json: #"{"text": "What is the sum of 7, 9 and 8?"}"#)
        #expect(try await answer.json()["answer"]?.text?.contains("24") == true)
    }
}
