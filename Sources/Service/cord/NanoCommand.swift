import ArgumentParser
import CordNano
import Foundation
import Generation
import Pretraining
import Speech
import Training

struct Nano: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make cord-nano from nothing: text, speech, hearing, listening, joining, and CORD.",
        discussion: """
            Each stage logs to DIR/STAGE/log.jsonl and leaves DIR/STAGE/model; a run that was stopped goes on where it was, and ends with the \
            seconds that each stage took by its log. Questions come from cord's own generator, voices from espeak-ng, flite and \
            festival. DIR/model is the model before CORD, DIR/adapter what CORD learnt over it.

            EXAMPLES
              cord nano --output nano
              cord eval --model nano/model --output before
              cord eval --model nano/model --adapter nano/adapter --output after
              cord gap compare before after
            """)

    @Option(help: ArgumentHelp("Where everything is kept.", valueName: "dir")) var output: String
    @Option(
        help: ArgumentHelp(
            "Whose shapes, tokenizer and chat format the model gets; cord-nano's own without it.", valueName: "dir"))
    var like: String?
    @Option(help: "Draws weights, questions, voices and batches.") var seed: UInt64 = 1
    @Option(help: "Questions to be spoken, by two voices each.") var questions = 12_000
    @Option(help: "Of these, the questions whose spoken answers the joining stage learns.") var labelled = 8_000
    @Option(
        help: ArgumentHelp("A model that reads and hears already: the stages text and hearing are passed over.", valueName: "dir"))
    var from: String?
    @Option(help: "Steps of the text stage.") var textSteps: Int?
    @Option(help: "Steps of the hearing stage.") var hearingSteps: Int?
    @Option(help: "Steps of the listening stage.") var listeningSteps: Int?
    @Option(help: "Steps of the joining stage.") var joiningSteps: Int?
    @Option(help: "Pairs that CORD learns from: half as many questions, by two voices each.") var pairs: Int?

    func validate() throws {
        if let pairs, pairs < 2 || pairs % 2 == 1 {
            throw ValidationError("--pairs: expected an even number, two voices to a question; found \(pairs).")
        }
        let counts = [
            ("questions", questions), ("text-steps", textSteps), ("hearing-steps", hearingSteps), ("listening-steps", listeningSteps),
            ("joining-steps", joiningSteps), ("labelled", labelled),
        ]
        for case (let name, let value?) in counts + [("pairs", pairs)] where !(1...1 << 32).contains(value) {
            throw ValidationError("--\(name): expected 1 to \(1 << 32), found \(value).")
        }
    }

    func run() async throws {
        var recipe = Recipe(seed: seed)
        recipe.questions = questions
        recipe.labelled = labelled
        recipe.start = from.map { URL(fileURLWithPath: $0, isDirectory: true) }
        if let textSteps { recipe.text.steps = textSteps }
        if let hearingSteps { recipe.hearing.steps = hearingSteps }
        if let listeningSteps { recipe.listening.steps = listeningSteps }
        if let joiningSteps { recipe.joining.steps = joiningSteps }
        let bar = ProgressBar("clips")
        defer { bar.end() }
        let template = try LoadedModel(
            directory: like.map { URL(fileURLWithPath: $0, isDirectory: true) } ?? CordNano.directory, precision: .float32)
        let folder = URL(fileURLWithPath: output, isDirectory: true)
        let synthesizer = try Chorus()
        let model = try await recipe.run(
            like: template, in: folder, synthesizer: synthesizer,
            speaking: { bar.show($0, of: $1) },
            progress: { progress in
                guard progress.step % 10 == 0 || progress.step == progress.steps else { return }
                let metrics = progress.metrics.sorted { $0.key < $1.key }.map { "\($0.key) \(($0.value * 1e5).rounded() / 1e5)" }
                bar.say(
                    "\(progress.stage) \(progress.step)/\(progress.steps)  " + metrics.joined(separator: "  ")
                        + "  \((progress.seconds * 1e3).rounded() / 1e3) s")
            })
        var closing = Closing(seed: seed)
        if let pairs { closing.pairs = pairs }
        let adapter = try await closing.run(
            model: model, name: "cord-nano", in: folder, synthesizer: synthesizer, speaking: { bar.show($0, of: $1) },
            progress: { progress in
                if progress.step % 10 == 0 || progress.step == progress.totalSteps { bar.say(Train.Run.line(progress, left: nil)) }
            })
        let times = StageTime.all(in: folder)
        for time in times { bar.say("\(time.stage): \(time.steps) steps, \(Int(time.seconds.rounded())) s") }
        bar.say("together: \(Int(times.reduce(0) { $0 + $1.seconds }.rounded())) s, speech apart")
        print(model.path)
        print(adapter.path)
    }
}
