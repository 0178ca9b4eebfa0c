import API
import Foundation
import HTTP
import Jobs
import Server
import TestSupport
import Testing
import Workshop

/// A server whose disk gave other bytes back, or none.
@Suite(.ownThread) struct DamagedStoreTests {
    enum Damage: CaseIterable { case flipped, shortened, missing }

    private static func damage(_ damage: Damage, _ file: URL) throws {
        var bytes = try Data(contentsOf: file)
        switch damage {
        case .flipped: bytes[bytes.count - 3] ^= 0x40
        case .shortened: bytes.removeLast(bytes.count / 2)
        case .missing: return try FileManager.default.removeItem(at: file)
        }
        try bytes.write(to: file)
    }

    private static func code(_ response: ClientResponse) async throws -> String? {
        try await response.json()["error"]?["code"]?.text
    }

    @Test(arguments: Damage.allCases) func theBaseAnswersWhereTheVersionInForceIsDamaged(damage: Damage) async throws {
        let server = try await TrainingServer()
        let base = try await server.answer()
        #expect(try await server.step(TrainingServer.step([try TrainingServer.pair()])).status == 200)
        let earlier = try await server.answer()
        let step = try await server.step(TrainingServer.step([try TrainingServer.pair("pens")])).json()
        let version = try #require(step["weight_version"]?.text)
        let hash = try server.workshop.store.version(version).hash
        try await server.restart { folder in
            try Self.damage(damage, folder.appending(path: "objects/\(hash.prefix(2))/\(hash)/adapter_model.safetensors"))
        }
        let client = server.client
        #expect(server.fixture.state.condition.isDegraded)
        #expect(
            try await client.get("/metrics").text().contains("cord_degraded{reason=\"published answers with its base weights"))
        #expect(server.workshop.versions.problem?.reason.contains(version) == true)
        #expect(try await server.answer() == base)
        // Its own name never answers with other bits.
        let chat = #"{"model": "\#(version)", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 2}"#
        for response in [
            try await client.post("/v1/chat/completions", json: chat),
            try await client.get("/v1/weights/versions/\(version)/download"),
        ] {
            #expect(response.status == 500)
            #expect(try await Self.code(response) == "content_damaged")
        }
        #expect(try await client.post("/v1/weights/versions/\(version)/promote", json: "{}").status == 500)
        #expect(try await client.post("/v1/weights/rollback", json: "{}").status == 200)
        #expect(!server.fixture.state.condition.isDegraded && server.workshop.versions.problem == nil)
        #expect(try await server.answer() == earlier)
    }

    @Test func aDamagedUploadIsNeverSentNorTrainedOn() async throws {
        let server = try await TrainingServer()
        let store = server.workshop.store
        let clip = try store.addFile(
            purpose: "user_data", filename: "sum.wav", content: store.contents.store(Data(try Fixture.spoken("sum"))))
        let pair = #"{"audio": {"file_id": "\#(clip.id)"}, "text": "What is 8 plus 5?", "answer": "13"}"#
        #expect(try await server.client.get("/v1/files/\(clip.id)/content").bytes() == Fixture.spoken("sum"))
        let lines = try store.addFile(
            purpose: "fine-tune", filename: "pairs.jsonl", content: store.contents.store(Data((pair + "\n").utf8)))
        try Self.damage(.flipped, store.contents.url(clip.sha256))
        for response in [
            try await server.client.get("/v1/files/\(clip.id)/content"), try await server.step(TrainingServer.step([pair])),
            try await server.step(TrainingServer.step([pair, try TrainingServer.pair()])),
        ] {
            #expect(response.status == 500)
            #expect(try await Self.code(response) == "content_damaged")
        }
        let body = #"{"model": "published", "training_file": "\#(lines.id)", "method": {"type": "cord"}}"#
        let id = try #require(try await server.client.post("/v1/fine_tuning/jobs", json: body).json()["id"]?.text)
        for _ in 0..<2000 {
            if try store.job(id: id).state.isFinal { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(try store.job(id: id).errorCode == "content_damaged")
        try FileManager.default.removeItem(at: store.contents.url(clip.sha256))
        let missing = try await server.client.get("/v1/files/\(clip.id)/content")
        #expect(missing.status == 500)
        #expect(try await Self.code(missing) == "content_missing")
    }
}
