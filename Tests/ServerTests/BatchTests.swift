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

/// Batches over HTTP, by the embedded model.
@Suite(.serialized, .ownThread) struct BatchTests {
    private func server(_ change: @escaping (inout ServerConfiguration) -> Void = { _ in }) async throws -> TrainingServer {
        try await TrainingServer {
            $0.model.directory = CordNano.directory
            $0.model.name = "cord-nano"
            change(&$0)
        }
    }

    private static let chat = "/v1/chat/completions"

    private static func line(_ id: String, _ body: String, url: String = chat) -> String {
        #"{"custom_id": "\#(id)", "method": "POST", "url": "\#(url)", "body": \#(body)}"#
    }

    private static func question(_ text: String, _ more: String = "") -> String {
        #"{"messages": [{"role": "user", "content": "\#(text)"}]\#(more)}"#
    }

    /// An answer of so many tokens.
    private static func long(_ id: Int, tokens: Int) -> String {
        line("q\(id)", question("What is \(id) plus 5?", #", "ignore_eos": true, "max_tokens": \#(tokens)"#))
    }

    private func upload(_ lines: [String], _ server: TrainingServer, purpose: String = "batch") async throws -> String {
        let form = """
            --b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n\(purpose)\r
            --b\r\nContent-Disposition: form-data; name="file"; filename="in.jsonl"\r\n\r\n\(lines.joined(separator: "\n"))\r\n--b--\r\n
            """
        let response = try await server.client.send(
            "POST", "/v1/files", headers: ["content-type": "multipart/form-data; boundary=b"], body: Array(form.utf8))
        return try #require(try await response.json()["id"]?.text)
    }

    private func create(_ file: String, _ server: TrainingServer, endpoint: String = chat, more: String = "") async throws -> ClientResponse {
        try await server.client.post(
            "/v1/batches", json: #"{"input_file_id": "\#(file)", "endpoint": "\#(endpoint)", "completion_window": "24h"\#(more)}"#)
    }

    private func begin(_ lines: [String], _ server: TrainingServer, endpoint: String = chat) async throws -> String {
        let batch = try await create(try await upload(lines, server), server, endpoint: endpoint, more: #", "metadata": {"my": "own"}"#).json()
        #expect(batch["object"]?.text == "batch" && ["validating", "in_progress"].contains(batch["status"]?.text))
        return try #require(batch["id"]?.text)
    }

    private func batch(_ id: String, _ server: TrainingServer) async throws -> WireValue { try await server.client.get("/v1/batches/\(id)").json() }

    private func finished(_ id: String, _ server: TrainingServer) async throws -> WireValue {
        _ = try await server.workshop.runner.finished(id)
        return try await batch(id, server)
    }

    /// Once so many requests were answered.
    private func began(_ id: String, _ count: Double, _ server: TrainingServer) async throws -> WireValue {
        while true {
            let batch = try await batch(id, server)
            if batch["request_counts"]?["completed"]?.number ?? 0 >= count { return batch }
            try #require(!["completed", "failed", "cancelled", "expired"].contains(batch["status"]?.text), "\(batch)")
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private func lines(_ file: WireValue?, _ server: TrainingServer) async throws -> [WireValue] {
        guard let id = file?.text else { return [] }
        let text = try await server.client.get("/v1/files/\(id)/content").text()
        return try text.split(separator: "\n").map { try WireValue(json: Data($0.utf8)) }
    }

    @Test func everyLineHasItsAnswerOrItsError() async throws {
        let server = try await server()
        let sound = Data(try Fixture.spoken("sum")).base64EncodedString()
        let spoken = #"{"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "\#(sound)", "format": "wav"}}]}]}"#
        let id = try await begin(
            [
                Self.line("typed", Self.question("What is 2 plus 3?")), "{broken", Self.line("spoken", spoken), "  ",
                Self.line("typed", Self.question("twice")), Self.line("other", Self.question("a"), url: "/v1/responses"),
                Self.line("streamed", Self.question("a", #", "stream": true"#)), Self.line("hot", Self.question("a", #", "temperature": 9"#)),
                Self.line("nobody", Self.question("a", #", "model": "none""#)), #"{"method": "POST", "url": "\#(Self.chat)", "body": {}}"#,
                Self.line(
                    "formed",
                    Self.question(
                        "a",
                        #", "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object", "properties": {"z": {"type": "boolean"}, "a": {"type": "boolean"}}, "required": ["z", "a"], "additionalProperties": false}}}"#
                    )),
            ], server)
        let batch = try await finished(id, server)
        #expect(batch["status"]?.text == "completed" && batch["errors"] == .null && batch["metadata"] == .object(["my": "own"]))
        #expect(batch["request_counts"] == .object(["total": 10, "completed": 3, "failed": 7]))
        for name in ["created_at", "in_progress_at", "finalizing_at", "completed_at", "expires_at"] {
            #expect(batch[name]?.number ?? 0 > 1e9, "\(name)")
        }
        #expect(batch["cancelled_at"] == .null && batch["failed_at"] == .null && batch["expired_at"] == .null)

        let output = try await lines(batch["output_file_id"], server)
        #expect(output.map { $0["custom_id"]?.text } == ["typed", "spoken", "formed"])
        #expect(output.allSatisfy { $0["error"] == .null && $0["response"]?["status_code"] == 200 })
        for (line, body) in zip(output, [Self.question("What is 2 plus 3?"), spoken]) {
            let live = try await server.client.post(Self.chat, json: body).json()
            #expect(line["response"]?["body"]?["choices"] == live["choices"])
        }
        // Members stand in the schema's order, also where the request came by a file.
        let formed = try #require(output[2]["response"]?["body"]?["choices"]?[0]?["message"]?["content"]?.text)
        let (z, a) = (try #require(formed.firstRange(of: "\"z\"")), try #require(formed.firstRange(of: "\"a\"")))
        #expect(z.lowerBound < a.lowerBound)

        let errors = try await lines(batch["error_file_id"], server)
        #expect(errors.map { $0["custom_id"]?.text } == [nil, "typed", "other", "streamed", "hot", "nobody", nil])
        #expect(
            errors.map { $0["error"]?["code"]?.text } == [
                "invalid_json_line", "duplicate_custom_id", "invalid_url", "invalid_request", nil, nil, "invalid_custom_id",
            ])
        #expect(errors.map { $0["response"]?["status_code"]?.number } == [nil, nil, nil, nil, 400, 404, nil])
        #expect(errors[4]["response"]?["body"]?["error"]?["param"]?.text == "temperature")
        #expect(try await server.client.get("/v1/batches").json()["data"]?[0]?["id"]?.text == id)
    }

    @Test(arguments: [
        ("/v1/completions", #"{"prompt": "2 plus 3 is", "max_tokens": 5}"#, "text_completion"),
        ("/v1/responses", #"{"input": "What is 2 plus 3?", "max_output_tokens": 5}"#, "response"),
    ])
    func otherRoutesAreAskedToo(endpoint: String, body: String, object: String) async throws {
        let server = try await server()
        let bad = Self.line("bad", #"{"max_tokens": "x"}"#, url: endpoint)
        let batch = try await finished(try await begin([Self.line("a", body, url: endpoint), bad], server, endpoint: endpoint), server)
        let output = try await lines(batch["output_file_id"], server)
        #expect(output.count == 1 && output[0]["response"]?["body"]?["object"]?.text == object)
        #expect(try await lines(batch["error_file_id"], server)[0]["response"]?["status_code"] == 400)
    }

    /// What was answered before a stop is not asked again.
    @Test func aStoppedBatchGoesOn() async throws {
        let server = try await server()
        let id = try await begin((0..<60).map { Self.long($0, tokens: 40) }, server)
        _ = try await began(id, 3, server)
        var before: [Substring] = []
        try await server.restart { folder in
            let answers = try String(contentsOf: folder.appending(path: "jobs/\(id)/answers"), encoding: .utf8)
            before = answers.split(separator: "\n").map { $0.split(separator: " ", maxSplits: 2)[2] }
            // As a process leaves it that is killed while it writes.
            try (answers + "59 0 {\"id\":\"ba").write(to: folder.appending(path: "jobs/\(id)/answers"), atomically: true, encoding: .utf8)
        }
        #expect((3..<60).contains(before.count), "\(before.count)")
        let batch = try await finished(id, server)
        #expect(batch["status"]?.text == "completed" && batch["request_counts"]?["completed"] == 60)
        #expect(server.fixture.runtime.engine.statistics.requests == 60 - before.count)
        let file = try #require(batch["output_file_id"]?.text)
        let text = try await server.client.get("/v1/files/\(file)/content").text().split(separator: "\n")
        #expect(Set(before).isSubset(of: text) && text.count == 60)
        let output = try text.map { try WireValue(json: Data($0.utf8)) }
        #expect(output.map { $0["custom_id"]?.text } == (0..<60).map { "q\($0)" })
    }

    @Test func aCancelledBatchKeepsItsAnswers() async throws {
        let server = try await server()
        let id = try await begin((0..<200).map { Self.long($0, tokens: 60) }, server)
        let waiting = try await begin([Self.long(0, tokens: 4)], server)
        _ = try await began(id, 1, server)
        let file = try #require(try await batch(id, server)["input_file_id"]?.text)
        #expect(try await server.client.send("DELETE", "/v1/files/\(file)", headers: Headers(), body: []).status == 409)
        let told = try await server.client.post("/v1/batches/\(waiting)/cancel", json: "{}").json()
        #expect(told["status"]?.text == "cancelled" && told["output_file_id"] == .null)
        let cancelling = try await server.client.post("/v1/batches/\(id)/cancel", json: "{}").json()
        #expect(cancelling["status"]?.text == "cancelling" && cancelling["cancelling_at"]?.number != nil)
        let batch = try await finished(id, server)
        #expect(batch["status"]?.text == "cancelled" && batch["cancelled_at"]?.number != nil && batch["completed_at"] == .null)
        let count = try #require(batch["request_counts"]?["completed"]?.number)
        #expect((1..<200).contains(count) && batch["request_counts"]?["total"] == 200)
        #expect(try await lines(batch["output_file_id"], server).count == Int(count) && batch["error_file_id"] == .null)
        #expect(try await server.client.post("/v1/batches/\(id)/cancel", json: "{}").status == 409)
        #expect(try await server.client.send("DELETE", "/v1/files/\(file)", headers: Headers(), body: []).status == 200)
    }

    /// Of low priority, its requests leave a quarter of the places to others.
    @Test func aBatchLeavesRoomForOthers() async throws {
        let server = try await server { $0.model.engine.sequences = 4 }
        let id = try await begin((0..<40).map { Self.long($0, tokens: 60) }, server)
        var most = 0
        while try await batch(id, server)["status"]?.text != "completed" {
            most = max(most, server.fixture.runtime.engine.statistics.runningRequests)
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(most == 3)
    }

    @Test func tooManyRequestsFail() async throws {
        let server = try await server()
        let batch = try await finished(try await begin(Array(repeating: "{}", count: 50_001), server), server)
        #expect(batch["status"]?.text == "failed" && batch["errors"]?["data"]?[0]?["code"]?.text == "too_many_requests")
    }

    @Test func whatIsLeftExpires() async throws {
        let server = try await server { $0.work.batchWindow = 0 }
        let batch = try await finished(try await begin([Self.long(1, tokens: 2), Self.long(2, tokens: 2)], server), server)
        #expect(batch["status"]?.text == "expired" && batch["expired_at"]?.number != nil && batch["output_file_id"] == .null)
        let errors = try await lines(batch["error_file_id"], server)
        #expect(errors.map { $0["error"]?["code"]?.text } == ["batch_expired", "batch_expired"])
        #expect(errors.map { $0["custom_id"]?.text } == ["q1", "q2"])
    }

    @Test func aFileWithoutRequestsFails() async throws {
        let server = try await server()
        let batch = try await finished(try await begin([" ", ""], server), server)
        #expect(batch["status"]?.text == "failed" && batch["failed_at"]?.number != nil)
        #expect(batch["errors"]?["data"]?[0]?["code"]?.text == "empty_file")
    }

    @Test func batchesThatCannotBeAreRefused() async throws {
        let server = try await server()
        let other = try await upload(["{}"], server, purpose: "evals")
        let file = try await upload(["{}"], server)
        for (file, endpoint, more, status, parameter) in [
            ("file-none", Self.chat, "", 404, "input_file_id"), (other, Self.chat, "", 400, "input_file_id"),
            (file, "/v1/embeddings", "", 400, "endpoint"), (file, Self.chat, #", "metadata": 5"#, 400, "metadata"),
            (file, Self.chat, #", "output_expires_after": {"seconds": 5}"#, 400, "output_expires_after.seconds"),
            (file, Self.chat, #", "surprise": 5"#, 400, "surprise"),
        ] {
            let response = try await create(file, server, endpoint: endpoint, more: more)
            #expect(response.status == status, "\(parameter)")
            #expect(try await response.json()["error"]?["param"]?.text == parameter)
        }
        let window = #"{"input_file_id": "\#(file)", "endpoint": "\#(Self.chat)", "completion_window": "1h"}"#
        #expect(try await server.client.post("/v1/batches", json: window).status == 400)
        #expect(try await server.client.get("/v1/batches/batch_none").status == 404)
        #expect(try await server.client.post("/v1/batches/batch_none/cancel", json: "{}").status == 404)
    }

    @Test func filesOfAnswersExpireWhereThatIsAsked() async throws {
        let server = try await server()
        let file = try await upload([Self.long(1, tokens: 2)], server)
        let id = try await create(file, server, more: #", "output_expires_after": {"anchor": "created_at", "seconds": 7200}"#).json()["id"]?.text
        let batch = try await finished(try #require(id), server)
        let output = try await server.client.get("/v1/files/\(try #require(batch["output_file_id"]?.text))").json()
        #expect(output["purpose"]?.text == "batch_output")
        #expect(try #require(output["expires_at"]?.number) - (output["created_at"]?.number ?? 0) == 7200)
    }
}
