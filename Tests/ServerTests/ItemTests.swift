import API
import Archives
import CordBench
import CordNano
import Evaluation
import Foundation
import HTTP
import Jobs
import Server
import TestSupport
import Testing
import Workshop

/// Looking through question sets and training files over HTTP, with their clips and the marks that people put on items.
@Suite(.serialized, .ownThread) struct ItemTests {
    private func server() async throws -> TrainingServer {
        try await TrainingServer {
            $0.model.directory = CordNano.directory
            $0.model.name = "cord-nano"
        }
    }

    private static let root = "/v1/benchmarks/cord-bench-1"

    /// In a query a plus stands for a space.
    private func encoded(_ id: String) -> String { id.replacing("+", with: "%2B") }

    @Test func itemsOfASetComePageByPage() async throws {
        let client = try await server().client
        let first = try await client.get("\(Self.root)/items?limit=3").json()
        let items = try CordBench.standard.questionSet().items
        #expect(first["total"]?.number == Double(items.count) && first["has_more"] == .bool(true))
        #expect((0..<3).map { first["data"]?[$0]?["id"]?.text } == items.prefix(3).map(\.id))
        #expect(first["data"]?[0]?["text"]?.text == items[0].text && first["data"]?[0]?["answer"]?.text == items[0].answer)
        let second = try await client.get("\(Self.root)/items?limit=3&after=\(encoded(items[2].id))").json()
        #expect((0..<3).map { second["data"]?[$0]?["id"]?.text } == items[3..<6].map(\.id))
        let last = try await client.get("\(Self.root)/items?after=\(encoded(try #require(items.last).id))").json()
        #expect(last["data"]?.count == 0 && last["has_more"] == .bool(false))
        #expect(try await client.get("\(Self.root)/items?after=none").status == 404)
        #expect(try await client.get("/v1/benchmarks/none/items").status == 404)
        #expect(try await client.get("\(Self.root)/items?limit=0").status == 400)
    }

    @Test func itemsAreFilteredByCategoryAndByWords() async throws {
        let client = try await server().client
        let items = try CordBench.standard.questionSet().items
        let category = items[0].category
        let some = try await client.get("\(Self.root)/items?category=\(category)&limit=1000").json()
        #expect(some["total"]?.number == Double(items.count { $0.category == category }))
        let ids = (0..<(some["data"]?.count ?? 0)).compactMap { some["data"]?[$0]?["id"]?.text }
        #expect(ids == items.filter { $0.category == category }.map(\.id))
        let word = try #require(items[0].text.split(separator: " ").last).uppercased().filter(\.isLetter)
        let found = try await client.get("\(Self.root)/items?contains=\(word)&limit=1000").json()
        #expect(
            found["total"]?.number
                == Double(items.count { [$0.text, $0.answer, $0.id].contains { $0.localizedCaseInsensitiveContains(word) } }))
        // The page after an item that does not match itself.
        let other = try #require(items.last { $0.category != category })
        let rest = try await client.get("\(Self.root)/items?category=\(category)&after=\(encoded(other.id))&limit=1000").json()
        let place = try #require(items.firstIndex(of: other))
        #expect(rest["data"]?.count == items[place...].count { $0.category == category })
    }

    @Test func clipOfAnItemIsWhatTheSetHas() async throws {
        let client = try await server().client
        let set = try CordBench.standard.questionSet()
        let response = try await client.get("\(Self.root)/items/\(set.items[0].id)/audio")
        #expect(response.headers["content-type"] == "audio/ogg" && response.headers["x-content-type-options"] == "nosniff")
        #expect(try await response.bytes() == [UInt8](try #require(set.clip(set.items[0])).read()))
        #expect(try await client.get("\(Self.root)/items/none/audio").status == 404)
    }

    @Test func marksAreKeptReplacedListedAndTakenAway() async throws {
        let server = try await server()
        let items = try CordBench.standard.questionSet().items
        func mark(_ place: Int, _ body: String) async throws -> ClientResponse {
            try await server.client.post("\(Self.root)/items/\(items[place].id)/mark", json: body)
        }
        #expect(try await mark(0, #"{"verdict": "unsure"}"#).status == 200)
        let second = try await mark(0, #"{"verdict": "gold_wrong", "answer": "14", "note": "the clip says nine"}"#).json()
        #expect(second["verdict"]?.text == "gold_wrong" && second["benchmark"]?.text == "cord-bench-1")
        #expect(try await mark(5, #"{"verdict": "ambiguous"}"#).status == 200)
        #expect(try await mark(1, #"{"verdict": "wrong"}"#).status == 400)
        #expect(try await server.client.post("\(Self.root)/items/none/mark", json: #"{"verdict": "unsure"}"#).status == 404)
        try await server.restart()
        let list = try await server.client.get("\(Self.root)/marks").json()
        #expect(list["total"]?.number == 2 && list["data"]?[0]?["item"]?.text == items[5].id && list["data"]?[1] == second)
        let marked = try await server.client.get("\(Self.root)/items?marked=true").json()
        #expect((0..<2).map { marked["data"]?[$0]?["id"]?.text } == [items[0].id, items[5].id])
        #expect(marked["data"]?[0]?["mark"] == second)
        let others = try await server.client.get("\(Self.root)/items?marked=false&limit=1").json()
        #expect(others["total"]?.number == Double(items.count - 2) && others["data"]?[0]?["id"]?.text == items[1].id)
        let path = "\(Self.root)/items/\(items[0].id)/mark"
        #expect(try await server.client.send("DELETE", path, headers: [:], body: []).status == 200)
        #expect(try await server.client.send("DELETE", path, headers: [:], body: []).status == 404)
        #expect(try await server.client.get("\(Self.root)/marks").json()["total"]?.number == 1)
    }

    private func upload(_ bytes: [UInt8], _ name: String, _ server: TrainingServer, purpose: String = "fine-tune") async throws -> String {
        let head =
            "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n\(purpose)\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\(name)\"\r\n\r\n"
        let response = try await server.client.send(
            "POST", "/v1/files", headers: ["content-type": "multipart/form-data; boundary=b"],
            body: Array(head.utf8) + bytes + Array("\r\n--b--\r\n".utf8))
        return try #require(try await response.json()["id"]?.text)
    }

    @Test func rowsOfATrainingFileAreShownWithTheirClipsAndProblems() async throws {
        let server = try await server()
        let pair = try TrainingServer.pair()
        let turns = #"{"messages": [{"role": "user", "content": "Say hello."}, {"role": "assistant", "content": "Hello."}]}"#
        let lines = [pair, turns, "", #"{"text": "a", "nonsense": 1}"#, "not json"].joined(separator: "\n")
        let file = try await upload(Array(lines.utf8), "pairs.jsonl", server)
        let rows = try await server.client.get("/v1/files/\(file)/rows").json()
        #expect(rows["total"]?.number == 4 && rows["has_more"] == .bool(false))
        #expect((0..<4).map { rows["data"]?[$0]?["line"]?.number } == [1, 2, 4, 5])
        #expect(rows["data"]?[0]?["text"]?.text == "What is 8 plus 5?" && rows["data"]?[0]?["answer"]?.text == "13")
        #expect((0..<4).map { rows["data"]?[$0]?["clips"]?.number } == [1, 0, 0, 0])
        #expect(rows["data"]?[1]?["turns"]?[1]?["text"]?.text == "Hello." && rows["data"]?[1]?["problem"] == .null)
        #expect(rows["data"]?[2]?["problem"]?.text?.contains("nonsense") == true && rows["data"]?[3]?["problem"]?.text?.isEmpty == false)
        let clip = try await server.client.get("/v1/files/\(file)/rows/1/audio")
        #expect(clip.headers["content-type"] == "audio/wav")
        #expect(try await clip.bytes() == Fixture.spoken("sum"))
        for path in ["1/audio?clip=1", "2/audio", "3/audio", "4/audio", "9/audio", "x/audio", "0/audio"] {
            #expect(try await server.client.get("/v1/files/\(file)/rows/\(path)").status == 404, "\(path)")
        }
        let bad = try await server.client.get("/v1/files/\(file)/rows?problems=true&limit=1").json()
        #expect(bad["total"]?.number == 2 && bad["has_more"] == .bool(true) && bad["data"]?[0]?["line"]?.number == 4)
        #expect(try await server.client.get("/v1/files/\(file)/rows?problems=true&after=4").json()["data"]?[0]?["line"]?.number == 5)
        #expect(try await server.client.get("/v1/files/\(file)/rows?contains=HELLO").json()["data"]?[0]?["line"]?.number == 2)
        #expect(try await server.client.get("/v1/files/none/rows").status == 404)
        let table = try await upload(Array("PAR1 and more".utf8), "pairs.parquet", server)
        let refused = try await server.client.get("/v1/files/\(table)/rows")
        #expect(refused.status == 422)
        #expect(try await refused.json()["error"]?["message"]?.text?.contains("Parquet") == true)
    }

    @Test func archiveOfPairsIsUnpackedOnceAndNothingClimbsOut() async throws {
        let server = try await server()
        let folder = FileManager.default.temporaryDirectory.appending(path: "cord-\(UUID().uuidString)", directoryHint: .isDirectory)
        let archive = folder.deletingLastPathComponent().appending(path: "\(UUID().uuidString).tar")
        defer { for place in [folder, archive] { try? FileManager.default.removeItem(at: place) } }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(try Fixture.flac("plus")).write(to: folder.appending(path: "plus.flac"))
        let lines = [
            #"{"audio": "plus.flac", "text": "What is 8 plus 5?", "answer": "13"}"#,
            #"{"audio": "../../../store.sqlite", "text": "a", "answer": "1"}"#,
        ]
        try Data(lines.joined(separator: "\n").utf8).write(to: folder.appending(path: "manifest.jsonl"))
        try ArchiveWriter.tar(folder, under: "mine", to: archive)
        let file = try await upload([UInt8](try Data(contentsOf: archive)), "mine.tar", server)
        for _ in 0..<2 {
            let rows = try await server.client.get("/v1/files/\(file)/rows").json()
            #expect(rows["data"]?[0]?["clips"]?.number == 1 && rows["data"]?[1]?["problem"]?.text?.contains("no such member") == true)
        }
        let clip = try await server.client.get("/v1/files/\(file)/rows/1/audio")
        #expect(clip.headers["content-type"] == "audio/flac")
        #expect(try await clip.bytes() == Fixture.flac("plus"))
        #expect(try await server.client.get("/v1/files/\(file)/rows/2/audio").status == 404)
        let unpacked = try FileManager.default.contentsOfDirectory(atPath: server.folder.appending(path: "temporary").path)
        #expect(unpacked.count { $0.hasPrefix("rows-") } == 1)
    }

    /// Training data belongs to who may train, also row by row.
    @Test func rowsOfTrainingFilesNeedAKeyForTraining() async throws {
        let server = try await TrainingServer {
            $0.model.directory = CordNano.directory
            $0.model.name = "cord-nano"
            $0.keys = [AccessKey(name: "m", secret: "m", scopes: .measure), AccessKey(name: "t", secret: "t", scopes: .train)]
        }
        let content = try server.workshop.store.contents.store(Data(try TrainingServer.pair().utf8), checking: {})
        for (purpose, status) in [("fine-tune", 403), ("evals", 200)] {
            let file = try server.workshop.store.addFile(purpose: purpose, filename: "a.jsonl", content: content)
            for path in ["rows", "rows/1/audio"] {
                for (key, expected) in [("m", status), ("t", 200)] {
                    let response = try await server.client.get("/v1/files/\(file.id)/\(path)", headers: ["authorization": "Bearer \(key)"])
                    #expect(response.status == expected, "\(purpose) \(path) \(key)")
                }
            }
        }
    }
}
