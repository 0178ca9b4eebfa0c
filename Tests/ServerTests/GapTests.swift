import API
import Archives
import CordBench
import CordNano
import Evaluation
import Foundation
import Generation
import HTTP
import Jobs
import Remote
import Server
import TestSupport
import Testing
import Workshop

/// Measuring over HTTP, with the embedded model on a few items of the built-in benchmark.
@Suite(.serialized, .ownThread) struct GapTests {
    private func server() async throws -> TrainingServer {
        try await TrainingServer {
            $0.model.directory = CordNano.directory
            $0.model.name = "cord-nano"
        }
    }

    private static let run =
        #"{"model": "cord-nano", "benchmark": "cord-bench-1", "limit": 6, "divergence": 2, "decoding": {"max_tokens": 48}}"#

    /// The run once it has ended.
    private func finished(_ id: String, _ server: TrainingServer) async throws -> WireValue {
        _ = try await server.workshop.runner.finished(id)
        return try await server.client.get("/v1/gap/runs/\(id)").json()
    }

    @Test func runBecomesAReportInEveryForm() async throws {
        let server = try await server()
        let accepted = try await server.client.post("/v1/gap/runs", json: Self.run)
        #expect(accepted.status == 202)
        let id = try #require(try await accepted.json()["id"]?.text)
        let events = try await server.client.get("/v1/gap/runs/\(id)/events").events()
        #expect(events.last == "[DONE]")
        let last = try WireValue(json: Data(try #require(events.dropLast().last).utf8))
        #expect(last["status"]?.text == "succeeded" && last["progress"]?["done"]?.number == 14)
        let report = try #require(last["report_id"]?.text)
        let whole = try await server.client.get("/v1/gap/reports/\(report)").json()
        #expect(whole["n"]?.number == 6 && whole["items"]?.count == 6)
        #expect(whole["arms"]?["text"]?["n"]?.number == 6 && whole["divergence"]?["answers"]?.number == 2)
        #expect(whole["reproducibility"]?["benchmark_hash"]?.text == CordBench.standard.hash)
        let list = try await server.client.get("/v1/gap/reports").json()
        #expect(list["data"]?[0]?["id"]?.text == report && list["data"]?[0]?["run_id"]?.text == id)
        for (format, start) in [("html", "<!doctype html>"), ("csv", "id"), ("md", "# Audio-text gap")] {
            let text = try await server.client.get("/v1/gap/reports/\(report)?format=\(format)").text()
            #expect(text.hasPrefix(start), "\(format)")
            if format == "html" { #expect(text.contains("data:audio/ogg;base64,")) }
        }
        let page = try await server.client.send(
            "GET", "/v1/gap/reports/\(report)", headers: ["accept": "text/html,*/*;q=0.8"], body: [])
        #expect(page.headers["content-type"] == "text/html; charset=utf-8")
        #expect(page.headers["content-security-policy"] == ReportPage.contentSecurityPolicy)
        #expect(list["data"]?[0]?["gap"]?.number != nil && list["data"]?[0]?["gap_interval"]?.count == 2)
        let compared = try await server.client.get("/v1/gap/reports/compare?base=\(report)&candidate=\(report)").json()
        #expect(compared["n"]?.number == 6 && compared["audio"]?["points"]?.number == 0)
        let changes = try await server.client.get("/v1/gap/reports/compare?base=\(report)&candidate=\(report)&format=html").text()
        #expect(changes.hasPrefix("<!doctype html>") && changes.contains("Items that changed"))
        #expect(
            try await server.client.get("/v1/gap/reports/compare?base=\(report)&candidate=\(report)&format=csv").status == 400)
        #expect(try await server.client.get("/v1/gap/reports/compare?base=\(report)&candidate=none").status == 404)
    }

    @Test func runThatAStopInterruptedGivesTheSameItems() async throws {
        let body =
            #"{"model": "cord-nano", "benchmark": "cord-bench-1", "limit": 40, "divergence": 0, "arms": ["text"], "decoding": {"max_tokens": 48}}"#
        let server = try await server()
        let accepted = try await server.client.post("/v1/gap/runs", json: body).json()
        let id = try #require(accepted["id"]?.text)
        var seen = 0.0
        while seen < 5 {
            seen = try await server.client.get("/v1/gap/runs/\(id)").json()["progress"]?["done"]?.number ?? 0
            try await Task.sleep(for: .milliseconds(5))
        }
        try await server.restart()
        let ended = try await finished(id, server)
        #expect(ended["status"]?.text == "succeeded")
        let again = try await server.client.post("/v1/gap/runs", json: body).json()
        let second = try await finished(try #require(again["id"]?.text), server)
        func answers(_ run: WireValue) async throws -> [String] {
            let report = try await server.client.get("/v1/gap/reports/\(run["report_id"]?.text ?? "")").json()
            return (0..<40).map { report["items"]?[$0]?["arms"]?["text"]?["text"]?.text ?? "" }
        }
        #expect(try await answers(ended) == answers(second))
        // One arm alone has no gap.
        let summary = try await server.client.get("/v1/gap/reports").json()["data"]?[0]
        #expect(summary?["accuracy"]?["text"]?.number != nil)
        for name in ["gap", "gap_interval", "p"] { #expect(summary?[name] == .null, "\(name)") }
        #expect(try await !server.client.get("/metrics").text().contains("cord_gap_points{"))
        #expect(!FileManager.default.fileExists(atPath: server.folder.appending(path: "jobs/\(id)").path))
    }

    /// A run is kept before it is begun: one that ended the process would end every process after it.
    @Test func decodingBeyondTheModelEndsAtItsContext() async throws {
        let server = try await server()
        let most = Int.max
        let body = """
            {"model": "cord-nano", "benchmark": "cord-bench-1", "limit": 1, "arms": ["text"],
             "decoding": {"temperature": 1, "top_k": \(most), "max_tokens": \(most)}}
            """
        let id = try #require(try await server.client.post("/v1/gap/runs", json: body).json()["id"]?.text)
        #expect(try await finished(id, server)["status"]?.text == "succeeded")
    }

    @Test func listsGoBothWays() async throws {
        let server = try await server()
        for name in ["one", "two"] {
            let file = try await upload(Array(#"{"id": "1", "text": "a", "answer": "1"}"#.utf8), "a.jsonl", server)
            #expect(try await server.client.post("/v1/benchmarks", json: #"{"name": "\#(name)", "file_id": "\#(file)"}"#).status == 201)
            _ = try server.workshop.store.addReport(
                id: name, runID: nil, model: "m", versionID: "base", benchmark: "b", n: 1,
                summary: Data(
                    #"{"id":"\#(name)","object":"gap.report","created_at":1,"model":"m","weight_version":"base","benchmark":"b","n":1,"accuracy":{},"gap":0}"#
                        .utf8),
                body: Data("{}".utf8))
        }
        for (path, name) in [("gap/reports", "id"), ("benchmarks", "name")] {
            for (order, wanted) in [("asc", ["one", "two"]), ("desc", ["two", "one"])] {
                let list = try await server.client.get("/v1/\(path)?order=\(order)").json()
                let found = (0..<(list["data"]?.count ?? 0)).compactMap { list["data"]?[$0]?[name]?.text }
                #expect(found.suffix(2) == wanted, "\(path) \(order)")
            }
            #expect(try await server.client.get("/v1/\(path)?purpose=evals").status == 400)
        }
    }

    @Test func cancelledRunEndsAtOnceAndLeavesNothing() async throws {
        let server = try await server()
        let body = Self.run.replacingOccurrences(of: "\"limit\": 6", with: "\"limit\": 500")
        let id = try #require(try await server.client.post("/v1/gap/runs", json: body).json()["id"]?.text)
        let cancelled = try await server.client.post("/v1/gap/runs/\(id)/cancel", json: "").json()
        #expect(cancelled["status"]?.text == "cancelled")
        #expect(try await server.client.post("/v1/gap/runs/\(id)/cancel", json: "").status == 409)
        #expect(try await server.client.get("/v1/gap/runs").json()["data"]?[0]?["status"]?.text == "cancelled")
    }

    @Test(arguments: [
        (#"{"model": "none", "benchmark": "cord-bench-1"}"#, 404), (#"{"model": "cord-nano", "benchmark": "none"}"#, 404),
        (#"{"model": "cord-nano", "benchmark": "cord-bench-1", "retain": ["none"]}"#, 404),
        (#"{"model": "cord-nano", "benchmark": "cord-bench-1", "arms": ["video"]}"#, 400),
        (#"{"model": "cord-nano", "benchmark": "cord-bench-1", "limit": 0}"#, 400),
        (#"{"model": "cord-nano", "benchmark": "cord-bench-1", "decoding": {"seed": 1}}"#, 400),
        (
            #"{"model": "cord-nano", "benchmark": "cord-bench-1", "judge": {"kind": "remote", "model": "m", "endpoint": "http://evil"}}"#,
            422
        ),
    ])
    func runThatCannotBeIsRefused(_ body: String, _ status: Int) async throws {
        let server = try await server()
        #expect(try await server.client.post("/v1/gap/runs", json: body).status == status)
    }

    private func upload(_ bytes: [UInt8], _ name: String, _ server: TrainingServer) async throws -> String {
        let head =
            "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nevals\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\(name)\"\r\n\r\n"
        let response = try await server.client.send(
            "POST", "/v1/files", headers: ["content-type": "multipart/form-data; boundary=b"],
            body: Array(head.utf8) + bytes + Array("\r\n--b--\r\n".utf8))
        return try #require(try await response.json()["id"]?.text)
    }

    @Test func uploadedSetIsMeasuredAndBadOnesAreNamed() async throws {
        let server = try await server()
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "cord-\(UUID().uuidString)", directoryHint: .isDirectory)
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for name in ["plus", "days"] { try Data(try Fixture.flac(name)).write(to: folder.appending(path: "\(name).flac")) }
        let lines = """
            {"id": "1", "text": "What is 8 plus 5?", "answer": "13", "audio": "plus.flac", "category": "sums"}
            {"id": "2", "text": "What day comes 3 days after Friday?", "answer": "Monday", "audio": "days.flac", "category": "days"}
            """
        try Data(lines.utf8).write(to: folder.appending(path: "manifest.jsonl"))
        let archive = folder.deletingLastPathComponent().appending(path: "\(UUID().uuidString).tar")
        defer { try? FileManager.default.removeItem(at: archive) }
        try ArchiveWriter.tar(folder, under: "mine", to: archive)
        let file = try await upload([UInt8](try Data(contentsOf: archive)), "mine.tar", server)
        let made = try await server.client.post("/v1/benchmarks", json: #"{"name": "mine", "file_id": "\#(file)"}"#)
        #expect(made.status == 201)
        let known = try await made.json()
        #expect(known["items"]?.number == 2)
        let listed = try await server.client.get("/v1/benchmarks").json()
        #expect((0..<4).map { listed["data"]?[$0]?["name"]?.text } == ["cord-bench-1", "cord-bench-2", "mine", nil])
        let accepted = try await server.client.post(
            "/v1/gap/runs", json: #"{"model": "cord-nano", "benchmark": "mine", "divergence": 0}"#
        ).json()
        let run = try await finished(try #require(accepted["id"]?.text), server)
        #expect(run["status"]?.text == "succeeded" && run["progress"]?["done"]?.number == 4)

        // The same clips inside the rows and as an upload, without an archive.
        let (sum, day) = (Data(try Fixture.flac("plus")).base64EncodedString(), try await upload(try Fixture.flac("days"), "days.flac", server))
        let rows = """
            {"id": "1", "text": "What is 8 plus 5?", "answer": "13", "audio": {"data": "\(sum)"}, "category": "sums"}
            {"id": "2", "category": "days", "text": "What day comes 3 days after Friday?", "answer": "Monday", "audio": {"file_id": "\(day)"}}
            """
        let bare = try await upload(Array(rows.utf8), "inside.jsonl", server)
        let inside = try await server.client.post("/v1/benchmarks", json: #"{"name": "inside", "file_id": "\#(bare)"}"#)
        #expect(inside.status == 201)
        #expect(try await inside.json()["hash"] == known["hash"])
        let again = try await server.client.post("/v1/gap/runs", json: #"{"model": "cord-nano", "benchmark": "inside", "divergence": 1}"#).json()
        let second = try await finished(try #require(again["id"]?.text), server)
        #expect(second["status"]?.text == "succeeded" && second["progress"]?["done"]?.number == 5)
        let heard = try await server.client.get("/v1/benchmarks/inside/items/2/audio")
        #expect(heard.status == 200)

        let climbing = try await upload(
            Array(#"{"id": "1", "text": "a", "answer": "1", "audio": "../../etc/passwd"}"#.utf8), "bad.jsonl", server)
        let refused = try await server.client.post("/v1/benchmarks", json: #"{"name": "bad", "file_id": "\#(climbing)"}"#)
        #expect(refused.status == 422)
        let error = try await refused.json()["error"]
        #expect(error?["code"]?.text == "invalid_benchmark" && error?["message"]?.text?.contains("line 1") == true)
        try Data(#"{"id": "1", "text": "a"}"#.utf8).write(to: folder.appending(path: "manifest.jsonl"))
        try ArchiveWriter.tar(folder, under: "bad", to: archive)
        let useless = try await upload([UInt8](try Data(contentsOf: archive)), "bad.tar", server)
        #expect(try await server.client.post("/v1/benchmarks", json: #"{"name": "bad", "file_id": "\#(useless)"}"#).status == 422)
        let unpacked = try FileManager.default.contentsOfDirectory(atPath: server.folder.appending(path: "benchmarks").path)
        #expect(unpacked.count == 2)
        for (name, status) in [("cord-bench-1", 409), ("mine", 409)] {
            let taken = try await upload(Array(#"{"id": "1", "text": "a", "answer": "1"}"#.utf8), "other.jsonl", server)
            #expect(
                try await server.client.post("/v1/benchmarks", json: #"{"name": "\#(name)", "file_id": "\#(taken)"}"#).status
                    == status)
        }
        #expect(try await server.client.post("/v1/benchmarks", json: #"{"name": "x", "file_id": "file-none"}"#).status == 404)
    }

    @Test func inspectionComparesBothPromptsAlongOneAnswer() async throws {
        let client = try Fixture.shared.get().memory
        let audio = Data(try Fixture.flac("apples")).base64EncodedString()
        let text = "Tom has 12 apples. He buys 7 more. He gives away 5. How many apples are there now?"
        func inspect(_ more: String) async throws -> WireValue {
            try await client.post("/v1/gap/inspect", json: #"{"audio": {"data": "\#(audio)"}, "text": "\#(text)"\#(more)}"#)
                .json()
        }
        let own = try await inspect("")
        let count = try #require(own["tokens"]?.count)
        #expect(count > 5 && own["cord"]?["audio"]?[0]?["audio_tokens"]?.number == 122)
        let divergences = (0..<count).map { own["tokens"]?[$0]?["divergence"]?.number ?? -1 }
        #expect(divergences.allSatisfy { $0 >= -1e-5 })
        #expect(abs((own["divergence_mean"]?.number ?? 0) - divergences.reduce(0, +) / Double(count)) < 1e-9)
        let largest = try #require(divergences.indices.max { divergences[$0] < divergences[$1] })
        #expect(own["tokens"]?[largest]?["rank"]?.number == 1)
        #expect(own["tokens"]?[0]?["weight"]?.number == 4 || count > 20)
        #expect(own["tokens"]?[0]?["top_audio"]?.count == 5)

        let given = try await inspect(#", "continuation": "12 + 7 = 19.", "top": 0, "objective": {"method": "opd"}"#)
        #expect(given["continuation"]?.text == "12 + 7 = 19.")
        #expect(given["tokens"]?[0]?["weight"]?.number == 1 && given["tokens"]?[0]?["top_text"]?.count == 0)
        let broken = try await client.post("/v1/gap/inspect", json: #"{"audio": {"data": "AAAA"}, "text": "a"}"#)
        #expect(broken.status == 415)
        #expect(try await client.post("/v1/gap/inspect", json: #"{"audio": {"path": "x.wav"}, "text": "a"}"#).status == 422)
    }

    @Test func endpointIsMeasuredByTheSameRuler() async throws {
        let fixture = try Fixture.shared.get()
        let daemon = try Daemon(fixture.service, port: 0)
        let set = try CordBench.standard.questionSet()
        var decoding = SamplingOptions.greedy
        decoding.maxTokens = 48
        let settings = RunSettings(arms: [.text, .audio, .noAudio, .transcript, .audioText], limit: 5)
        let endpoint = Endpoint(base: try #require(URL(string: "http://127.0.0.1:\(daemon.port)/v1")))
        let far = try await EvaluationRun(
            set, settings: settings, respondent: EndpointRespondent(endpoint, model: "cord-nano", decoding: decoding),
            concurrency: 4
        ).report(id: "far", software: "s")
        let near = try await EvaluationRun(
            set, settings: settings, respondent: EngineRespondent(fixture.runtime.engine, decoding: decoding)
        ).report(id: "near", software: "s")
        #expect(far.items.count == 5 && near.items.count == 5)
        for (there, here) in zip(far.items, near.items) {
            #expect(there.arms[.text]?.text == here.arms[.text]?.text)
            #expect(there.arms[.text]?.correct == here.arms[.text]?.correct && there.arms[.audio]?.error == nil)
        }
        #expect(far.items.allSatisfy { $0.arms[.transcript]?.heard != nil && $0.arms[.transcript]?.error == nil })
        #expect(zip(far.items, near.items).count { $0.arms[.transcript]?.heard == $1.arms[.transcript]?.heard } >= 4)
        #expect(zip(far.items, near.items).count { $0.arms[.audioText]?.text == $1.arms[.audioText]?.text } >= 4)
        // The WAV that travels is rounded to 16 bits, so a spoken answer may differ where two tokens are as likely.
        #expect(zip(far.items, near.items).count { $0.arms[.audio]?.text == $1.arms[.audio]?.text } >= 4)
        #expect(far.reproducibility.model.contains("cord-nano at http"))
        // A cord names its weights.
        #expect(far.reproducibility.weightVersion == "base" && far.reproducibility.weightVersionHash == "base")
        #expect(far.html().contains("<title>Audio-text gap: cord-nano at http://127.0.0.1:\(daemon.port)/v1, weights base on cord-bench-1</title>"))
        let wrong = EvaluationRun(
            set, settings: settings, respondent: EndpointRespondent(endpoint, model: "none", decoding: decoding))
        await #expect(throws: EndpointError.self) { try await wrong.report(id: "r", software: "s") }
        await daemon.stop()
    }
}
