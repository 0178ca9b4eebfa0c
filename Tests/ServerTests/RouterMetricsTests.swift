import API
import CordNano
import Foundation
import Generation
import HTTP
import Jobs
import Server
import TestSupport
import Testing
import Workshop

/// Metrics by the names that others read.
@Suite(.serialized, .ownThread) struct RouterMetricsTests {
    /// The value and the labels of a sample.
    private func sample(_ name: String, _ text: String) throws -> (value: Double, labels: Substring) {
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(name + "{") || $0.hasPrefix(name + " ") }, "\(name)")
        let value = try #require(line.split(separator: " ").last.flatMap { Double($0) })
        return (value, line.dropFirst(name.count).prefix { $0 != " " })
    }

    private func metrics(_ fixture: Fixture) async throws -> String { try await fixture.memory.get("/metrics").text() }

    @Test func countersAndTimesAreCordsOwn() async throws {
        let fixture = try Fixture()
        let body = #"{"messages": [{"role": "user", "content": "What is 2 plus 3?"}]}"#
        #expect(try await fixture.memory.post("/v1/chat/completions", json: body).status == 200)
        let text = try await metrics(fixture)
        for (name, own) in [
            ("prompt_tokens_total", "cord_prompt_tokens_total"), ("generation_tokens_total", "cord_completion_tokens_total"),
            ("time_to_first_token_seconds_count", "cord_time_to_first_token_seconds_count"),
        ] {
            let (value, labels) = try sample("vllm:" + name, text)
            #expect(value > 0 && labels == "{model_name=\"cord-nano\"}")
            #expect(try sample(own, text).value == value)
        }
        for name in ["drafts", "draft_tokens", "accepted_tokens"] {
            #expect(try sample("vllm:spec_decode_num_\(name)_total", text).labels == "{model_name=\"cord-nano\"}")
        }
        let (used, limit) = (try sample("cord_cache_blocks", text).value, try sample("cord_cache_block_limit", text).value)
        #expect(used > 0 && limit > used)
        for name in ["kv_cache_usage_perc", "gpu_cache_usage_perc"] { #expect(abs(try sample("vllm:" + name, text).value - used / limit) < 1e-9) }
    }

    /// Each token but an answer's first has a time before it; the other histograms have one entry a request.
    @Test func timesAreToldOfEveryAnswerAndToken() async throws {
        let fixture = try Fixture()
        let body = #"{"messages": [{"role": "user", "content": "Hi"}], "ignore_eos": true, "max_tokens": 20, "n": 2}"#
        for stream in ["", #""stream": true, "#] {
            let sent = body.replacing("{\"messages", with: "{\(stream)\"messages")
            #expect(try await !fixture.memory.post("/v1/chat/completions", json: sent).text().isEmpty)
        }
        let text = try await metrics(fixture)
        func value(_ name: String) throws -> Double { try sample("vllm:" + name, text).value }
        for name in [
            "time_to_first_token_seconds", "request_time_per_output_token_seconds", "e2e_request_latency_seconds", "request_queue_time_seconds",
            "request_prefill_time_seconds", "request_decode_time_seconds", "request_prompt_tokens", "request_generation_tokens",
        ] { #expect(try value(name + "_count") == 2, "\(name)") }
        #expect(try value("inter_token_latency_seconds_count") == 2 * 2 * 19)
        #expect(try value("request_generation_tokens_sum") == 2 * 2 * 20)
        let parts = try ["queue", "prefill", "decode"].map { try value("request_\($0)_time_seconds_sum") }.reduce(0, +)
        #expect(try parts <= value("e2e_request_latency_seconds_sum") + 1e-6)
        #expect(text.contains("vllm:request_generation_tokens_bucket{model_name=\"cord-nano\",le=\"20\"} 0\n"))
        #expect(text.contains("vllm:request_generation_tokens_bucket{model_name=\"cord-nano\",le=\"50\"} 2\n"))
    }

    /// Two requests where one has room: one runs, one waits, each with its adapter.
    @Test func requestsAndAdaptersRunAndWait() async throws {
        let fixture = try Fixture {
            $0.model.adapters = ["first", "second"].map { ($0, CordNano.closedAdapter) }
            $0.model.engine.sequences = 1
        }
        #expect(try sample("vllm:num_requests_running", try await metrics(fixture)).value == 0)
        func ask(_ model: String) -> Task<Void, any Error> {
            let body = #"{"model": "\#(model)", "messages": [{"role": "user", "content": "Hi"}], "ignore_eos": true, "max_tokens": 1500}"#
            return Task { _ = try await fixture.memory.post("/v1/chat/completions", json: body).text() }
        }
        let tasks = [ask("first"), ask("cord-nano"), ask("second")]
        // What runs and what waits is told from pass to pass.
        var (text, names): (String, [Set<Substring>]) = ("", [])
        for _ in 0..<1000 {
            if Set(names.joined()) == ["first", "second"] { break }
            try await Task.sleep(for: .milliseconds(2))
            text = try await metrics(fixture)
            let labels = try sample("vllm:lora_requests_info", text).labels
            names = ["running", "waiting"].map { state in
                Set((labels.components(separatedBy: "\(state)_lora_adapters=\"").last ?? "").prefix { $0 != "\"" }.split(separator: ","))
            }
        }
        try #require(names.count == 2)
        #expect(names[0].count <= 1 && names[0].isDisjoint(with: names[1]) && names[0].union(names[1]) == ["first", "second"])
        #expect(try sample("vllm:num_requests_running", text).value <= 1 && sample("vllm:num_requests_waiting", text).value >= 1)
        let (time, labels) = try sample("vllm:lora_requests_info", text)
        #expect(abs(time - Date().timeIntervalSince1970) < 60 && labels.contains("max_lora=\"1\""))
        for task in tasks { task.cancel() }
        for task in tasks { _ = await task.result }
    }

    /// Every query of the dashboard in the repository names what the server tells.
    @Test func theDashboardAsksForWhatThereIs() async throws {
        let server = try await TrainingServer {
            $0.model.directory = CordNano.directory
            $0.model.name = "cord-nano"
        }
        #expect(try await server.step(TrainingServer.step([try TrainingServer.pair()])).status == 200)
        let run = try await server.client.post(
            "/v1/gap/runs", json: #"{"model": "cord-nano", "benchmark": "cord-bench-1", "limit": 2, "divergence": 0, "decoding": {"max_tokens": 8}}"#)
        _ = try await server.workshop.runner.finished(try #require(try await run.json()["id"]?.text))
        var told: Set<String> = []
        for line in try await server.client.get("/metrics").text().split(separator: "\n") where line.hasPrefix("# TYPE ") {
            let words = line.split(separator: " ").map(String.init)
            told.formUnion(words[3] == "histogram" ? ["_bucket", "_sum", "_count"].map { words[2] + $0 } : [words[2]])
        }
        let file = fixtures.appendingPathComponent("../../Sources/Service/Packaging/grafana.json").standardized
        var queries: [String] = []
        func collect(_ value: WireValue) {
            switch value {
            case .object(let members):
                for name in ["expr", "query"] { if let query = members[name]?.text { queries.append(query) } }
                members.values.forEach(collect)
            case .array(let values): values.forEach(collect)
            default: break
            }
        }
        collect(try WireValue(json: try Data(contentsOf: file)))
        var asked: Set<String> = []
        for query in queries {
            for match in query.matches(of: /(?:cord_|vllm:|process_)[a-z0-9_:]+/) { asked.insert(String(match.output)) }
        }
        #expect(asked.count > 20)
        #expect(asked.subtracting(told).isEmpty)
    }
}
