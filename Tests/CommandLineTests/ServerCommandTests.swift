import Foundation
import TestSupport
import Testing

/// The commands that ask a running server, and what it logs.
@Suite struct ServerCommandTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// As `cord speak` writes it: a manifest, with the clips in a folder beside it.
    private func spoken() throws -> String {
        let place = folder.url.appending(path: "spoken")
        try FileManager.default.createDirectory(at: place.appending(path: "audio"), withIntermediateDirectories: true)
        let questions = [("plus", "What is 8 plus 5?", "13"), ("days", "Today is Monday. What day is it in 3 days?", "Thursday")]
        let lines = questions.map { id, text, answer in
            #"{"id": "\#(id)", "audio": "audio/\#(id).flac", "text": "\#(text)", "answer": "\#(answer)"}"#
        }
        try Data(lines.joined(separator: "\n").utf8).write(to: place.appending(path: "manifest.jsonl"))
        for id in ["plus", "days"] {
            try FileManager.default.copyItem(
                at: fixtures.appending(path: "qwen2audio/cord-nano/\(id).flac"), to: place.appending(path: "audio/\(id).flac"))
        }
        return place.path
    }

    @Test func aSpokenFolderIsMeasuredAndTrainedOn() async throws {
        let server = try await CordServer(folder: folder)
        let spoken = try spoken()
        let added = try server.cord("gap", "add", spoken, "--name", "mine")
        #expect(added.status == 0 && added.output.hasPrefix("mine has 2 items"), "\(added.errors)")
        #expect(try server.cord("gap", "run", "--benchmark", "mine").output.contains("mine"))

        let options = ["--steps", "1", "--batch-size", "1", "--learning-rate", "1e-4", "--suffix", "tried"]
        let job = try Cord(["jobs", "create", spoken, "--follow", "--server", server.url] + options)
        let lines = job.output.split(separator: "\n")
        #expect(job.status == 0 && lines.count == 3 && lines[0].hasPrefix("ftjob-"), "\(job.output)\(job.errors)")
        #expect(job.output.contains("succeeded, step 1 of 1") && job.output.contains("ft:cord-nano:tried:"))

        // What came to nothing leaves nothing behind.
        let before = try server.cord("files").output
        let refused = try server.cord("jobs", "create", spoken, "--suffix", "a b")
        #expect(refused.status == 1 && refused.errors.contains("suffix: expected letters"), "\(refused.errors)")
        let manifest = try server.cord("gap", "add", spoken + "/manifest.jsonl")
        #expect(manifest.status == 1 && manifest.errors.contains("there is no audio file audio/plus.flac"), "\(manifest.errors)")
        #expect(try server.cord("files").output == before)
        #expect(try server.cord("gap", "add", spoken + "/none").errors.contains("none cannot be read: there is no such file"))
    }

    @Test func filesComeAndGo() async throws {
        let server = try await CordServer(folder: folder)
        let (text, place) = ("größe\n", folder.url.appending(path: "back.txt").path)
        let upload = try server.cord("files", "upload", try folder.file("a \"b\".txt", text), "--purpose", "evals")
        let id = upload.output.trimmingCharacters(in: .newlines)
        #expect(upload.status == 0 && id.hasPrefix("file-"), "\(upload.errors)")
        #expect(try server.cord("files", "--purpose", "evals").output.contains(id))
        #expect(try !server.cord("files", "--purpose", "fine-tune").output.contains(id))
        #expect(try server.cord("files", "download", id, "--output", place).output == "\(place): 8 bytes\n")
        #expect(try String(contentsOfFile: place, encoding: .utf8) == text)
        #expect(try server.cord("files", "delete", id).output == "\(id) is deleted.\n")
        #expect(try server.cord("files", "delete", id).errors.contains("There is no file with the id \(id)"))
    }

    @Test func theEmbeddedAdapterIsPromotedAndRolledBack() async throws {
        let server = try await CordServer(folder: folder)
        func line() throws -> String? {
            try server.cord("versions").output.split(separator: "\n").first { $0.contains(" cord-nano-cord ") }.map(String.init)
        }
        #expect(try line()?.hasPrefix("*") == false)
        let promoted = try server.cord("versions", "promote", "cord-nano-cord")
        #expect(promoted.status == 0 && promoted.output.hasSuffix("is in force; before it was base.\n"), "\(promoted.errors)")
        #expect(try line()?.hasPrefix("*") == true)
        #expect(try server.cord("versions", "delete", "cord-nano-cord").status == 1)
        #expect(try server.cord("versions", "rollback").output.hasPrefix("base is in force"))
        #expect(try line()?.hasPrefix("*") == false)
    }

    @Test func keysAreReadAgainAtAHangUp() async throws {
        let keys = try folder.file("keys", "one=aaaaaaaaaaaa\n")
        func write(_ text: String) throws {
            try Data(text.utf8).write(to: URL(fileURLWithPath: keys))
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: keys)
        }
        try write("one=aaaaaaaaaaaa\n")
        let server = try await CordServer("--api-key-file", keys, "--log-format", "json", folder: folder)
        #expect(try server.cord("jobs", key: "aaaaaaaaaaaa").status == 0)
        try write("two=bbbbbbbbbbbb\n")
        server.hangUp()
        _ = try await server.log { $0.contains("SIGHUP: 1 keys are in force") }
        #expect(try server.cord("jobs", key: "aaaaaaaaaaaa").errors.contains("not one of this server's"))
        #expect(try server.cord("jobs", key: "bbbbbbbbbbbb").status == 0)
        // One that cannot be used changes nothing.
        try write("")
        server.hangUp()
        _ = try await server.log { $0.contains("the keys stay as they were") }
        #expect(try server.cord("jobs", key: "bbbbbbbbbbbb").status == 0)

        let log = try await server.log { $0.matches(of: /"status":200/).count >= 3 }
        struct Line: Decodable {
            let time, level, message: String
            let method, path, id: String?
            let status, ms: Int?
        }
        let lines = try log.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
        let requests = lines.filter { $0.message == "request" }
        #expect(requests.map(\.status) == [200, 401, 200, 200])
        #expect(requests.allSatisfy { $0.method == "GET" && $0.path == "/v1/fine_tuning/jobs" && $0.level == "info" && $0.ms != nil && $0.id != nil })
        #expect(!log.contains("aaaaaaaaaaaa") && !log.contains("bbbbbbbbbbbb"))
    }
}
