import Foundation
import TestSupport
import Testing

/// Commands that bring data to a running server.
@Suite struct ServerCommandTests {
    private let folder: TemporaryFolder
    private let server: ServerProcess
    /// As `cord speak` writes one.
    private let set: URL

    init() throws {
        folder = try TemporaryFolder()
        server = try ServerProcess()
        set = folder.url.appending(path: "spoken")
        try FileManager.default.createDirectory(at: set.appending(path: "audio"), withIntermediateDirectories: true)
        for clip in ["plus", "days"] {
            try FileManager.default.copyItem(
                at: fixtures.appending(path: "qwen2audio/cord-nano/\(clip).flac"), to: set.appending(path: "audio/\(clip).flac"))
        }
        let lines = [
            #"{"id": "plus", "audio": "audio/plus.flac", "text": "What is 8 plus 5?", "answer": "13"}"#,
            #"{"id": "days", "audio": "audio/days.flac", "text": "Today is Monday. What day is it in 3 days?", "answer": "Thursday"}"#,
        ]
        try Data(lines.joined(separator: "\n").utf8).write(to: set.appending(path: "manifest.jsonl"))
    }

    /// A command of the server, whose address is given as clients of other servers have it.
    private func cord(_ arguments: String...) throws -> Cord { try Cord(arguments + ["--server", server.url + "/v1"]) }

    @Test func aFolderBecomesAQuestionSet() throws {
        let added = try cord("gap", "add", set.path)
        #expect(added.status == 0 && added.output.hasPrefix("spoken: 2 questions"), "\(added.errors)")
        let measured = try cord("gap", "run", "--benchmark", "spoken", "--limit", "1")
        #expect(measured.status == 0 && measured.output.contains("spoken"), "\(measured.errors)")
        // The name is taken by another set; the file that was brought for it is gone again.
        let manifest = set.appending(path: "manifest.jsonl")
        try Data(try String(contentsOf: manifest, encoding: .utf8).prefix { $0 != "\n" }.utf8).write(to: manifest)
        let again = try cord("gap", "add", set.path)
        #expect(again.status == 1 && again.errors.contains("spoken") && !again.errors.contains("(expected"), "\(again.errors)")
        #expect(try cord("files", "--purpose", "evals").output.split(separator: "\n").count == 2)
        #expect(try cord("gap", "add", set.appending(path: "audio").path).errors.contains("is no question set"))
    }

    @Test func aFolderIsTrainedOnAndItsResultsAreFetched() throws {
        let run = try cord(
            "jobs", "create", set.path, "--method", "supervised", "--steps", "2", "--batch-size", "2", "--lora-rank", "4",
            "--learning-rate", "0.001", "--validation", set.path, "--suffix", "mine", "--tensorboard", "--follow")
        #expect(run.status == 0 && run.output.contains("succeeded, step 2 of 2"), "\(run.errors)\(run.output)")
        let jobs = try cord("jobs", "--json").output
        for part in [#""lora_rank":4"#, #""learning_rate":0.001"#, #""steps":2"#, #""type":"supervised""#] {
            #expect(jobs.replacing(" ", with: "").contains(part), "\(jobs)")
        }
        let results = try cord("files", "--purpose", "fine-tune-results").output
        let line = try #require(results.split(separator: "\n").first { $0.contains(".csv") }, "\(results)")
        let id = String(line.prefix { $0 != " " })
        let place = folder.url.appending(path: "metrics.csv").path
        #expect(try cord("files", "download", id, "--output", place).status == 0)
        #expect(try String(contentsOfFile: place, encoding: .utf8).contains("step"))
        #expect(try cord("files", "download", id, "--output", place).errors.contains("\(place) exists"))
        #expect(try cord("files", "download", id, "--output", "-").output == String(contentsOfFile: place, encoding: .utf8))
    }

    @Test func otherMethodsAreAsked() throws {
        let made = try cord("jobs", "create", set.path, "--method", "grpo", "--steps", "1", "--json")
        #expect(made.status == 0 && made.output.replacing(" ", with: "").contains(#""method":"grpo""#), "\(made.errors)")
        let refused = try cord("jobs", "create", set.path, "--learning-rate", "7")
        #expect(refused.status == 1 && refused.errors.contains("learning_rate"))
        // What was refused left no upload; the job itself may have ended and left its results.
        #expect(try cord("files", "--purpose", "fine-tune").output.split(separator: "\n").count == 2)
    }

    /// Here and by a server, in every form alike.
    @Test func recordingsAreWrittenDown() throws {
        let sum = fixtures.appending(path: "spoken/sum.wav").path
        for format in ["text", "json", "verbose", "srt", "vtt"] {
            let (here, there) = (try Cord("transcribe", sum, "--format", format), try cord("transcribe", sum, "--format", format))
            #expect(here.status == 0 && here.output.contains("sum of"), "\(here.errors)\(here.output)")
            #expect(here.output == there.output, "\(there.errors)")
            #expect(
                here.output.contains("-->") == ["srt", "vtt"].contains(format)
                    && here.output.contains("\"text\"") == ["json", "verbose"].contains(format))
        }
        let clip = set.appending(path: "audio/plus.flac").path
        let several = try cord("transcribe", sum, clip)
        #expect(several.output.split(separator: "\n").map { $0.prefix { $0 != ":" } } == [sum[...], clip[...]], "\(several.errors)")
        let place = folder.url.appending(path: "written")
        let files = try cord("transcribe", sum, clip, "--format", "srt", "--output", place.path)
        #expect(files.output == ["sum", "plus"].map { "\(place.path)/\($0).srt\n" }.joined(), "\(files.errors)")
        #expect(try String(contentsOf: place.appending(path: "plus.srt"), encoding: .utf8).hasPrefix("1\n00:00:"))
        #expect(try Cord("transcribe", sum, clip, "--format", "srt").errors.contains("expected a folder"))
        #expect(try Cord("transcribe", sum, sum, "--output", place.path).errors.contains("would both be sum.txt"))
        #expect(try Cord("transcribe", sum, "/nonexistent.wav").errors.hasPrefix("Error: /nonexistent.wav cannot be read: there is no such file"))
        let text = try cord("transcribe", fixtures.appending(path: "spoken/make.sh").path)
        #expect(text.status == 1 && text.errors.hasPrefix("Error: ") && !text.errors.contains("Optional"), "\(text.errors)")
    }

    @Test func filesComeAndGo() throws {
        let file = try folder.file("notes.txt", "words")
        let brought = try cord("files", "upload", file, "--purpose", "user_data")
        #expect(brought.status == 0 && brought.output.contains("notes.txt, 5 bytes, for user_data"), "\(brought.errors)")
        let id = String(brought.output.prefix { $0 != ":" })
        #expect(try cord("files", "show", id).output.contains("sha256: "))
        #expect(try cord("files", "delete", id).output == "\(id) is deleted.\n")
        let gone = try cord("files", "show", id)
        #expect(gone.status == 1 && gone.errors.contains(id))
        for command in [["files", "upload"], ["gap", "add"], ["jobs", "create"], ["versions", "upload"]] {
            let missing = try Cord(command + ["/nonexistent/set", "--server", server.url])
            #expect(missing.errors.hasPrefix("Error: /nonexistent/set cannot be read: there is no such file"), "\(missing.errors)")
        }
    }
}
