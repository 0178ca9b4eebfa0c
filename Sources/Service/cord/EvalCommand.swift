import CordBench
import ArgumentParser
import Evaluation
import Foundation
import Generation
import Glibc
import Judging
import Remote
import Workshop

struct Eval: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Measure the audio-text gap: ask the same questions typed and spoken.",
        discussion: """
            Prints the report; with --output it also writes report.json, report.md, report.html, items.csv and items.jsonl, and a run that \
            was interrupted, by Ctrl-C or kill -9, goes on where it stopped when the same command is given again.

            \(RowFormat.help(.questions))

            EXAMPLES
              cord eval                   the embedded model on the built-in benchmark
              cord eval --adapter my-lora/ --output results/candidate
              cord eval --benchmark openbookqa.jsonl --arms text,audio,no_audio
              cord eval --adapter my-lora/ --retain mmau/     and what it forgot
              cord eval --endpoint http://localhost:8000/v1 --model-name NAME
              cord gap formats            which question sets are read
              cord gap compare results/base results/candidate
            """)

    @OptionGroup(title: "Model") var model: ModelOptions

    @Option(
        help: ArgumentHelp(
            "A built-in set (\(CordBench.allCases.map(\.rawValue).joined(separator: ", "))), a manifest, or a folder with one.",
            valueName: "name or path"))
    var benchmark = CordBench.standard.rawValue

    @Option(help: "How the manifest is laid out; without it, its columns tell. cord gap formats lists them.")
    var manifestFormat: ManifestFormat?

    @Option(
        help: ArgumentHelp(
            "What the answers are, where the manifest does not say: \(TaskType.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "type"))
    var answers: TaskType?

    @Option(
        help: ArgumentHelp(
            "Measure a server with an OpenAI-compatible interface instead, by its address with the version prefix.",
            valueName: "url"))
    var endpoint: String?

    @Option(
        help: ArgumentHelp(
            "The endpoint's key; the environment variable CORD_API_KEY keeps it out of the process list.", valueName: "key"))
    var apiKey: String?

    @Option(help: ArgumentHelp("A file with the endpoint's key on its one line.", valueName: "file"))
    var apiKeyFile: String?

    @Option(help: ArgumentHelp("The model's name at the endpoint.", valueName: "name"))
    var modelName: String?

    @Option(help: "Seconds for one answer of the endpoint.")
    var timeout = 120.0

    @Option(help: "Ask the first so many items of the seeded order.")
    var limit: Int?

    @Option(
        help: ArgumentHelp(
            "text, audio, transcript (what the model writes down, typed back to it: tells where the gap arises), audio_text (the clip with the words beside it), no_audio and shuffled_audio, separated by commas.",
            valueName: "arms"))
    var arms = "text,audio"

    @Option(
        help: ArgumentHelp(
            "A second set, measured beside the benchmark: what a training may forget. With clips it is asked clip and text together (a built-in set by clip alone), otherwise typed. May be repeated.",
            valueName: "name or path"))
    var retain: [String] = []

    @Option(help: "Draws the order, the shuffled clips and what is sampled.")
    var seed: UInt64 = 0

    @Option(help: "0 takes the most probable token.")
    var temperature = 0.0

    @Option(help: "The most tokens of an answer.")
    var maxTokens = 256

    @Option(help: "Along so many spoken answers, measure where the typed question would have led elsewhere.")
    var divergence = 0

    @Option(help: "How answers are read: strict, or voicebench_compatible.")
    var extraction: ExtractionMode = .strict

    @Option(
        help: ArgumentHelp(
            "A server whose model judges free-form answers, and rates those without a reference. CORD_JUDGE_KEY is its key.", valueName: "url"))
    var judgeEndpoint: String?

    @Option(help: ArgumentHelp("The judging model's name.", valueName: "name"))
    var judgeModel: String?

    @Option(help: ArgumentHelp("Keep the answers and the report in this folder.", valueName: "dir"))
    var output: String?

    @Option(help: "What is printed: md, json, csv or html.")
    var format: ReportFormat = .md

    @Option(help: "Questions in flight at once. Without it, 256 for a model here and 16 for an endpoint.")
    var concurrency: Int?

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit: expected at least 1, found \(limit).") }
        if !(0...2).contains(temperature) { throw ValidationError("--temperature: expected 0 to 2, found \(temperature).") }
        if maxTokens < 1 { throw ValidationError("--max-tokens: expected at least 1, found \(maxTokens).") }
        if divergence < 0 { throw ValidationError("--divergence: expected at least 0, found \(divergence).") }
        if let concurrency, !(1...256).contains(concurrency) {
            throw ValidationError("--concurrency: expected 1 to 256, found \(concurrency).")
        }
        if (endpoint == nil) != (modelName == nil) {
            throw ValidationError("--endpoint and --model-name go together: give both or neither.")
        }
        if (judgeEndpoint == nil) != (judgeModel == nil) {
            throw ValidationError("--judge-endpoint and --judge-model go together: give both or neither.")
        }
        for (name, address) in [("--endpoint", endpoint), ("--judge-endpoint", judgeEndpoint)] {
            if let address, URL(string: address)?.scheme?.hasPrefix("http") != true {
                throw ValidationError("\(name): expected an address such as http://localhost:8000/v1, found \"\(address)\".")
            }
        }
        if endpoint != nil, divergence > 0 {
            throw ValidationError(
                "--divergence needs the model's probabilities, which an endpoint does not show: leave it out, or give --model.")
        }
        if !(timeout > 0 && timeout <= 86_400) {
            throw ValidationError("--timeout: expected seconds above 0, at most 86400, found \(timeout).")
        }
        _ = try chosenArms
    }

    private var chosenArms: [Arm] {
        get throws {
            let names = arms.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            let chosen = try names.map { name in
                guard let arm = Arm(rawValue: name) else {
                    throw ValidationError(
                        "--arms: expected \(Arm.allCases.map(\.rawValue).joined(separator: ", ")), found \"\(name)\".")
                }
                return arm
            }
            guard !chosen.isEmpty, Set(chosen).count == chosen.count else {
                throw ValidationError("--arms: expected at least one arm, each once, found \"\(arms)\".")
            }
            return chosen
        }
    }

    func run() async throws {
        let set = try BenchmarkCatalog.questionSet(benchmark, format: manifestFormat, type: answers)
        if try chosenArms.contains(.audio), set.items.allSatisfy({ $0.audio == nil }) {
            throw ValidationError(
                "--benchmark: \(benchmark) has no audio. Speak it first: cord speak \(benchmark) --output FOLDER, or ask --arms text."
            )
        }
        let others = try retain.map { try BenchmarkCatalog.questionSet($0) }
        if Set(others.map(\.name)).count < others.count {
            throw ValidationError("--retain: expected sets of different names, found \(others.map(\.name).joined(separator: ", ")).")
        }
        let settings = RunSettings(
            arms: try chosenArms, limit: limit, seed: seed, extraction: extraction, divergence: divergence)
        let respondent = try respondent()
        let run = EvaluationRun(
            set, settings: settings, respondent: respondent, judge: judge, concurrency: askedAtOnce, retaining: others)
        let report = try await measured(run, by: respondent)
        if let output { try ReportFolder(URL(filePath: output)).write(report, set) }
        print(try format.rendered(report, set), terminator: "")
    }

    private var askedAtOnce: Int { concurrency ?? (endpoint == nil ? 256 : 16) }

    private func respondent() throws -> any Respondent {
        var decoding = SamplingOptions.greedy
        decoding.temperature = temperature
        decoding.maxTokens = maxTokens
        if let endpoint, let base = URL(string: endpoint), let modelName {
            let key = try ServerCredentials.secret(apiKey, file: apiKeyFile, option: "--api-key")
            return EndpointRespondent(Endpoint(base: base, key: key, timeout: timeout), model: modelName, decoding: decoding)
        }
        var settings = model.settings
        // Nobody waits for a first token here: all that are asked at once are answered together, in the three quarters of the places that
        // measurements may take, and so many clips are encoded at a time that the threads end together.
        settings.engine.sequences = (askedAtOnce * 4 + 2) / 3
        settings.engine.batchTokens = 2048
        settings.engine.encoderFrames = 8000
        let runtime = try settings.load()
        return runtime.respondent(try runtime.versions.entry(settings.adapters.last?.name), decoding)
    }

    private var judge: FreeFormJudge? {
        guard let judgeEndpoint, let base = URL(string: judgeEndpoint), let judgeModel else { return nil }
        let key = ProcessInfo.processInfo.environment["CORD_JUDGE_KEY"]
        let judge = ModelJudge(endpoint: Endpoint(base: base, key: key, timeout: timeout), model: judgeModel)
        return FreeFormJudge(judge)
    }

    private func measured(_ run: EvaluationRun, by respondent: any Respondent) async throws -> GapReport {
        let bar = ProgressBar("answers")
        defer { bar.end() }
        let folder = output.map { ReportFolder(URL(filePath: $0)) }
        let file = try folder?.progress(try await run.reproducibility(software: Build.version))
        if let file, !file.known.isEmpty { bar.say("going on after \(file.known.count) answers") }
        let measuring = Task {
            try await run.report(
                id: folder?.name ?? "local", software: Build.version, continuing: file?.known ?? [],
                record: { try file?.append($0) },
                progress: { bar.show($0, of: $1) })
        }
        let interrupt = Interrupt { measuring.cancel() }
        defer { interrupt.end() }
        do {
            let report = try await measuring.value
            bar.finish()
            if let engine = (respondent as? EngineRespondent)?.engine, engine.limits.drafting != .off {
                let guesses = engine.statistics
                bar.say("\(guesses.acceptedTokens) of \(guesses.draftTokens) guessed tokens were right, of \(guesses.completionTokens) in all")
            }
            return report
        } catch is CancellationError {
            bar.end()
            bar.say(
                output == nil ? "stopped; with --output a run can go on later" : "stopped; the same command goes on from here")
            throw ExitCode(interrupt.status)
        }
    }
}

extension ExtractionMode: ExpressibleByArgument {}
extension ManifestFormat: ExpressibleByArgument {}
extension TaskType: ExpressibleByArgument {}
