import API
import Archives
import Foundation
import HTTP
import Jobs
import Judging
import Server
import TestSupport
import Testing
import Workshop

@Suite(.ownThread) struct FineTuningRouteTests {
    private func upload(_ content: [UInt8], _ server: TrainingServer, name: String = "pairs.jsonl", purpose: String = "fine-tune") async throws
        -> ClientResponse
    {
        let form =
            "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n\(purpose)\r\n"
            + "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\(name)\"\r\n\r\n"
        return try await server.client.send(
            "POST", "/v1/files", headers: ["content-type": "multipart/form-data; boundary=b"],
            body: Array(form.utf8) + content + Array("\r\n--b--\r\n".utf8))
    }

    private func manifest() throws -> [UInt8] {
        let lines = try ["sum", "pens", "tallest", "france"].map { try TrainingServer.pair($0, text: "Question \($0)?") }
        return Array(lines.joined(separator: "\n").utf8)
    }

    private func job(_ file: String, more: String = "", hyper: String = "") -> String {
        """
        {"model": "published@base", "training_file": "\(file)", "suffix": "t", "seed": 3, "method": {"type": "cord", "cord": {"hyperparameters": {
            "batch_size": 2, "n_epochs": 3, "checkpoint_every": 2, "objective": {"max_rollout_tokens": 6, "rollouts": 2},
            "optimizer": {"learning_rate": 0.01, "lora_rank": 4}\(hyper)}}}\(more)}
        """
    }

    private func finished(_ id: String, _ server: TrainingServer) async throws -> WireValue {
        while true {
            let job = try await server.client.get("/v1/fine_tuning/jobs/\(id)").json()
            if ["succeeded", "failed", "cancelled"].contains(job["status"]?.text) { return job }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    @Test func anUploadMayExpire() async throws {
        let server = try await TrainingServer()
        func upload(_ fields: [(String, String)]) async throws -> ClientResponse {
            let parts = (fields + [("purpose", "user_data")]).map {
                "--b\r\nContent-Disposition: form-data; name=\"\($0.0)\"\r\n\r\n\($0.1)\r\n"
            }
            let file = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nx\r\n--b--\r\n"
            return try await server.client.send(
                "POST", "/v1/files", headers: ["content-type": "multipart/form-data; boundary=b"], body: Array((parts.joined() + file).utf8))
        }
        let kept = try await upload([]).json()
        #expect(kept["expires_at"] == .null)
        let object = try await upload([("expires_after[anchor]", "created_at"), ("expires_after[seconds]", "3600")]).json()
        let (created, expires) = (try #require(object["created_at"]?.number), try #require(object["expires_at"]?.number))
        #expect(abs(expires - created - 3600) <= 1)
        for (fields, place) in [
            ([("expires_after[seconds]", "60")], "expires_after[seconds]"), ([("expires_after[anchor]", "now")], "expires_after[anchor]"),
            ([("expires_after[anchor]", "created_at")], "expires_after[seconds]"), ([("more", "1")], "more"),
        ] {
            let refused = try await upload(fields)
            #expect(refused.status == 400)
            #expect(try await refused.json()["error"]?["param"]?.text == place)
        }
    }

    /// A rule that fails until a file lies there.
    private static func rule(_ mark: URL) throws -> [String: Reward] {
        let script = mark.deletingLastPathComponent().appending(path: "\(UUID().uuidString).sh")
        let text = "while read -r line; do if [ -e '\(mark.path)' ]; then echo '{\"rewards\": [1, 0]}'; else echo none; fi; done"
        try Data(text.utf8).write(to: script)
        return ["rule": try Reward("sh '\(script.path)'", name: "rule")]
    }

    @Test func aRewardIsNamedAndItsFailureLosesNothing() async throws {
        let folder = try TemporaryFolder()
        let mark = folder.url.appending(path: "mended")
        let rewards = try Self.rule(mark)
        let server = try await TrainingServer { $0.work.rewards = rewards }
        let step = TrainingServer.step([try TrainingServer.pair()]).replacing(#""rollouts": 2"#, with: #""rollouts": 2, "reward": "rule""#)
        let refused = try await server.step(step)
        #expect(refused.status == 502)
        let error = try await refused.json()["error"]
        #expect(error?["code"]?.text == "reward_failed" && error?["message"]?.text?.contains("found none") == true)
        #expect(try await server.client.get("/v1/weights/versions").json()["data"]?.count == 0)
        for (name, code) in [("sh -c 'touch /tmp/x'", "unknown_reward"), ("http://127.0.0.1:1/", "unknown_reward")] {
            let other = try await server.step(step.replacing(#""reward": "rule""#, with: #""reward": "\#(name)""#))
            #expect(other.status == 422)
            #expect(try await other.json()["error"]?["code"]?.text == code)
        }
        let both = step.replacing(#""reward": "rule""#, with: #""reward": "rule", "judge": {"kind": "match"}"#)
        #expect(try await server.step(both).status == 400)
        #expect(try await server.step(step.replacing(#""reward": "rule""#, with: #""reward": "rule", "method": "opd""#)).status == 400)

        let file = try #require(try await upload(try manifest(), server).json()["id"]?.text)
        let wanted = job(file, hyper: ", \"steps\": 1").replacing(#""rollouts": 2"#, with: #""rollouts": 2, "reward": "rule""#)
        #expect(try await server.client.post("/v1/fine_tuning/jobs", json: wanted.replacing(#""rule""#, with: #""other""#)).status == 422)
        let id = try #require(try await server.client.post("/v1/fine_tuning/jobs", json: wanted).json()["id"]?.text)
        while try await server.client.get("/v1/fine_tuning/jobs/\(id)").json()["cord"]?["paused"] != .bool(true) {
            try await Task.sleep(for: .milliseconds(20))
        }
        let events = try await server.client.get("/v1/fine_tuning/jobs/\(id)/events").text()
        #expect(events.contains("The job is paused until it is resumed: the reward rule"))
        try Data().write(to: mark)
        #expect(try await server.client.post("/v1/fine_tuning/jobs/\(id)/resume", json: "{}").status == 200)
        #expect(try await finished(id, server)["status"]?.text == "succeeded")
        let taken = try await server.step(step)
        #expect(taken.status == 200)
        #expect(try await taken.json()["metrics"]?["reward_mean"]?.number == 0.5)
    }

    @Test func aJobReplaysTheRowsOfAFile() async throws {
        let server = try await TrainingServer()
        let file = try #require(try await upload(try manifest(), server).json()["id"]?.text)
        let rows = Array(#"{"text": "Hello"}\#n{"messages": [{"role": "user", "content": "Again"}, {"role": "assistant", "content": "ab"}]}"#.utf8)
        let replay = try #require(try await upload(rows, server).json()["id"]?.text)
        let wanted = job(file, more: #", "cord": {"replay_file": "\#(replay)", "token_log": true}"#, hyper: #", "steps": 3, "replay_share": 1"#)
        for (body, place) in [
            (wanted.replacing(replay, with: "file-none"), "cord.replay_file"),
            (wanted.replacing(#""cord": {"replay_file": "\#(replay)", "#, with: #""cord": {"#), "cord.replay_file"),
            (wanted.replacing(#""rollouts": 2}"#, with: #""rollouts": 2, "replay_weight": 0}"#), "cord.replay_file"),
        ] {
            let refused = try await server.client.post("/v1/fine_tuning/jobs", json: body)
            #expect(refused.status >= 400)
            #expect(try await refused.json()["error"]?["param"]?.text == place)
        }
        let id = try #require(try await server.client.post("/v1/fine_tuning/jobs", json: wanted).json()["id"]?.text)
        let ended = try await finished(id, server)
        #expect(ended["status"]?.text == "succeeded")
        let events = try await server.client.get("/v1/fine_tuning/jobs/\(id)/events?limit=100").text()
        #expect(events.contains("2 replayed prompts") && events.contains("replay_kl"))
        // Rows that no prompt can be made of are named.
        let pair = try #require(try await upload(Array(try TrainingServer.pair().utf8), server).json()["id"]?.text)
        let other = try await server.client.post("/v1/fine_tuning/jobs", json: wanted.replacing(replay, with: pair)).json()["id"]?.text ?? ""
        let failed = try await finished(other, server)
        #expect(failed["error"]?["message"]?.text?.contains("is a pair") == true)
    }

    /// A second job on the same upload hears no clip again, asks the teacher nothing, and makes the same bits.
    @Test func jobsShareWhatWasHeardAndAnswered() async throws {
        let server = try await TrainingServer()
        let file = try #require(try await upload(try manifest(), server).json()["id"]?.text)
        let cache = server.folder.appending(path: "cache")
        func lines() throws -> [String: Int] {
            let files = try FileManager.default.contentsOfDirectory(at: cache, includingPropertiesForKeys: nil)
            let counts = try files.map { ($0.lastPathComponent, try String(contentsOf: $0, encoding: .utf8).split(separator: "\n").count) }
            return Dictionary(uniqueKeysWithValues: counts)
        }
        func made() async throws -> String? {
            let id = try await server.client.post("/v1/fine_tuning/jobs", json: job(file, hyper: ", \"steps\": 2")).json()["id"]?.text ?? ""
            let ended = try await finished(id, server)
            #expect(ended["status"]?.text == "succeeded")
            let version = ended["cord"]?["weight_version"]?.text ?? ""
            return try await server.client.get("/v1/weights/versions/\(version)").json()["hash"]?.text
        }
        let first = try await made()
        let known = try lines()
        #expect(known.first { $0.key.hasPrefix("pairs-") }?.value == 4)
        #expect(known.first { $0.key.hasPrefix("teacher-") }?.value == 4)
        let second = try await made()
        #expect(try lines() == known)
        #expect(first != nil && first == second)
    }

    @Test func aTunedModelIsDeletedByItsName() async throws {
        let server = try await TrainingServer()
        let file = try #require(try await upload(try manifest(), server).json()["id"]?.text)
        let made = try await server.client.post("/v1/fine_tuning/jobs", json: job(file, hyper: ", \"steps\": 1")).json()
        let ended = try await finished(made["id"]?.text ?? "", server)
        let name = try #require(ended["fine_tuned_model"]?.text)
        #expect(try await server.client.get("/v1/models/\(name)").status == 200)
        let gone = try await server.client.send("DELETE", "/v1/models/\(name)", headers: Headers(), body: [])
        #expect(try await gone.json()["object"]?.text == "model")
        #expect(try await server.client.get("/v1/models/\(name)").status == 404)
        #expect(try await server.client.send("DELETE", "/v1/models/\(name)", headers: Headers(), body: []).status == 404)
        #expect(try await server.client.send("DELETE", "/v1/models/published", headers: Headers(), body: []).status == 409)
    }

    /// Whoever may only measure brings and reads question sets, and never training data.
    @Test func filesForTrainingNeedAKeyForIt() async throws {
        let server = try await TrainingServer {
            $0.keys = [AccessKey(name: "measure", secret: "m", scopes: .measure), AccessKey(name: "train", secret: "t", scopes: .train)]
        }
        func upload(_ purpose: String, _ key: String) async throws -> ClientResponse {
            let form =
                "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n\(purpose)\r\n"
                + "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jsonl\"\r\n\r\n\(purpose)\r\n--b--\r\n"
            return try await server.client.send(
                "POST", "/v1/files", headers: ["content-type": "multipart/form-data; boundary=b", "authorization": "Bearer \(key)"],
                body: Array(form.utf8))
        }
        func status(_ path: String, _ key: String) async throws -> Int {
            try await server.client.get(path, headers: ["authorization": "Bearer \(key)"]).status
        }
        #expect(try await upload("fine-tune", "m").status == 403)
        let set = try #require(try await upload("evals", "m").json()["id"]?.text)
        let pairs = try #require(try await upload("fine-tune", "t").json()["id"]?.text)
        for path in ["/v1/files/\(set)", "/v1/files/\(set)/content", "/v1/files?purpose=evals", "/v1/files?purpose=user_data"] {
            #expect(try await status(path, "m") == 200, "\(path)")
            #expect(try await status(path, "t") == 200, "\(path)")
        }
        for path in ["/v1/files/\(pairs)", "/v1/files/\(pairs)/content", "/v1/files?purpose=fine-tune", "/v1/files"] {
            #expect(try await status(path, "m") == 403, "\(path)")
            #expect(try await status(path, "t") == 200, "\(path)")
        }
    }

    @Test func filesAreKeptListedReadAndDeleted() async throws {
        let server = try await TrainingServer()
        let content = Array("one\r\ntwo".utf8)
        let file = try await upload(content, server, name: "../../etc/passwd").json()
        #expect(file["object"]?.text == "file")
        #expect(file["filename"]?.text == "passwd")
        #expect(file["bytes"]?.number == 8)
        let id = try #require(file["id"]?.text)
        #expect(try await server.client.get("/v1/files/\(id)").json() == file)
        #expect(try await server.client.get("/v1/files/\(id)/content").bytes() == content)
        #expect(try await server.client.get("/v1/files?purpose=fine-tune").json()["data"]?[0] == file)
        #expect(try await server.client.get("/v1/files?purpose=evals").json()["data"]?.count == 0)
        try await server.restart()
        #expect(try await server.client.get("/v1/files/\(id)/content").bytes() == content)
        let deleted = try await server.client.send("DELETE", "/v1/files/\(id)", headers: Headers(), body: [])
        #expect(try await deleted.json()["deleted"] == .bool(true))
        #expect(try await server.client.get("/v1/files/\(id)/content").status == 404)
        #expect(try await upload([], server).status == 400)
        #expect(try await upload(content, server, purpose: "fun").status == 400)
        #expect(try await server.client.post("/v1/files", json: "{}").status == 415)
    }

    @Test func aJobTrainsAVersionThatAnswersAtOnce() async throws {
        let server = try await TrainingServer()
        let file = try #require(try await upload(try manifest(), server).json()["id"]?.text)
        let created = try await server.client.post(
            "/v1/fine_tuning/jobs", json: job(file, more: #", "validation_file": "\#(file)", "metadata": {"a": "b"}"#))
        #expect(created.status == 200)
        let id = try #require(try await created.json()["id"]?.text)
        let ended = try await finished(id, server)
        #expect(ended["status"]?.text == "succeeded", "\(String(describing: ended["error"]))")
        #expect(ended["metadata"]?["a"]?.text == "b")
        #expect(ended["cord"]?["step"]?.number == 6)
        #expect(ended["trained_tokens"]?.number ?? 0 > 0)
        let version = try #require(ended["fine_tuned_model"]?.text)
        #expect(version.hasPrefix("ft:published:t:"))
        #expect(try await server.answer(version) != server.answer())
        let checkpoints = try await server.client.get("/v1/fine_tuning/jobs/\(id)/checkpoints").json()["data"]
        #expect((0..<(checkpoints?.count ?? 0)).map { checkpoints?[$0]?["step_number"]?.number } == [6, 4, 2])
        // A divergence, not a loss: the method compares with a teacher.
        let numbers = checkpoints?[0]?["metrics"]
        #expect(numbers?["full_valid_kl_mean"]?.number != nil && numbers?["full_valid_teacher_agreement"]?.number != nil)
        #expect(numbers?["full_valid_loss"] == nil && numbers?["full_valid_pairs"]?.number == 4)
        let earlier = try #require(checkpoints?[2]?["fine_tuned_model_checkpoint"]?.text)
        #expect(try await server.answer(earlier) != server.answer(version))
        let events = try await server.client.get("/v1/fine_tuning/jobs/\(id)/events?limit=100&order=asc").json()["data"]
        let metrics = (0..<(events?.count ?? 0)).filter { events?[$0]?["type"]?.text == "metrics" }
        #expect(metrics.map { events?[$0]?["data"]?["step"]?.number } == [0, 1, 2, 3, 4, 5, 6])
        #expect(events?[metrics[0]]?["data"]?["validation"]?["kl_mean"]?.number != nil)
        #expect(events?[metrics[1]]?["data"]?["train_loss"]?.number != nil)
        let stream = try await server.client.get("/v1/fine_tuning/jobs/\(id)/events", headers: ["accept": "text/event-stream"]).events()
        #expect(stream.last == "[DONE]")
        #expect(stream.count == (events?.count ?? 0) + 1)
        #expect(try await server.client.get("/v1/fine_tuning/jobs").json()["data"]?[0] == ended)
        #expect(try await server.client.post("/v1/fine_tuning/jobs/\(id)/cancel", json: "{}").status == 409)
        let models = try await server.client.get("/v1/models").json()["data"]
        #expect((0..<(models?.count ?? 0)).map { models?[$0]?["id"]?.text }.prefix(2) == ["published", version])
        #expect(models?[0]?["parent"] == .null)
        #expect(models?[1]?["parent"]?.text == "published")
        #expect(models?.count == 2)
        // The base was not touched: no gate was asked for.
        #expect(try await server.client.get("/v1/weights/versions").json()["data"]?[0]?["promoted"] == .bool(false))
    }

    @Test func aJobsMetricsAreFetchedAsFiles() async throws {
        let server = try await TrainingServer()
        let file = try #require(try await upload(try manifest(), server).json()["id"]?.text)
        let wanted = job(file, more: #", "validation_file": "\#(file)", "cord": {"tensorboard": true, "token_log": true}"#)
        let id = try #require(try await server.client.post("/v1/fine_tuning/jobs", json: wanted).json()["id"]?.text)
        let ended = try await finished(id, server)
        #expect(ended["status"]?.text == "succeeded" && ended["estimated_finish"] == .null)
        let ids = (0..<(ended["result_files"]?.count ?? 0)).compactMap { ended["result_files"]?[$0]?.text }
        var contents: [(name: String, text: String)] = []
        for file in ids {
            let object = try await server.client.get("/v1/files/\(file)").json()
            #expect(object["purpose"]?.text == "fine-tune-results")
            let bytes = try await server.client.get("/v1/files/\(file)/content").bytes()
            #expect(object["bytes"]?.number == Double(bytes.count) && !bytes.isEmpty)
            contents.append((try #require(object["filename"]?.text), String(decoding: bytes, as: UTF8.self)))
        }
        #expect(
            contents.map { $0.name.replacing("\(id)-", with: "").prefix(11) } == [
                "metrics.csv", "metrics.jso", "validation.", "run.json", "events.out.", "tokens.json",
            ])
        let rows = contents[0].text.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        #expect(rows.count == 8 && rows[0].starts(with: ["step", "train_loss"]) && rows.allSatisfy { $0.count == rows[0].count })
        #expect(rows.dropFirst().map(\.[0]) == ["0", "1", "2", "3", "4", "5", "6"])
        let losses = rows.dropFirst(2).map { Double($0[1]) }
        let logged = try contents[1].text.split(separator: "\n").map { try WireValue(json: Data($0.utf8))["metrics"]?["loss"]?.number }
        #expect(losses == logged && losses.allSatisfy { $0?.isFinite == true })
        let held = try #require(rows[0].firstIndex(of: "full_valid_kl_mean"))
        // Before the first step and at checkpoints, which come every second step.
        #expect(rows.dropFirst().map { !$0[held].isEmpty } == [true, false, true, false, true, false, true])
        let tokens = try contents[5].text.split(separator: "\n").map { try WireValue(json: Data($0.utf8)) }
        #expect(Set(tokens.compactMap { $0["step"]?.number }) == [1, 2, 3, 4, 5, 6])
        // Of training: other keys do not read them.
        let plain = try await server.client.post("/v1/fine_tuning/jobs", json: job(file, hyper: ", \"steps\": 1")).json()["id"]?.text ?? ""
        #expect(try await finished(plain, server)["result_files"]?.count == 3)
    }

    @Test func oldCheckpointsGoAndMenusHaveNone() async throws {
        let server = try await TrainingServer()
        let file = try #require(try await upload(try manifest(), server).json()["id"]?.text)
        func steps(_ more: String) async throws -> [Double?] {
            let wanted = job(file, more: more).replacing(#""checkpoint_every": 2"#, with: #""checkpoint_every": 1"#)
            let id = try #require(try await server.client.post("/v1/fine_tuning/jobs", json: wanted).json()["id"]?.text)
            #expect(try await finished(id, server)["status"]?.text == "succeeded")
            let checkpoints = try await server.client.get("/v1/fine_tuning/jobs/\(id)/checkpoints").json()["data"]
            for index in 0..<(checkpoints?.count ?? 0) {
                let name = try #require(checkpoints?[index]?["fine_tuned_model_checkpoint"]?.text)
                #expect(try await server.client.get("/v1/models/\(name)").status == 200)
            }
            return (0..<(checkpoints?.count ?? 0)).map { checkpoints?[$0]?["step_number"]?.number }
        }
        #expect(try await steps("") == [6, 5, 4, 3])
        #expect(try await steps(#", "cord": {"keep_checkpoints": 1}"#) == [6, 5])
        #expect(try await steps(#", "cord": {"keep_checkpoints": 100}"#) == [6, 5, 4, 3, 2, 1])
        let models = try await server.client.get("/v1/models").json()["data"]
        #expect((0..<(models?.count ?? 0)).allSatisfy { models?[$0]?["id"]?.text?.contains("ckpt") == false } && models?.count == 4)
    }

    @Test func checkpointsStayByRules() async throws {
        let server = try await TrainingServer()
        let file = try #require(try await upload(try manifest(), server).json()["id"]?.text)
        func made(_ more: String, hyper: String = "") async throws -> (id: String, steps: [Int]) {
            let wanted = self.job(file, more: more, hyper: hyper).replacing(#""checkpoint_every": 2"#, with: #""checkpoint_every": 1"#)
            let id = try await server.client.post("/v1/fine_tuning/jobs", json: wanted).json()["id"]?.text ?? ""
            let ended = try await finished(id, server)
            #expect(ended["status"]?.text == "succeeded", "\(String(describing: ended["error"]))")
            let checkpoints = try await server.client.get("/v1/fine_tuning/jobs/\(id)/checkpoints").json()["data"]
            return (id, (0..<(checkpoints?.count ?? 0)).compactMap { checkpoints?[$0]?["step_number"]?.number.map { Int($0) } })
        }
        #expect(try await made(#", "cord": {"keep": ["last:1", "every:2"]}"#).steps == [6, 5, 4, 2])
        let held = #", "validation_file": "\#(file)""#
        let best = try await made(held + #", "cord": {"keep": ["best"], "criterion": "kl_mean"}"#, hyper: #", "eval_every": 2"#)
        struct Line: Decodable {
            struct Values: Decodable { let kl_mean: Double }
            let step: Int
            let validation: Values
        }
        let lines = try String(contentsOf: server.folder.appending(path: "jobs/\(best.id)/validation.jsonl"), encoding: .utf8)
            .split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
        #expect(lines.map(\.step) == [0, 2, 4, 6])
        // The last step's version is the job's own; the weights before the first step have none.
        let lowest = try #require(lines.filter { $0.step < 6 }.min { ($0.validation.kl_mean, $0.step) < ($1.validation.kl_mean, $1.step) })
        #expect(best.steps.contains(lowest.step) || lowest.step == 0 || lines[3].validation.kl_mean < lowest.validation.kl_mean)
        #expect(best.steps.first == 6 && best.steps.count <= 2)
        for (more, hyper, place) in [
            (#", "cord": {"keep": ["best"]}"#, "", "validation_file"), ("", #", "eval_every": 2"#, "validation_file"),
            (#", "cord": {"keep": ["most"]}"#, "", "cord.keep[0]"), (#", "cord": {"keep": ["last:0"]}"#, "", "cord.keep[0]"),
            (#", "cord": {"keep": []}"#, "", "cord.keep"), (#", "cord": {"keep": ["best"], "keep_checkpoints": 2}"#, "", "cord.keep"),
            (#", "cord": {"criterion": "luck"}"#, "", "cord.criterion"), (#", "cord": {"teacher": ""}"#, "", "cord.teacher"),
        ] {
            let refused = try await server.client.post("/v1/fine_tuning/jobs", json: job(file, more: more, hyper: hyper))
            #expect(refused.status == 400, "\(more)\(hyper)")
            #expect(try await refused.json()["error"]?["param"]?.text == place, "\(more)\(hyper)")
        }
    }

    /// After a warm start the base goes on teaching, or any version; one that teaches is not deleted.
    @Test func anotherVersionMayTeachAJob() async throws {
        let server = try await TrainingServer()
        let file = try #require(try await upload(try manifest(), server).json()["id"]?.text)
        func made(_ model: String, _ teacher: String?) async throws -> (job: WireValue, loss: Double?) {
            let more = teacher.map { #", "cord": {"teacher": "\#($0)"}"# } ?? ""
            let wanted = self.job(file, more: more, hyper: #", "steps": 1"#).replacing("published@base", with: model)
            let id = try await server.client.post("/v1/fine_tuning/jobs", json: wanted).json()["id"]?.text ?? ""
            let ended = try await finished(id, server)
            #expect(ended["status"]?.text == "succeeded", "\(String(describing: ended["error"]))")
            let events = try await server.client.get("/v1/fine_tuning/jobs/\(id)/events?limit=100").json()["data"]
            let losses = (0..<(events?.count ?? 0)).compactMap { events?[$0]?["data"]?["train_loss"]?.number }
            return (ended, losses.first)
        }
        let warm = try #require(try await made("published@base", nil).job["fine_tuned_model"]?.text)
        let (parent, itself, base) = (try await made(warm, nil).loss, try await made(warm, warm).loss, try await made(warm, "base").loss)
        #expect(parent != nil && itself == parent && base != nil && base != parent)
        let missing = try await server.client.post("/v1/fine_tuning/jobs", json: job(file, more: #", "cord": {"teacher": "nobody"}"#))
        #expect(missing.status == 404)
    }

    @Test func aJobThatBecomesNoBetterEndsEarly() async throws {
        let server = try await TrainingServer()
        let file = try #require(try await upload(try manifest(), server).json()["id"]?.text)
        let stopping = #", "early_stopping": {"patience": 1, "criterion": "text_loss", "min_change": 2}"#
        #expect(try await server.client.post("/v1/fine_tuning/jobs", json: job(file, hyper: stopping)).status == 400)
        for wrong in ["{}", #"{"patience": 0}"#, #"{"patience": 1, "criterion": "luck"}"#, #"{"patience": 1, "more": 1}"#] {
            #expect(try await server.client.post("/v1/fine_tuning/jobs", json: job(file, hyper: #", "early_stopping": \#(wrong)"#)).status == 400)
        }
        let wanted = job(file, more: #", "validation_file": "\#(file)""#, hyper: stopping)
        let id = try #require(try await server.client.post("/v1/fine_tuning/jobs", json: wanted).json()["id"]?.text)
        let ended = try await finished(id, server)
        #expect(ended["status"]?.text == "succeeded" && ended["cord"]?["step"]?.number == 2, "\(String(describing: ended["error"]))")
        #expect(try await server.client.get("/v1/models/\(ended["fine_tuned_model"]?.text ?? "")").status == 200)
        #expect(try await server.client.get("/v1/fine_tuning/jobs/\(id)/events?limit=100").text().contains("The training ended at step 2: text_loss"))
    }

    @Test func aJobLeavesLinesOutUpToItsBound() async throws {
        let server = try await TrainingServer()
        let lines = try manifest() + Array("\n{\"audio\": {\"file_id\": \"file-none\"}, \"text\": \"a\"}".utf8)
        let file = try #require(try await upload(lines, server).json()["id"]?.text)
        func ended(_ more: String) async throws -> (job: WireValue, warnings: [String]) {
            let made = try await server.client.post("/v1/fine_tuning/jobs", json: job(file, more: more, hyper: ", \"steps\": 1")).json()
            let id = try #require(made["id"]?.text)
            let ended = try await finished(id, server)
            let events = try await server.client.get("/v1/fine_tuning/jobs/\(id)/events?limit=100").json()["data"]
            let warnings = (0..<(events?.count ?? 0)).compactMap { events?[$0] }.filter { $0["level"]?.text == "warn" }
            return (ended, warnings.compactMap { $0["message"]?.text })
        }
        let refused = try await ended("")
        #expect(refused.job["status"]?.text == "failed" && refused.job["error"]?["message"]?.text?.contains("line 5") == true)
        let taken = try await ended(#", "cord": {"max_skipped": 1}"#)
        #expect(taken.job["status"]?.text == "succeeded", "\(String(describing: taken.job["error"]))")
        #expect(taken.warnings.contains { $0.hasPrefix("pairs.jsonl, line 5, is left out: ") }, "\(taken.warnings)")
    }

    @Test func anInterruptedJobEndsWithTheSameBits() async throws {
        var hashes: [String?] = []
        for interruptions in [0, 3] {
            let server = try await TrainingServer()
            let file = try #require(try await upload(try manifest(), server).json()["id"]?.text)
            let id = try #require(try await server.client.post("/v1/fine_tuning/jobs", json: job(file)).json()["id"]?.text)
            for turn in 0..<interruptions {
                try await Task.sleep(for: .milliseconds(40))
                if turn == 1 {
                    // It may have ended by now; then there is nothing to pause.
                    let paused = try await server.client.post("/v1/fine_tuning/jobs/\(id)/pause", json: "{}")
                    if paused.status == 200 {
                        #expect(try await paused.json()["cord"]?["paused"] == .bool(true))
                        #expect(try await server.client.post("/v1/fine_tuning/jobs/\(id)/resume", json: "{}").status == 200)
                    }
                } else {
                    try await server.restart()
                }
            }
            let ended = try await finished(id, server)
            #expect(ended["status"]?.text == "succeeded", "\(String(describing: ended["error"]))")
            let version = try #require(ended["cord"]?["weight_version"]?.text)
            hashes.append(try await server.client.get("/v1/weights/versions/\(version)").json()["hash"]?.text)
            let events = try await server.client.get("/v1/fine_tuning/jobs/\(id)/events?limit=100").json()["data"]
            #expect((0..<(events?.count ?? 0)).count { events?[$0]?["type"]?.text == "metrics" } == 6)
        }
        #expect(hashes[0] == hashes[1])
    }

    @Test func aGateMeasuresBothVersionsAndDecides() async throws {
        let server = try await TrainingServer()
        let file = try #require(try await upload(try manifest(), server).json()["id"]?.text)
        let gate = #", "cord": {"promote": {"if": "gap_reduced", "limit": 3, "max_text_drop": 1}}"#
        let id = try #require(try await server.client.post("/v1/fine_tuning/jobs", json: job(file, more: gate)).json()["id"]?.text)
        let ended = try await finished(id, server)
        #expect(ended["status"]?.text == "succeeded", "\(String(describing: ended["error"]))")
        // Random weights answer nothing rightly, before and after: there is no gap to be reduced.
        #expect(ended["cord"]?["promoted"] == .bool(false))
        #expect(ended["cord"]?["reason"]?.text?.contains("points") == true)
        let version = try #require(ended["cord"]?["weight_version"]?.text)
        let candidate = try #require(ended["cord"]?["candidate_report"]?.text)
        #expect(try await server.client.get("/v1/weights/versions/\(version)").json()["report_ids"]?[0]?.text == candidate)
        #expect(try server.workshop.store.report(id: candidate).versionID == version)
        #expect(try server.workshop.store.report(id: try #require(ended["cord"]?["base_report"]?.text)).versionID == "base")
        #expect(try await server.client.get("/metrics").text().contains("cord_gap_points{model=\"published\",version=\"\(version)\""))

        let always = job(file, more: #", "cord": {"promote": {"if": "always"}}"#)
        let other = try #require(try await server.client.post("/v1/fine_tuning/jobs", json: always).json()["id"]?.text)
        let promoted = try await finished(other, server)
        #expect(promoted["cord"]?["promoted"] == .bool(true))
        #expect(try await server.answer() == server.answer(try #require(promoted["fine_tuned_model"]?.text)))
        let unknown = job(file, more: #", "cord": {"promote": {"if": "gap_reduced", "benchmark": "none"}}"#)
        #expect(try await server.client.post("/v1/fine_tuning/jobs", json: unknown).status == 404)
    }

    @Test func supervisedJobsLearnConversations() async throws {
        let server = try await TrainingServer()
        let clip = Data(try Fixture.spoken("sum")).base64EncodedString()
        let line =
            #"{"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "\#(clip)", "format": "wav"}}]}, {"role": "assistant", "content": "yes yes yes"}]}"#
        let file = try #require(try await upload(Array("\(line)\n\(line)\n".utf8), server).json()["id"]?.text)
        let body = """
            {"model": "published", "training_file": "\(file)", "method": {"type": "supervised", "supervised": {"hyperparameters":
                {"n_epochs": 8, "batch_size": "auto", "optimizer": {"learning_rate": 0.01}}}}}
            """
        let id = try #require(try await server.client.post("/v1/fine_tuning/jobs", json: body).json()["id"]?.text)
        #expect(try await finished(id, server)["status"]?.text == "succeeded")
        let events = try await server.client.get("/v1/fine_tuning/jobs/\(id)/events?limit=100&order=asc").json()["data"]
        let losses = (0..<(events?.count ?? 0)).compactMap { events?[$0]?["data"]?["train_loss"]?.number }
        #expect(losses.count == 8)
        #expect(try #require(losses.last) < (try #require(losses.first)))
    }

    private func supervised(_ file: String) -> String {
        """
        {"model": "published@base", "training_file": "\(file)", "seed": 3, "method": {"type": "supervised", "supervised": {"hyperparameters":
            {"steps": 2, "batch_size": 1, "optimizer": {"learning_rate": 0.01, "lora_rank": 4}}}}}
        """
    }

    /// Trains on an archive of these files and returns the ended job with its version's hash.
    private func trained(_ files: [String: [UInt8]], _ server: TrainingServer) async throws -> (job: WireValue, hash: String?) {
        let place = FileManager.default.temporaryDirectory.appending(path: "cord-\(UUID().uuidString)", directoryHint: .isDirectory)
        defer { try? FileManager.default.removeItem(at: place) }
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        for (name, bytes) in files { try Data(bytes).write(to: place.appending(path: name)) }
        let archive = place.appending(path: "rows.tar")
        try ArchiveWriter.tar(place, under: "rows", to: archive)
        return try await trained([UInt8](Data(contentsOf: archive)), "rows.tar", server)
    }

    private func trained(_ content: [UInt8], _ name: String, _ server: TrainingServer) async throws -> (job: WireValue, hash: String?) {
        let file = try #require(try await upload(content, server, name: name).json()["id"]?.text)
        let id = try #require(try await server.client.post("/v1/fine_tuning/jobs", json: supervised(file)).json()["id"]?.text)
        let ended = try await finished(id, server)
        guard let version = ended["cord"]?["weight_version"]?.text else { return (ended, nil) }
        return (ended, try await server.client.get("/v1/weights/versions/\(version)").json()["hash"]?.text)
    }

    /// The clip beside the turns, the clip among their parts, and the clip in a table train to the same bits; text alone to others.
    @Test func aClipTrainsToTheSameBitsWhereverItsRowHasIt() async throws {
        let server = try await TrainingServer()
        let clip = try Fixture.spoken("sum")
        let turns = #"[{"role": "user", "content": "<audio>Answer."}, {"role": "assistant", "content": "24"}]"#
        let swift = try await trained(
            ["train.jsonl": Array("\u{FEFF}{\"messages\": \(turns), \"audios\": [\"q.wav\"]}".utf8), "q.wav": clip], server)
        #expect(swift.job["status"]?.text == "succeeded", "\(swift.job)")
        let data = Data(clip).base64EncodedString()
        let part = #"{"type": "input_audio", "input_audio": {"data": "\#(data)", "format": "wav"}}, {"type": "text", "text": "Answer."}"#
        let openAI = #"{"messages": [{"role": "user", "name": "a", "content": [\#(part)]}, {"role": "assistant", "content": "24", "weight": 1}]}"#
        let other = try await trained(Array(openAI.utf8), "train.jsonl", server)
        #expect(swift.hash != nil && swift.hash == other.hash)
        let text = #"{"messages": [{"role": "user", "content": "Answer."}, {"role": "assistant", "content": "24", "weight": 1}]}"#
        #expect(try await trained(Array(text.utf8), "train.jsonl", server).hash != swift.hash)

        let table = "\u{FEFF}file_name,transcription,answer\r\nq.wav,\"What is the sum of 7, 9 and 8?\",24\r\n"
        let folder = try await trained(["metadata.csv": Array(table.utf8), "q.wav": clip], server)
        let pair = #"{"audio": {"data": "\#(data)"}, "text": "What is the sum of 7, 9 and 8?", "answer": "24"}"#
        #expect(folder.hash != nil)
        #expect(try await trained(Array(pair.utf8), "train.jsonl", server).hash == folder.hash)
        let absent = try await trained(["metadata.csv": Array(table.utf8)], server)
        #expect(absent.job["status"]?.text == "failed")
        #expect(absent.job["error"]?["message"]?.text?.contains("line 2: the archive has no member \"q.wav\"") == true, "\(absent.job)")
    }

    @Test func learningRateFollowsTheSchedule() async throws {
        let server = try await TrainingServer()
        let file = try #require(try await upload(try manifest(), server).json()["id"]?.text)
        let body = job(file, hyper: #", "warmup_steps": 1, "schedule": "linear""#)
        let id = try #require(try await server.client.post("/v1/fine_tuning/jobs", json: body).json()["id"]?.text)
        #expect(try await finished(id, server)["status"]?.text == "succeeded")
        let events = try await server.client.get("/v1/fine_tuning/jobs/\(id)/events?limit=100&order=asc").json()["data"]
        let rates = (0..<(events?.count ?? 0)).compactMap { events?[$0]?["data"]?["metrics"]?["learning_rate"]?.number }
        // 0.01 at the peak, six steps, one of them to warm up.
        let expected = [0.005, 0.01, 0.008, 0.006, 0.004, 0.002]
        #expect(rates.count == 6 && zip(rates, expected).allSatisfy { abs($0 - $1) < 1e-9 })
        let other = try await server.client.post("/v1/fine_tuning/jobs", json: job(file, hyper: #", "schedule": "steps""#))
        let refusal = try await other.text()
        #expect(other.status == 400 && refusal.contains("linear"))
    }

    /// Its teacher would read a placeholder.
    @Test func aSpokenTurnWithoutTextIsRefused() async throws {
        let server = try await TrainingServer()
        let audio = try WireValue(json: Data(try TrainingServer.pair().utf8))["audio"]?["data"]?.text ?? ""
        for (content, clips) in [
            (#""<audio>""#, #", "audios": [{"data": "\#(audio)"}]"#),
            (#"[{"type": "input_audio", "input_audio": {"data": "\#(audio)", "format": "wav"}}]"#, ""),
        ] {
            let row = #"{"messages": [{"role": "user", "content": \#(content)}, {"role": "assistant", "content": "13"}]\#(clips)}"#
            let lines = try [TrainingServer.pair(), row].joined(separator: "\n")
            let file = try #require(try await upload(Array(lines.utf8), server).json()["id"]?.text)
            for method in ["cord", "opd", "grpo"] {
                let wanted = job(file).replacingOccurrences(of: #""max_rollout_tokens""#, with: #""method": "\#(method)", "max_rollout_tokens""#)
                let id = try #require(try await server.client.post("/v1/fine_tuning/jobs", json: wanted).json()["id"]?.text)
                let ended = try await finished(id, server)
                #expect(ended["status"]?.text == "failed" && ended["error"]?["code"]?.text == "invalid_training_file")
                let words = "line 2: the method \(method) needs the question typed, and the row has no text beside its clip"
                #expect(ended["error"]?["message"]?.text?.contains(words) == true, "\(String(describing: ended["error"]))")
            }
        }
    }

    @Test func whatCannotBeTrainedOnFailsWithALine() async throws {
        let server = try await TrainingServer()
        for (content, words) in [
            ("{\"text\": \"a\"}\nnonsense", "line 2"), ("{\"audio\": \"clip.wav\", \"text\": \"a\"}", "audio-folder"), ("\n\n", "no pairs"),
            (
                try TrainingServer.pair(more: #", "id": "a""#) + "\n" + TrainingServer.pair("pens", more: #", "id": "a""#),
                "line 2: the id \"a\" comes twice"
            ),
            (#"{"text": "hi"}"#, "line 1: the method cord needs the question spoken"),
            (#"{"audio": {"file_id": "file-none"}, "text": "hi"}"#, "line 1"), (#"{"audio": {"data": "aGVsbG8="}, "text": "hi"}"#, "line 1"),
            (#"{"messages": [{"role": "user", "content": "<audio>a"}, {"role": "assistant", "content": "b"}], "audios": ["absent.wav"]}"#, "line 1"),
            ("PAR1", "read_parquet"), ("[{\"text\": \"a\"}]", "jq -c"),
        ] {
            let file = try #require(try await upload(Array(content.utf8), server).json()["id"]?.text)
            let id = try #require(try await server.client.post("/v1/fine_tuning/jobs", json: job(file)).json()["id"]?.text)
            let ended = try await finished(id, server)
            #expect(ended["status"]?.text == "failed")
            #expect(ended["error"]?["code"]?.text == "invalid_training_file")
            #expect(ended["error"]?["message"]?.text?.contains(words) == true, "\(String(describing: ended["error"]))")
        }
        #expect(try await server.client.post("/v1/fine_tuning/jobs", json: job("file-none")).status == 404)
        let sound = try #require(try await upload(try manifest(), server).json()["id"]?.text)
        let address = try await server.client.post("/v1/fine_tuning/jobs", json: job(sound, more: #", "cord": {"teacher": "http://x"}"#))
        #expect(address.status == 400)
        #expect(try await address.json()["error"]?["message"]?.text?.contains("--teacher-endpoint") == true)
        let file = try #require(try await upload(try manifest(), server).json()["id"]?.text)
        let unknown = job(file).replacingOccurrences(of: "published@base", with: "none")
        #expect(try await server.client.post("/v1/fine_tuning/jobs", json: unknown).status == 404)
        #expect(try await server.client.post("/v1/fine_tuning/jobs", json: job(file, more: #", "integrations": [{"type": "wandb"}]"#)).status == 400)
        #expect(try await server.client.get("/v1/fine_tuning/jobs/ftjob-none").status == 404)
    }

    @Test func aFileThatAJobReadsStays() async throws {
        let server = try await TrainingServer()
        let file = try #require(try await upload(try manifest(), server).json()["id"]?.text)
        let body = job(file, hyper: #", "steps": 400"#)
        func create(_ body: String) async throws -> ClientResponse {
            try await server.client.send(
                "POST", "/v1/fine_tuning/jobs", headers: ["content-type": "application/json", "idempotency-key": "once"],
                body: Array(body.utf8))
        }
        let id = try #require(try await create(body).json()["id"]?.text)
        #expect(try await server.client.send("DELETE", "/v1/files/\(file)", headers: Headers(), body: []).status == 409)
        #expect(try await server.client.post("/v1/fine_tuning/jobs/\(id)/cancel", json: "{}").json()["status"]?.text == "cancelled")
        #expect(try await server.client.send("DELETE", "/v1/files/\(file)", headers: Headers(), body: []).status == 200)
        // A retry is told of the job that it made, though its file is gone.
        #expect(try await create(body).json()["id"]?.text == id)
        #expect(try await create(job(file)).status == 422)
        #expect(try await server.client.post("/v1/fine_tuning/jobs/\(id)/resume", json: "{}").status == 409)
        await server.workshop.drain()
        #expect(!FileManager.default.fileExists(atPath: server.folder.appending(path: "jobs/\(id)/checkpoints").path))
    }

    @Test func aVersionThatAJobNeedsStays() async throws {
        let server = try await TrainingServer()
        let version = try #require(try await server.step(TrainingServer.step([try TrainingServer.pair()])).json()["weight_version"]?.text)
        #expect(try await server.client.post("/v1/weights/rollback", json: "{}").status == 200)
        let file = try #require(try await upload(try manifest(), server).json()["id"]?.text)
        let body = job(file, hyper: #", "steps": 400"#).replacingOccurrences(of: "published@base", with: version)
        let id = try #require(try await server.client.post("/v1/fine_tuning/jobs", json: body).json()["id"]?.text)
        let path = "/v1/weights/versions/\(version)"
        let refused = try await server.client.send("DELETE", path, headers: Headers(), body: [])
        #expect(refused.status == 409)
        #expect(try await refused.json()["error"]?["message"]?.text?.contains(id) == true)
        #expect(try await server.client.post("/v1/fine_tuning/jobs/\(id)/cancel", json: "{}").status == 200)
        #expect(try await server.client.send("DELETE", path, headers: Headers(), body: []).status == 200)
    }

    @Test func metricsTellOfStepsJobsAndVersions() async throws {
        let server = try await TrainingServer()
        #expect(try await server.step(TrainingServer.step([try TrainingServer.pair()])).status == 200)
        let text = try await server.client.get("/metrics").text()
        #expect(text.contains("cord_training_steps_total 1"))
        #expect(text.contains("cord_stored{kind=\"versions\"} 1"))
        #expect(text.contains("cord_jobs{state=\"running\"} 0"))
        #expect(text.contains("cord_training_loss "))
    }
}
