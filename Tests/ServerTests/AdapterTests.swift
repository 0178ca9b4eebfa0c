import API
import Foundation
import HTTP
import Server
import TestSupport
import Testing
import Workshop

/// Adapters over a random model, loaded and unloaded while it serves.
@Suite(.ownThread) struct AdapterTests {
    private let checkpoint: RandomCheckpoint

    init() throws { checkpoint = try RandomCheckpoint("qwen2audio/published") }

    private func fixture(_ folder: URL? = fixtures.appendingPathComponent("weights")) throws -> Fixture {
        try Fixture {
            $0.model.directory = checkpoint.directory
            $0.model.name = "published"
            $0.adapterFolder = folder
        }
    }

    private func answer(_ model: String, _ client: MemoryClient) async throws -> WireValue {
        let text = #"{"model": "\#(model)", "messages": [{"role": "user", "content": "Hello there"}], "max_tokens": 12, "logprobs": true}"#
        return try await client.post("/v1/chat/completions", json: text).json()
    }

    @Test func loadedAdapterAnswersAtOnceUnderItsName() async throws {
        let client = try fixture().memory
        let base = try await answer("published", client)
        let loaded = try await client.post("/v1/load_lora_adapter", json: #"{"lora_name": "mine", "lora_path": "list"}"#)
        #expect(loaded.status == 200)
        #expect(try await loaded.text().contains("success"))
        let mine = try await answer("mine", client)
        #expect(mine["model"]?.text == "mine")
        #expect(mine["cord"]?["weight_version"]?.text?.hasPrefix("mine-") == true)
        #expect(mine["choices"]?[0]?["logprobs"] != base["choices"]?[0]?["logprobs"])
        #expect(try await answer("published", client)["choices"] == base["choices"])
        let models = try await client.get("/v1/models").json()
        #expect(models["data"]?[1]?["parent"]?.text == "published")
        #expect(models["data"]?[1]?["root"]?.text == "list")

        #expect(try await client.post("/v1/load_lora_adapter", json: #"{"lora_name": "mine", "lora_path": "regex"}"#).status == 409)
        for taken in ["published", "published@base", "base"] {
            let refused = try await client.post("/v1/load_lora_adapter", json: #"{"lora_name": "\#(taken)", "lora_path": "regex"}"#)
            #expect(refused.status == 409, "\(taken)")
        }
        #expect(try await client.post("/v1/unload_lora_adapter", json: #"{"lora_name": "mine"}"#).status == 200)
        #expect(try await client.post("/v1/unload_lora_adapter", json: #"{"lora_name": "mine"}"#).status == 404)
        #expect(try await client.post("/v1/unload_lora_adapter", json: #"{"lora_name": "published"}"#).status == 400)
        let text = #"{"model": "mine", "messages": [{"role": "user", "content": "a"}]}"#
        #expect(try await client.post("/v1/chat/completions", json: text).status == 404)
    }

    /// Where the operator keeps things is nobody's business: names go out, and what lies below the folders.
    @Test func pathsOfTheServerAreNotTold() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cord-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let list = fixtures.appendingPathComponent("weights/list")
        try FileManager.default.copyItem(at: list, to: folder.appendingPathComponent("broken"))
        try Data("no tensors".utf8).write(to: folder.appendingPathComponent("broken/adapter_model.safetensors"))
        try FileManager.default.copyItem(at: list, to: folder.appendingPathComponent("empty"))
        try FileManager.default.removeItem(at: folder.appendingPathComponent("empty/adapter_config.json"))
        let client = try Fixture {
            $0.model.directory = checkpoint.directory
            $0.model.name = "published"
            $0.adapterFolder = folder
            $0.model.adapters = [("first", list)]
        }.memory
        let models = try await client.get("/v1/models").text()
        #expect(try WireValue(json: Data(models.utf8))["data"]?[1]?["root"]?.text == "list")
        var texts = [models]
        for path in ["broken", "empty", "missing", folder.path + "/broken", ".", "../x"] {
            let response = try await client.post("/v1/load_lora_adapter", json: #"{"lora_name": "a", "lora_path": "\#(path)"}"#)
            #expect((400..<500).contains(response.status), "\(path)")
            texts.append(try await response.text())
        }
        #expect(texts[1].contains("adapter_model.safetensors") && texts[2].contains("adapter_config.json"))
        for text in texts {
            for place in [folder.path, checkpoint.directory.path, list.path, fixtures.path] { #expect(!text.contains(place), "\(text)") }
        }
    }

    @Test func pathsLeadNowhereButIntoTheFolder() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cord-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createSymbolicLink(
            at: folder.appendingPathComponent("link"), withDestinationURL: fixtures.appendingPathComponent("weights/list"))
        let client = try fixture(folder).memory
        for (path, status) in [("link", 403), ("../../etc", 403), ("/etc", 403), ("missing", 404)] {
            let response = try await client.post("/v1/load_lora_adapter", json: #"{"lora_name": "a", "lora_path": "\#(path)"}"#)
            #expect(response.status == status, "\(path)")
        }
        let closed = try fixture(nil).memory
        #expect(try await closed.post("/v1/load_lora_adapter", json: #"{"lora_name": "a", "lora_path": "list"}"#).status == 403)
    }

    @Test func adapterThatDoesNotFitIsRefusedWhole() async throws {
        let client = try Fixture { $0.adapterFolder = fixtures.appendingPathComponent("weights") }.memory
        let response = try await client.post("/v1/load_lora_adapter", json: #"{"lora_name": "a", "lora_path": "list"}"#)
        #expect(response.status == 400)
        #expect(try await response.json()["error"]?["code"]?.text == "invalid_adapter")
        #expect(try await client.get("/v1/models").json()["data"]?.count == 1)
    }
}
