import ArgumentParser
import Audio
import Foundation
import Generation
import Randomness
import Tensors
import Workshop

/// Measures a model on this machine: time to first token of a typed and a heard prompt, tokens per second of one and of many answers.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure the speed of a model on this machine.",
        discussion: """
            Prints one CSV row per measurement: what, value, unit, runs (the median of them is the value).
              cord bench
              cord bench --model DIR --dtype bfloat16 --audio question.wav
            """)

    @OptionGroup var model: ModelOptions

    @Option(help: "A sound file to hear; 4 seconds of noise without it.")
    var audio: String?
    @Option(help: "Tokens per answer.")
    var tokens = 128
    @Option(help: "Runs of each measurement.")
    var runs = 5

    func validate() throws {
        if !(2...1 << 20).contains(tokens) { throw ValidationError("--tokens: expected 2 to \(1 << 20), found \(tokens).") }
        if !(1...10_000).contains(runs) { throw ValidationError("--runs: expected 1 to 10000, found \(runs).") }
    }

    func run() async throws {
        let loaded = try model.settings.loadModel()
        print("what,value,unit,runs")
        print("kernels \(Threads.kernels),\(Threads.count),threads,1")
        row("load", [loaded.loadSeconds], "s")
        let clip = try heard()
        var silent = RandomStream(seed: 1, index: 0)
        let text = "Question " + (0..<12).map { _ in String(silent.next() % 100) }.joined(separator: " ")
        try await firstToken(loaded, "typed first token", [.text(text)])
        try await firstToken(loaded, "spoken first token", [.audio(clip)])
        for count in [1, 8] { try await decode(loaded, [.text(text)], answers: count) }
    }

    private func heard() throws -> AudioClip {
        if let audio {
            return try AudioDecoder.decode(
                [UInt8](Data(contentsOf: URL(fileURLWithPath: audio))), limits: AudioLimits(maxSeconds: 30))
        }
        var random = RandomStream(seed: 2, index: 0)
        return AudioClip(samples: (0..<64_000).map { _ in Float(random.unit() - 0.5) * 0.1 })
    }

    /// A fresh engine each time: nothing is remembered from the run before.
    private func firstToken(_ loaded: LoadedModel, _ what: String, _ parts: [HeardMessage.Part]) async throws {
        var seconds: [Double] = []
        for _ in 0...runs {
            let engine = Engine(loaded)
            let start = ContinuousClock.now
            var options = SamplingOptions.greedy
            options.maxTokens = 1
            options.ignoresEndOfTurn = true
            let prompt = try loaded.prompt([Message(role: "user", parts: parts)])
            _ = try await engine.complete(GenerationRequest(prompt: prompt, options: options))
            seconds.append((ContinuousClock.now - start) / .seconds(1))
        }
        row(what, Array(seconds.dropFirst()), "s")
    }

    private func decode(_ loaded: LoadedModel, _ parts: [HeardMessage.Part], answers: Int) async throws {
        var rates: [Double] = []
        let prompt = try loaded.prompt([Message(role: "user", parts: parts)])
        let engine = Engine(loaded)
        for _ in 0...runs {
            var options = SamplingOptions.greedy
            options.maxTokens = tokens
            options.count = answers
            options.ignoresEndOfTurn = true
            let (_, timings) = try await engine.complete(GenerationRequest(prompt: prompt, options: options))
            rates.append(Double((tokens - 1) * answers) / (timings.total - timings.firstToken))
        }
        row("decode of \(answers)", Array(rates.dropFirst()), "tokens/s")
    }

    private func row(_ what: String, _ values: [Double], _ unit: String) {
        let median = values.sorted()[values.count / 2]
        print("\(what),\(String(format: "%.4g", median)),\(unit),\(values.count)")
    }
}
