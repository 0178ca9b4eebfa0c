import Foundation
import TestSupport
import Testing

/// `cord train`, as a researcher runs it.
@Suite struct TrainTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        for clip in ["plus", "days"] {
            try FileManager.default.copyItem(
                at: fixtures.appending(path: "qwen2audio/cord-nano/\(clip).flac"), to: folder.url.appending(path: "\(clip).flac"))
        }
    }

    private static let good = [
        #"{"id": "plus", "audio": "plus.flac", "text": "What is 8 plus 5?", "answer": "13"}"#,
        #"{"id": "days", "audio": "days.flac", "text": "Today is Monday. What day is it in 3 days?", "answer": "Thursday"}"#,
    ]

    private func manifest(_ lines: [String]) throws -> String {
        let file = folder.url.appending(path: "pairs.jsonl")
        try Data(lines.joined(separator: "\n").utf8).write(to: file)
        return file.path
    }

    private var output: URL { folder.url.appending(path: "run") }

    private func arguments(_ manifest: String, _ more: [String]) -> [String] {
        ["train", manifest, "--output", output.path, "--method", "opd", "--max-rollout-tokens", "8", "--batch-size", "2"] + more
    }

    private func checkpoints() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: output.appending(path: "checkpoints").path).sorted()
    }

    @Test func linesThatCannotBeLearntFromEndTheRunUnlessABoundAllowsThem() throws {
        let spoken = #"{"messages": [{"role": "user", "content": "<audio>"}, {"role": "assistant", "content": "13"}], "audios": ["plus.flac"]}"#
        let file = try manifest(Self.good + [#"{"audio": "gone.wav", "text": "x"}"#, spoken])
        let refused = try Cord(arguments(file, []))
        #expect(refused.status == 1 && refused.errors.contains("line 3: there is no clip gone.wav (and 1 more: line 4)"), "\(refused.errors)")
        // What was heard is remembered for the next try; a run was not begun.
        #expect(try FileManager.default.contentsOfDirectory(atPath: output.path) == ["cache"])
        let taken = try Cord(arguments(file, ["--max-skipped", "2"]))
        #expect(taken.status == 0, "\(taken.errors)")
        #expect(taken.errors.contains("line 3, is left out: there is no clip gone.wav"))
        #expect(taken.errors.contains("line 4, is left out: the method opd needs the question typed"))
        #expect(FileManager.default.fileExists(atPath: output.appending(path: "adapter/run.json").path))
    }

    /// Its teacher would read a placeholder.
    @Test(arguments: ["cord", "opd", "grpo"]) func aSpokenTurnWithoutTextIsRefused(method: String) throws {
        for content in [#""<audio>""#, #"[{"type": "audio", "audio": "plus.flac"}]"#] {
            let clips = content.contains("<audio>") ? #", "audios": ["plus.flac"]"# : ""
            let spoken = #"{"messages": [{"role": "user", "content": \#(content)}, {"role": "assistant", "content": "13"}]\#(clips)}"#
            let run = try Cord("train", try manifest(Self.good + [spoken]), "--output", output.path, "--method", method)
            #expect(run.status == 1, "\(run.output)")
            #expect(run.errors.contains("line 3: the method \(method) needs the question typed, and the row has no text"), "\(run.errors)")
            #expect(!FileManager.default.fileExists(atPath: output.appending(path: "adapter").path))
        }
    }

    /// A server with the same model teaches as the model itself does: losses of two steps agree.
    @Test func anotherServerTeachesByItsLogProbabilities() throws {
        let server = try ServerProcess()
        let file = try manifest(Self.good)
        func losses(_ name: String, _ more: [String]) throws -> [Double] {
            let place = folder.url.appending(path: name)
            let run = try Cord(
                ["train", file, "--output", place.path, "--method", "opd_sampled", "--max-rollout-tokens", "8", "--steps", "2", "--token-log"]
                    + ["--learning-rate", "1e-3", "--validation", file] + more)
            #expect(run.status == 0, "\(run.errors)")
            let log = try String(contentsOf: place.appending(path: "metrics.jsonl"), encoding: .utf8)
            return log.split(separator: "\n").compactMap { $0.firstMatch(of: /"loss":(-?[0-9.e-]+)/).flatMap { Double($0.1) } }
        }
        let here = try losses("here", []), there = try losses("there", ["--teacher-endpoint", server.url + "/v1"])
        #expect(here.count == 2 && zip(here, there).allSatisfy { abs($0 - $1) < 1e-4 * max(1, abs($0)) }, "\(here) \(there)")
        let record = try String(contentsOf: folder.url.appending(path: "there/run.json"), encoding: .utf8)
        #expect(record.contains(#""teacher_digest" : "\#(server.url)/v1""#))
        let tokens = try String(contentsOf: folder.url.appending(path: "there/tokens/step-0000001.jsonl"), encoding: .utf8)
        #expect(tokens.contains(#""teacher_logprob":["#) && !tokens.contains("teacher_rank") && !tokens.contains("nan"))

        let gone = try Cord(arguments(file, ["--method", "opd_sampled", "--teacher-endpoint", "http://127.0.0.1:9/v1"]))
        #expect(gone.status == 1 && gone.errors.contains("the teacher http://127.0.0.1:9/v1: cannot reach"), "\(gone.errors)")
    }

    @Test func aRunThatLearnsNothingFailsAndLeavesNoAdapter() throws {
        let file = try manifest([#"{"audio": "gone.wav", "text": "x"}"#])
        let run = try Cord(arguments(file, ["--max-skipped", "9"]))
        #expect(run.status == 1 && !FileManager.default.fileExists(atPath: output.appending(path: "adapter").path))
    }

    @Test func aFinishedRunGoesOnWithMoreStepsOnTheSameClipsAlone() throws {
        let file = try manifest(Self.good)
        #expect(try Cord(arguments(file, ["--steps", "1", "--validation", file])).status == 0)
        let longer = try Cord(arguments(file, ["--steps", "2", "--validation", file]))
        #expect(longer.status == 0 && longer.errors.contains("step 2/2") && !longer.errors.contains("step 1/2"), "\(longer.errors)")
        #expect(longer.errors.contains("on 2 held-out pairs:  kl_mean"))
        #expect(try checkpoints() == ["step-0000001.safetensors", "step-0000002.safetensors"])

        let clip = folder.url.appending(path: "plus.flac")
        try Data(contentsOf: folder.url.appending(path: "days.flac")).write(to: clip)
        let other = try Cord(arguments(file, ["--steps", "3"]))
        #expect(other.status == 1 && other.errors.contains("clips or texts have changed"), "\(other.errors)")

        let place = folder.url.appending(path: "at-1").path
        let export = try Cord("train", "export", output.path, "--step", "1", "--output", place)
        #expect(export.status == 0 && export.output == place + "\n", "\(export.errors)")
        #expect(try Cord("ask", "--adapter", place, "--max-tokens", "2", "What is 2 plus 3?").status == 0)
        #expect(try Cord("train", "export", output.path, "--step", "7", "--output", place + "7").errors.contains("there are 1, 2"))
    }

    /// Ctrl-C, and what schedulers and services send.
    @Test(arguments: [SIGINT, SIGTERM, SIGHUP]) func aSignalKeepsWhatWasLearnt(signal: Int32) throws {
        let file = try manifest(Self.good)
        let process = Process()
        process.executableURL = try Cord.program
        process.arguments = arguments(file, ["--steps", "100000"])
        // What chooses kernels must be the same when the run goes on.
        process.environment = Cord.environment
        let errors = Pipe()
        (process.standardError, process.standardOutput) = (errors, FileHandle.nullDevice)
        try process.run()
        var told = ""
        var isInterrupted = false
        while case let data = errors.fileHandleForReading.availableData, !data.isEmpty {
            told += String(decoding: data, as: UTF8.self)
            // Once: a second one ends the process.
            if !isInterrupted, told.contains("step 2/") {
                kill(process.processIdentifier, signal)
                isInterrupted = true
            }
        }
        process.waitUntilExit()
        #expect(process.terminationReason == .exit && process.terminationStatus == 128 + signal)
        #expect(told.contains("stopped; the same command goes on from here"), "\(told)")
        let last = try #require(try checkpoints().last)
        let step = try #require(Int(last.dropFirst("step-".count).dropLast(".safetensors".count)))
        #expect(step >= 2)
        let resumed = try Cord(arguments(file, ["--steps", "\(step + 1)"]))
        #expect(
            resumed.status == 0 && resumed.errors.contains("step \(step + 1)/\(step + 1)") && !resumed.errors.contains("step \(step)/"),
            "\(step): \(resumed.errors)")
    }

    @Test func rewardsAreTheCallersCommands() throws {
        let file = try manifest(Self.good)
        let rule = folder.url.appending(path: "rule.sh")
        try Data(#"while read -r line; do echo '{"rewards": [0, 1]}'; done"#.utf8).write(to: rule)
        let options = ["--method", "grpo", "--rollouts", "2", "--steps", "1", "--reward"]
        let run = try Cord(arguments(file, options + ["sh \(rule.path)"]))
        #expect(run.status == 0 && run.errors.contains("reward 0.5"), "\(run.errors)")
        let record = try String(contentsOf: output.appending(path: "adapter/run.json"), encoding: .utf8)
        #expect(record.contains("\"reward\" : \"sh \(rule.path)\""))
        let failed = try Cord(["train", file, "--output", output.path + "2", "--max-rollout-tokens", "8"] + options + ["sh -c 'exit 7'"])
        #expect(failed.status == 1 && failed.errors.contains("its program ended with status 7 without an answer"), "\(failed.errors)")
    }

    @Test(arguments: [[], ["--full"]]) func threadsChangeNoBit(more: [String]) throws {
        let file = try manifest(Self.good)
        let parts = ["decoder", "projector", "encoder"].flatMap { ["--train", $0] }
        let weights = try ["1", "3"].map { threads in
            let place = folder.url.appending(path: threads + more.joined())
            let run = try Cord(
                ["train", file, "--output", place.path, "--method", "supervised", "--steps", "2", "--batch-size", "2", "--threads", threads]
                    + ["--learning-rate", "0.001"] + parts + more)
            #expect(run.status == 0, "\(run.errors)")
            return try Data(contentsOf: place.appending(path: more.isEmpty ? "adapter/adapter_model.safetensors" : "model/model.safetensors"))
        }
        #expect(weights[0] == weights[1])
    }

    @Test func wrongOptionsAreNamed() throws {
        let file = try manifest(Self.good)
        for (more, words) in [
            (["--max-skipped", "-1"], "--max-skipped"), (["--eval-every", "2"], "--eval-every needs pairs"),
            (["--estimator", "wise"], "--estimator"), (["--top-k-share", "2"], "--top-k-share: expected a number from 0 to 1, found 2.0"),
            (["--reward", "sh"], "--reward: the method opd has no rewards"),
            (["--method", "grpo", "--reward", "no-such-rule"], "no program no-such-rule"),
            (["--reward-timeout", "0"], "--reward-timeout"),
            (["--patience", "2"], "early stopping compares validations"), (["--keep", "most"], "--keep"), (["--min-change", "-1"], "--min-change"),
            (["--keep", "best"], "the best checkpoint is found by validations"),
            (["--updates-per-rollout", "0"], "--updates-per-rollout"),
            (["--teacher-adapter", "/nowhere"], "/nowhere"), (["--teacher-adapter", "base", "--teacher", "current"], "--teacher-adapter"),
            (["--teacher-endpoint", "http://localhost:9"], "enough for --method opd_sampled. opd compares distributions over the whole vocabulary"),
            (["--method", "cord", "--teacher-endpoint", "http://localhost:9"], "cord compares distributions"),
            (["--method", "grpo", "--teacher-endpoint", "http://localhost:9"], "grpo needs the teacher's own answers"),
            (["--method", "supervised", "--teacher-endpoint", "http://localhost:9"], "supervised asks no teacher"),
            (["--method", "opd_sampled", "--teacher-endpoint", "x"], "the teacher: expected an address"),
            (["--method", "opd_sampled", "--teacher-endpoint", "http://x", "--teacher-adapter", "base"], "give one of them"),
            (["--teacher-model", "x"], "--teacher-model"), (["--mlflow", "nowhere"], "MLflow: expected an address"),
            (["--method", "opd_sampled", "--token-temperature", "0.5"], "--token-temperature: expected 1 beside the method opd_sampled"),
            (["--importance-bound", "0"], "--importance-bound"), (["--validation", "/nowhere"], "/nowhere"),
        ] {
            let run = try Cord(arguments(file, more))
            #expect(run.status != 0 && run.errors.contains(words), "\(more): \(run.errors)")
        }
    }
}
