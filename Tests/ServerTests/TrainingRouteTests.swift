import API
import Archives
import Foundation
import Generation
import HTTP
import Jobs
import Objectives
import Server
import TestSupport
import Testing
import Workshop

/// A server with a data folder over a random model, which can be stopped and started again on the same folder.
final class TrainingServer {
    static let base = "published"
    let folder: URL
    private(set) var fixture: Fixture
    private(set) var workshop: Workshop
    private let checkpoint: RandomCheckpoint
    private let change: (inout ServerConfiguration) -> Void

    init(_ change: @escaping (inout ServerConfiguration) -> Void = { _ in }) async throws {
        checkpoint = try RandomCheckpoint("qwen2audio/\(Self.base)")
        let directory = checkpoint.directory
        self.change = {
            $0.model.directory = directory
            change(&$0)
        }
        folder = FileManager.default.temporaryDirectory.appending(path: "cord-\(UUID().uuidString)", directoryHint: .isDirectory)
        (fixture, workshop) = try await Self.start(folder, self.change)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    private static func start(
        _ folder: URL, _ change: (inout ServerConfiguration) -> Void
    ) async throws -> (Fixture, Workshop) {
        let fixture = try Fixture {
            $0.model.name = base
            $0.dataFolder = folder
            change(&$0)
        }
        let workshop = try fixture.state.workshop(in: try DataFolder(folder), over: fixture.runtime)
        fixture.state.begin(fixture.runtime, workshop)
        try await workshop.start()
        return (fixture, workshop)
    }

    /// As a server that was stopped and started: nothing but the folder is left.
    ///
    /// - Parameter meanwhile: done to the folder while no server has it.
    func restart(meanwhile: (URL) throws -> Void = { _ in }) async throws {
        await workshop.drain()
        // The lock belongs to the old workshop; in memory it goes with its last reference.
        fixture.state.end()
        let copy = folder.deletingLastPathComponent().appending(path: "cord-\(UUID().uuidString)", directoryHint: .isDirectory)
        try FileManager.default.copyItem(at: folder, to: copy)
        try? FileManager.default.removeItem(at: folder)
        try FileManager.default.moveItem(at: copy, to: folder)
        try meanwhile(folder)
        (fixture, workshop) = try await Self.start(folder, change)
    }

    var client: MemoryClient { fixture.memory }

    static func pair(_ name: String = "sum", text: String = "What is 8 plus 5?", more: String = "") throws -> String {
        let audio = Data(try Fixture.spoken(name)).base64EncodedString()
        return #"{"audio": {"data": "\#(audio)"}, "text": "\#(text)", "answer": "13"\#(more)}"#
    }

    static func step(_ pairs: [String], more: String = "") -> String {
        let objective = #"{"max_rollout_tokens": 6, "rollouts": 2}"#
        return
            #"{"pairs": [\#(pairs.joined(separator: ","))], "objective": \#(objective), "optimizer": {"learning_rate": 0.01, "lora_rank": 4}\#(more)}"#
    }

    func step(_ body: String, key: String? = nil) async throws -> ClientResponse {
        var headers = Headers()
        if let key { headers["idempotency-key"] = key }
        return try await client.post("/v1/cord/steps", json: body, headers: headers)
    }

    /// What the model says now, to the bit.
    func answer(_ model: String = base) async throws -> WireValue? { try await Self.answer(model, client) }

    static func answer(_ model: String, _ client: MemoryClient) async throws -> WireValue? {
        let text =
            #"{"model": "\#(model)", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 8, "logprobs": true}"#
        return try await client.post("/v1/chat/completions", json: text).json()["choices"]
    }
}

@Suite(.ownThread) struct TrainingRouteTests {
    /// Prompts beside the pairs: their part of the loss and their answers are told, and a step learns from what was scored.
    @Test func aStepReplaysPromptsBesideItsPairs() async throws {
        let server = try await TrainingServer()
        let audio = Data(try Fixture.spoken("pens")).base64EncodedString()
        let replay = #"[{"id": "t", "text": "Hello"}, {"text": "Write it down.", "audio": {"data": "\#(audio)"}, "answer": "ab"}]"#
        let body = TrainingServer.step([try TrainingServer.pair()], more: #", "replay": \#(replay), "include": ["rollouts", "tokens"]"#)
            .replacing(#""rollouts": 2}"#, with: #""rollouts": 2, "replay_weight": 0.5, "replay_transcripts": 1}"#)
        let first = try await server.step(body).json()
        #expect(first["metrics"]?["replay_kl"]?.number ?? 1 < 1e-6)
        #expect((0..<3).map { first["replays"]?[$0]?["status"]?.text } == ["applied", "applied", "applied"])
        #expect(first["replays"]?[0]?["id"]?.text == "t" && first["replays"]?[2]?["id"]?.text == "transcript/0")
        #expect(first["replays"]?[1]?["rollouts"]?[0]?["text"]?.text == "ab")
        #expect(first["replays"]?[1]?["rollouts"]?[0]?["role"]?.text == "replay")
        let scored = try await server.client.post("/v1/cord/score", json: body).json()
        let second = try await server.step(body).json()
        #expect(second["metrics"]?["replay_kl"]?.number ?? 0 > 0)
        #expect(scored["metrics"]?["replay_loss"] == second["metrics"]?["replay_loss"] && scored["metrics"]?["loss"] == second["metrics"]?["loss"])
        #expect(scored["replays"]?[0]?["rollouts"]?[0]?["tokens"]?[0]?["measured"]?["forward_kl"]?.number != nil)
        #expect(try await server.step(TrainingServer.step([try TrainingServer.pair()])).json()["replays"] == nil)
    }

    @Test func aStepIsAnsweredByTheNewVersionAtOnce() async throws {
        let server = try await TrainingServer()
        let before = try await server.answer()
        let response = try await server.step(
            TrainingServer.step([try TrainingServer.pair()], more: #", "include": ["rollouts", "tokens"]"#))
        #expect(response.status == 200)
        let step = try await response.json()
        #expect(step["object"]?.text == "cord.step")
        #expect(step["step"]?.number == 1)
        #expect(step["metrics"]?["loss"]?.number?.isFinite == true)
        #expect(step["metrics"]?["grad_norm"]?.number ?? 0 > 0)
        #expect(step["metrics"]?["logprob_difference_max"]?.number ?? 1 < 1e-3)
        #expect(step["pairs"]?[0]?["status"]?.text == "applied")
        #expect(step["pairs"]?[0]?["audio"]?["audio_tokens"]?.number ?? 0 > 0)
        #expect(step["pairs"]?[0]?["rollouts"]?[0]?["tokens"]?.count ?? 0 > 0)
        let version = try #require(step["weight_version"]?.text)
        let after = try await server.answer()
        #expect(after != before)
        #expect(try await server.answer(version) == after)
        #expect(try await server.answer("published@base") == before)
        let chat = #"{"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 2, "model": "published"}"#
        #expect(
            try await server.client.post("/v1/chat/completions", json: chat).json()["cord"]?["weight_version"]?.text == version)
        let listed = try await server.client.get("/v1/cord/steps").json()
        #expect(listed["data"]?[0] == step)
        #expect(try await server.client.get("/v1/cord/steps/\(step["id"]?.text ?? "")").json() == step)
    }

    @Test func stepsGoOnAfterARestartAsWithoutIt() async throws {
        let bodies = [
            TrainingServer.step([try TrainingServer.pair()]),
            TrainingServer.step([try TrainingServer.pair("pens", text: "How many pens?")]),
            TrainingServer.step([try TrainingServer.pair("tallest", text: "Who is tallest?")]),
        ]
        let (one, other) = (try await TrainingServer(), try await TrainingServer())
        for body in bodies { #expect(try await one.step(body).status == 200) }
        for body in bodies {
            #expect(try await other.step(body).status == 200)
            try await other.restart()
        }
        #expect(try await one.answer() == other.answer())
        let hashes = try await [one, other].asyncMap {
            try await $0.client.get("/v1/weights/versions").json()["data"]?[0]?["hash"]?.text
        }
        #expect(hashes[0] == hashes[1])
        #expect(hashes[0] != nil)
    }

    @Test func aRetriedStepIsTakenOnce() async throws {
        let server = try await TrainingServer()
        let body = TrainingServer.step([try TrainingServer.pair()])
        let first = try await server.step(body, key: "one").json()
        let again = try await server.step(body, key: "one")
        #expect(again.headers["idempotent-replayed"] == "true")
        #expect(try await again.json() == first)
        try await server.restart()
        #expect(try await server.step(body, key: "one").json() == first)
        let other = try await server.step(TrainingServer.step([try TrainingServer.pair("pens")]), key: "one")
        #expect(other.status == 422)
        #expect(try await server.client.get("/v1/cord/steps").json()["data"]?.count == 1)
    }

    @Test func unusablePairsAreReportedAndTheOthersApplied() async throws {
        let server = try await TrainingServer()
        let noise = #"{"id": "noise", "audio": {"data": "AAAA"}, "text": "What?"}"#
        let missing = #"{"id": "missing", "audio": {"file_id": "file-none"}, "text": "What?"}"#
        let path = #"{"id": "path", "audio": {"path": "/etc/passwd"}, "text": "What?"}"#
        let step = try await server.step(TrainingServer.step([noise, try TrainingServer.pair(), missing, path])).json()
        let statuses = (0..<4).map { step["pairs"]?[$0]?["status"]?.text }
        #expect(statuses == ["skipped", "applied", "skipped", "skipped"])
        for index in [0, 2, 3] { #expect(step["pairs"]?[index]?["reason"]?.text?.isEmpty == false) }
        let none = try await server.step(TrainingServer.step([noise, missing, path]))
        #expect(none.status == 422)
        #expect(try await none.json()["error"]?["code"]?.text == "no_usable_pair")
        #expect(try await server.client.get("/v1/cord/steps").json()["data"]?.count == 1)
    }

    @Test func versionsArePromotedRolledBackDownloadedAndDeleted() async throws {
        let server = try await TrainingServer()
        let base = try await server.answer()
        var versions: [String] = []
        var answers: [WireValue?] = []
        for name in ["sum", "pens"] {
            versions.append(
                try #require(
                    try await server.step(TrainingServer.step([try TrainingServer.pair(name)])).json()["weight_version"]?.text))
            answers.append(try await server.answer())
        }
        let client = server.client
        let listed = try await client.get("/v1/weights/versions").json()
        #expect(listed["data"]?[0]?["id"]?.text == versions[1])
        #expect(listed["data"]?[0]?["parent"]?.text == versions[0])
        #expect(listed["data"]?[0]?["promoted"] == .bool(true))
        #expect(listed["data"]?[1]?["promoted"] == .bool(false))
        #expect(listed["data"]?[0]?["metrics"]?["loss"]?.number != nil)

        #expect(try await client.post("/v1/weights/rollback", json: "{}").json()["weight_version"]?.text == versions[0])
        #expect(try await server.answer() == answers[0])
        #expect(try await client.post("/v1/weights/rollback", json: "{}").json()["weight_version"]?.text == "base")
        #expect(try await server.answer() == base)
        #expect(try await client.post("/v1/weights/rollback", json: "{}").status == 409)
        let promoted = try await client.post("/v1/weights/versions/\(versions[1])/promote", json: "{}")
        #expect(try await promoted.json()["previous"]?.text == "base")
        #expect(try await server.answer() == answers[1])
        try await server.restart()
        #expect(try await server.answer() == answers[1])

        let again = server.client
        #expect(try await again.send("DELETE", "/v1/weights/versions/\(versions[1])", headers: Headers(), body: []).status == 409)
        #expect(try await again.send("DELETE", "/v1/weights/versions/\(versions[0])", headers: Headers(), body: []).status == 200)
        #expect(try await again.get("/v1/weights/versions/\(versions[0])").status == 404)
        #expect(try await again.post("/v1/weights/versions/\(versions[0])/promote", json: "{}").status == 404)
        let archive = try await again.get("/v1/weights/versions/\(versions[1])/download")
        #expect(archive.headers["content-type"] == "application/x-tar")
        let bytes = try await archive.bytes()
        #expect(String(decoding: bytes, as: UTF8.self).contains("adapter_config.json"))
    }

    @Test func anAdapterOfTheStartHasItsPlaceAmongTheVersions() async throws {
        let folder = fixtures.appendingPathComponent("weights/list")
        let server = try await TrainingServer {
            $0.model.adapters = [("list", folder)]
            $0.work.keptAdapters = ["list"]
        }
        let (base, adapted) = (try await server.answer(), try await server.answer("list"))
        #expect(base != adapted)
        let listed = try await server.client.get("/v1/weights/versions").json()["data"]
        #expect(listed?.count == 1 && listed?[0]?["name"]?.text == "list" && listed?[0]?["promoted"] == .bool(false))
        let models = try await server.client.get("/v1/models").json()["data"]
        #expect(models?.count == 2 && models?[1]?["weight_version"] == listed?[0]?["id"])

        #expect(try await server.client.post("/v1/weights/versions/list/promote", json: "{}").status == 200)
        #expect(try await server.answer() == adapted)
        #expect(try await server.client.send("DELETE", "/v1/weights/versions/list", headers: Headers(), body: []).status == 409)
        try await server.restart()
        #expect(try await server.answer() == adapted)
        #expect(try await server.client.get("/v1/weights/versions").json()["data"]?.count == 1)
        #expect(try await server.client.post("/v1/weights/rollback", json: "{}").status == 200)
        #expect(try await server.answer() == base)
        #expect(try await server.client.send("DELETE", "/v1/weights/versions/list", headers: Headers(), body: []).status == 409)
        #expect(try await server.client.send("DELETE", "/v1/models/list", headers: Headers(), body: []).status == 409)
    }

    @Test func anAdapterOfPeftBecomesAVersion() async throws {
        let folder = fixtures.appendingPathComponent("weights")
        let server = try await TrainingServer { $0.adapterFolder = folder }
        func upload(_ archive: [UInt8], name: String?) async throws -> ClientResponse {
            let field = name.map { "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n\($0)\r\n" } ?? ""
            let head = field + "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.tar\"\r\n\r\n"
            return try await server.client.send(
                "POST", "/v1/weights/versions", headers: ["content-type": "multipart/form-data; boundary=b"],
                body: Array(head.utf8) + archive + Array("\r\n--b--\r\n".utf8))
        }
        func packed(_ directory: URL) throws -> [UInt8] {
            let place = server.folder.appending(path: "\(UUID().uuidString).tar")
            try ArchiveWriter.tar(directory, under: "adapter", to: place)
            defer { try? FileManager.default.removeItem(at: place) }
            return [UInt8](try Data(contentsOf: place))
        }
        let archive = try packed(folder.appending(path: "list"))
        let made = try await upload(archive, name: "mine")
        #expect(made.status == 201)
        let version = try await made.json()
        #expect(version["kind"]?.text == "adapter")
        #expect(version["parent"] == .null)
        #expect(
            try await server.client.post("/v1/load_lora_adapter", json: #"{"lora_name": "loaded", "lora_path": "list"}"#).status
                == 200)
        let answer = try await server.answer("mine")
        #expect(try await answer == server.answer("loaded"))
        #expect(try await answer != server.answer())
        let models = try await server.client.get("/v1/models").json()["data"]
        #expect((0..<(models?.count ?? 0)).contains { models?[$0]?["id"]?.text == "mine" })

        // What was downloaded comes back as the same content.
        let download = try await server.client.get("/v1/weights/versions/mine/download").bytes()
        let again = try await upload(download, name: nil).json()
        #expect(again["hash"] == version["hash"])
        #expect(again["id"] != version["id"])
        #expect(try await server.client.post("/v1/weights/versions/mine/promote", json: "{}").status == 200)
        try await server.restart()
        #expect(try await server.answer() == answer)

        #expect(try await upload(archive, name: "mine").status == 409)
        #expect(try await upload(archive, name: "published").status == 409)
        #expect(try await upload(archive, name: "../mine").status == 400)
        #expect(try await upload(Array("no archive".utf8), name: nil).status == 400)
        let other = server.folder.appending(path: "other", directoryHint: .isDirectory)
        try FileManager.default.copyItem(at: folder.appending(path: "list"), to: other)
        for (config, words) in [("{", "fit"), (#"{"peft_type": "LORA", "r": 4, "target_modules": ["none"]}"#, "fit")] {
            try Data(config.utf8).write(to: other.appending(path: "adapter_config.json"))
            let refused = try await upload(try packed(other), name: nil)
            #expect(refused.status == 422)
            #expect(try await refused.json()["error"]?["message"]?.text?.contains(words) == true)
        }
        // Numbers and patterns that would end, silence or stop the server; it names the field and goes on.
        let config = try String(contentsOf: folder.appending(path: "list/adapter_config.json"), encoding: .utf8)
        for (old, new, words) in [
            (#""r": 4"#, #""r": 0"#, "\"r\""), (#""r": 4"#, #""r": 9223372036854775807"#, "\"r\""), (#""r": 4"#, #""r": NaN"#, "\"r\""),
            (#""lora_alpha": 6"#, #""lora_alpha": 1e300"#, "lora_alpha"), (#""lora_alpha": 6"#, #""lora_alpha": 1e39"#, "lora_alpha"),
            (#""fc1": 3"#, #""fc1": 1e300"#, "rank_pattern.fc1"), (#"_proj": 9"#, #"_proj": 1e300"#, "alpha_pattern"),
            (#""exclude_modules": null"#, #""exclude_modules": "(.*.*.*.*.*.*.*.*.*.*)*[YZ]""#, "exclude_modules"),
            (#""layers_to_transform": null"#, #""layers_to_transform": 1e300"#, "layers_to_transform"),
        ] {
            let text = config.replacing(old, with: new)
            try #require(text != config, "\(old)")
            try Data(text.utf8).write(to: other.appending(path: "adapter_config.json"))
            let refused = try await upload(try packed(other), name: nil)
            #expect(refused.status == 422, "\(new)")
            let message = try await refused.json()["error"]?["message"]?.text
            #expect(message?.contains(words) == true, "\(String(describing: message))")
            #expect(message?.contains(server.folder.path) == false)
        }
        #expect(try await server.answer("mine") == answer)
        try FileManager.default.moveItem(
            at: other.appending(path: "adapter_model.safetensors"), to: other.appending(path: "adapter_model.bin"))
        let pickle = try await upload(try packed(other), name: nil)
        #expect(pickle.status == 422)
        #expect(try await pickle.json()["error"]?["message"]?.text?.contains("save_file") == true)
        try FileManager.default.removeItem(at: other.appending(path: "adapter_model.bin"))
        #expect(try await upload(try packed(other), name: nil).status == 422)
        #expect(try await server.client.get("/v1/weights/versions").json()["data"]?.count == 2)
        #expect(try FileManager.default.contentsOfDirectory(atPath: server.folder.appending(path: "temporary").path).isEmpty)
    }

    @Test func requestsOnDifferentVersionsShareABatch() async throws {
        let server = try await TrainingServer()
        var names = ["published@base"]
        for name in ["sum", "pens"] {
            names.append(
                try #require(
                    try await server.step(TrainingServer.step([try TrainingServer.pair(name)])).json()["weight_version"]?.text))
        }
        var alone: [WireValue?] = []
        for name in names { alone.append(try await server.answer(name)) }
        #expect(Set(alone.map { "\(String(describing: $0))" }).count == names.count)
        let statistics = server.fixture.runtime.engine
        let passes = statistics.statistics.forwardPasses
        let together = try await withThrowingTaskGroup(of: (Int, WireValue?).self) { group in
            for index in 0..<12 {
                group.addTask { [client = server.client, names] in
                    (index, try await TrainingServer.answer(names[index % names.count], client))
                }
            }
            return try await group.reduce(into: [Int: WireValue?]()) { $0[$1.0] = $1.1 }
        }
        for index in 0..<12 { #expect(together[index] == alone[index % names.count]) }
        // One after another they would take eight passes each and more.
        #expect(statistics.statistics.forwardPasses - passes < 12 * 8)
    }

    /// The adapter that training goes on from keeps its rank: another one is not quietly left unused.
    @Test func anotherRankThanTheParentsIsRefused() async throws {
        let server = try await TrainingServer()
        let body = TrainingServer.step([try TrainingServer.pair()])
        #expect(try await server.step(body).status == 200)
        for other in [#""lora_rank": 8"#, #""lora_rank": 4, "lora_alpha": 5"#] {
            let refused = try await server.step(body.replacingOccurrences(of: #""lora_rank": 4"#, with: other))
            #expect(refused.status == 422)
            let error = try await refused.json()["error"]
            #expect(error?["code"]?.text == "untrainable" && error?["message"]?.text?.contains("leave it out") == true)
        }
        #expect(try await server.step(body.replacingOccurrences(of: #", "lora_rank": 4"#, with: "")).status == 200)
        #expect(try await server.step(body).status == 200)
    }

    /// peft's options: given, or refused by name; they stand in the version's adapter_config.json.
    @Test func adaptersAreAsPeftsOptionsSay() async throws {
        let server = try await TrainingServer()
        let body = TrainingServer.step([try TrainingServer.pair()])
        func asking(_ more: String) -> String { body.replacingOccurrences(of: #""lora_rank": 4"#, with: #""lora_rank": 4, \#(more)"#) }
        for (more, name) in [
            (#""target_modules": ["fc1"]"#, "fc1"), (#""target_modules": "q_proj""#, "target_modules"),
            (#""target_modules": ".*self_attn""#, "self_attn"), (#""target_modules": "(q_proj""#, "target_modules"),
            (#""rank_pattern": {"r_proj": 2}"#, "r_proj"),
        ] {
            let refused = try await server.step(asking(more))
            #expect(refused.status == 422)
            let error = try await refused.json()["error"]
            #expect(error?["code"]?.text == "untrainable" && error?["message"]?.text?.contains(name) == true, "\(more)")
        }
        let whole = try await server.step(asking(#""full": true"#))
        #expect(whole.status == 400)
        #expect(try await whole.json()["error"]?["param"]?.text == "optimizer.lora_rank")
        let step = try await server.step(
            asking(#""target_modules": ["q_proj", "v_proj"], "rank_pattern": {"v_proj": 2}, "use_rslora": true, "lora_dropout": 0.25"#))
        #expect(step.status == 200)
        let version = try #require(try await step.json()["weight_version"]?.text)
        let folder = try TemporaryFolder()
        let archive = folder.url.appending(path: "adapter.tar.gz")
        try Data(await server.client.get("/v1/weights/versions/\(version)/download").bytes()).write(to: archive)
        _ = try ArchiveReader().unpack(archive, into: folder.url.appending(path: "out"))
        let found = FileManager.default.enumerator(at: folder.url.appending(path: "out"), includingPropertiesForKeys: nil)?
            .compactMap { $0 as? URL }.first { $0.lastPathComponent == "adapter_config.json" }
        let config = try WireValue(json: Data(contentsOf: try #require(found)))
        #expect(config["use_rslora"] == .bool(true) && config["lora_dropout"] == .number(0.25) && config["lora_alpha"] == .integer(8))
        #expect(config["r"] == .integer(4))
        let targets = try JSONDecoder().decode([String].self, from: WireEncoder.encode(#require(config["target_modules"])))
        #expect(Set(targets.compactMap { $0.split(separator: ".").last }) == ["q_proj", "v_proj"])
        // Another way of scaling than the parent's is refused; the same goes on.
        let other = try await server.step(asking(#""target_modules": ["q_proj", "v_proj"], "rank_pattern": {"v_proj": 2}, "use_rslora": false"#))
        #expect(other.status == 422)
        #expect(try await other.json()["error"]?["message"]?.text?.contains("use_rslora") == true)
    }

    @Test func wholeParametersAreTrainedToo() async throws {
        let server = try await TrainingServer()
        let body = TrainingServer.step([try TrainingServer.pair()])
            .replacingOccurrences(of: #""lora_rank": 4"#, with: #""full": true, "train": ["encoder", "projector", "decoder"]"#)
            .replacingOccurrences(of: "0.01", with: "0.0001")
        let step = try await server.step(body)
        #expect(step.status == 200)
        let answer = try await server.answer()
        #expect(try await server.client.get("/v1/weights/versions").json()["data"]?[0]?["kind"]?.text == "full")
        let idle = try await server.step(body.replacingOccurrences(of: #""full": true"#, with: #""full": true, "lora_dropout": 0.1"#))
        #expect(idle.status == 400)
        #expect(try await idle.json()["error"]?["param"]?.text == "optimizer.lora_dropout")
        try await server.restart()
        #expect(try await server.answer() == answer)
        #expect(try await server.step(body).status == 200)
    }

    @Test func everyMethodTakesAStep() async throws {
        let server = try await TrainingServer()
        for method in Objective.Method.allCases {
            let body = TrainingServer.step([try TrainingServer.pair()])
                .replacingOccurrences(of: #""rollouts": 2"#, with: #""rollouts": 2, "method": "\#(method.rawValue)""#)
            let response = try await server.step(body)
            #expect(response.status == 200, "\(method)")
        }
        #expect(
            try await server.client.get("/v1/cord/steps").json()["data"]?[0]?["step"]?.number
                == Double(Objective.Method.allCases.count))
    }

    @Test func suppliedRolloutsAreUsed() async throws {
        let server = try await TrainingServer()
        let rollouts = #", "rollouts": [{"text": "it is 13", "advantage": 0.5}, {"text": "it is 12", "advantage": -0.5}]"#
        let step = try await server.step(
            TrainingServer.step([try TrainingServer.pair(more: rollouts)], more: #", "include": ["rollouts"]"#)
        ).json()
        let texts = (0..<3).map { step["pairs"]?[0]?["rollouts"]?[$0]?["text"]?.text }
        #expect(texts.contains("it is 13"))
        #expect(texts.contains("it is 12"))
        #expect(step["metrics"]?["rollout_tokens"]?.number == 0)
    }

    /// Its teacher would read nothing, or a placeholder.
    @Test(arguments: ["cord", "opd", "grpo"]) func aSpokenQuestionWithoutTextIsRefused(method: String) async throws {
        let server = try await TrainingServer()
        let pair = try TrainingServer.pair(text: "TYPED")
        for (typed, status, words) in [
            (nil, 400, "pairs[0].text"), (" ", 400, "pairs[0].text"), ("<audio>", 422, "stands for a clip"),
            ("<|AUDIO|>", 422, "stands for a clip"),
        ] {
            let asked = pair.replacingOccurrences(of: #""text": "TYPED", "#, with: typed.map { #""text": "\#($0)", "# } ?? "")
            let body = TrainingServer.step([asked]).replacingOccurrences(of: #""objective": {"#, with: #""objective": {"method": "\#(method)", "#)
            for path in ["/v1/cord/steps", "/v1/cord/score"] {
                let refused = try await server.client.post(path, json: body)
                #expect(refused.status == status, "\(path) \(typed ?? "no text")")
                let error = try await refused.json()["error"]
                #expect(error?["message"]?.text?.contains(words) == true, "\(String(describing: error))")
            }
        }
        #expect(try await server.client.get("/v1/weights/versions").json()["data"]?.count == 0)
    }

    @Test func refusalsChangeNothing() async throws {
        let server = try await TrainingServer {
            $0.keys = [AccessKey(name: "ask", secret: "s", scopes: [.ask]), AccessKey(name: "all", secret: "t")]
        }
        let body = TrainingServer.step([try TrainingServer.pair()])
        let asked = try await server.client.post("/v1/cord/steps", json: body, headers: ["authorization": "Bearer s"])
        #expect(asked.status == 403)
        #expect(try await server.step(body).status == 401)
        for (body, status) in [
            (#"{"pairs": []}"#, 400), (#"{"pairs": [{"text": "a"}]}"#, 400), ("{", 400),
            (body.replacingOccurrences(of: "learning_rate", with: "rate"), 400),
            (body.replacingOccurrences(of: #""rollouts": 2"#, with: #""method": "opd_sampled", "token_temperature": 0.5"#), 400),
            (TrainingServer.step([try TrainingServer.pair()], more: #", "model": "none""#), 404),
        ] {
            let response = try await server.client.post("/v1/cord/steps", json: body, headers: ["authorization": "Bearer t"])
            #expect(response.status == status, "\(body.prefix(60))")
        }
        #expect(
            try await server.client.get("/v1/weights/versions", headers: ["authorization": "Bearer s"]).json()["data"]?.count == 0
        )
        let keeper = try await Fixture.shared.get().memory.post("/v1/cord/steps", json: body)
        #expect(keeper.status == 422)
        #expect(try await keeper.json()["error"]?["code"]?.text == "no_data_folder")
    }

    @Test func aDataFolderIsHeldByOneServer() async throws {
        let server = try await TrainingServer()
        #expect(throws: DataFolderError.held(path: server.folder.path)) { try DataFolder(server.folder) }
    }

    @Test func weightsThatAreNotFiniteNeverComeInForce() async throws {
        let server = try await TrainingServer()
        let before = try await server.answer()
        let body = TrainingServer.step([try TrainingServer.pair()])
        let broken = try await server.step(body.replacingOccurrences(of: "\"lora_rank\"", with: "\"beta1\": 0.99999999999, \"lora_rank\""))
        #expect(broken.status == 422)
        #expect(try await broken.json()["error"]?["code"]?.text == "not_finite")
        let one = try await server.step(body.replacingOccurrences(of: "\"lora_rank\"", with: "\"beta2\": 1, \"lora_rank\""))
        #expect(one.status == 400)
        #expect(try await server.answer() == before)
        #expect(try await server.client.get("/v1/weights/versions").json()["data"]?.count == 0)
        #expect(try await server.step(body).status == 200)
    }

    @Test func stepsWaitInABoundedLine() async throws {
        let server = try await TrainingServer { $0.work.stepQueue = 1 }
        let body = TrainingServer.step([try TrainingServer.pair()])
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<6 {
                group.addTask { [client = server.client] in try await client.post("/v1/cord/steps", json: body).status }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(statuses.contains(200))
        #expect(statuses.contains(429))
        let taken = try await server.client.get("/v1/cord/steps").json()["data"]?.count
        #expect(taken == statuses.count { $0 == 200 })
    }
}

extension Sequence {
    func asyncMap<Result>(_ transform: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
