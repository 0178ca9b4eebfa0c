import ArgumentParser
import Files
import Foundation
import Speech
import Workshop

struct Speak: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Speak questions: a folder of clips with a manifest, which cord eval measures on.",
        discussion: """
            The same questions, voices and seed give the same clips. What was spoken once is remembered: a run that was stopped goes on where \
            it was. \(RowFormat.help(.typed))

            EXAMPLES
              cord questions --count 60 --seed 3 > questions.jsonl
              cord speak questions.jsonl --output spoken/
              cord speak --built-in --output benchmark/     the built-in benchmark
              cord speak questions.jsonl --output slt/ --voice slt \\
                --synthesizer 'flite -voice {voice} -f {text_file} -o {output}'
              cord speak questions.jsonl --output api/ --voice alloy \\
                --synthesizer-endpoint https://HOST/v1 --synthesizer-model tts-1
              cord speak questions.jsonl --output call/ --telephone --silence 0,2
            """)

    @Argument(help: ArgumentHelp("A JSONL file of questions.", valueName: "questions")) var questions: String?
    @Flag(help: "Speak the questions of the built-in benchmark.") var builtIn = false
    @Option(help: ArgumentHelp("The folder to write.", valueName: "dir")) var output: String
    @Option(help: "Voices: heldout, training, varied (80 of espeak-ng), or anyone: those and more, flite and festival.")
    var voices: VoiceGroup = .heldout
    @Option(
        name: .customLong("voice"),
        help: ArgumentHelp(
            "A synthesiser's voice instead, as NAME, NAME:WORDS_A_MINUTE or NAME:WORDS_A_MINUTE:PITCH (175, 0 to 99); may be repeated.",
            valueName: "voice"))
    var named: [String] = []
    @Option(help: "How many voices speak each question.") var voicesPerQuestion = 1
    @OptionGroup(title: "Synthesiser") var synthesizer: SynthesizerOptions
    @OptionGroup(title: "On the way to the microphone") var conditions: SpeechConditions
    @Option(help: "wav, flac or opus.") var format: SpokenSet.Format = .flac
    @Option(help: "Draws who says what.") var seed: UInt64 = 0
    @Option(help: "Synthesisers that run at once.") var workers = 2
    @Option(help: ArgumentHelp("Where spoken texts are remembered; $XDG_CACHE_HOME/cord/speech without it.", valueName: "dir"))
    var cache: String?

    func validate() throws {
        if builtIn == (questions != nil) { throw ValidationError("Give either a file of questions or --built-in.") }
        let isPlain = try conditions.augmentation() == .none
        if builtIn, !named.isEmpty || synthesizer.isGiven || !isPlain {
            throw ValidationError(
                "--built-in: the built-in benchmark has voices and conditions of its own; give a file of questions to choose others.")
        }
        let speakers = try speakers()
        if Set(speakers.map(\.id)).count < speakers.count { throw ValidationError("--voice: one is given twice.") }
        if !(1...speakers.count).contains(voicesPerQuestion) {
            throw ValidationError("--voices-per-question: expected 1 to \(speakers.count), found \(voicesPerQuestion).")
        }
        if named.isEmpty, synthesizer.isGiven {
            throw ValidationError("The voices of --voices are espeak-ng's: name those of your synthesiser by --voice.")
        }
        if !(1...256).contains(workers) { throw ValidationError("--workers: expected 1 to 256, found \(workers).") }
    }

    func run() async throws {
        let set = builtIn ? try Benchmark.spokenSet() : try given()
        let bar = ProgressBar("clips")
        defer { bar.end() }
        let folder = cache.map { URL(filePath: $0) } ?? Self.userCache
        let needsChorus = !synthesizer.isGiven && set.voices.contains { $0.name.contains(":") }
        let speaker = Speaker(
            synthesizer: needsChorus ? try Chorus() : try synthesizer.make(), cache: try SpeechCache(folder: folder), workers: workers)
        try await set.write(to: URL(filePath: output), speaker: speaker) { bar.show($0, of: $1) }
        bar.end()
        print("\(output): \(set.texts.count) questions by \(set.voices.count) voices")
    }

    private func speakers() throws -> [Voice] {
        try named.isEmpty ? voices.voices : named.map { try Voice(written: $0) }
    }

    private static var userCache: URL {
        let environment = ProcessInfo.processInfo.environment
        let root = environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? NSHomeDirectory() + "/.cache"
        return URL(filePath: root).appending(path: "cord/speech")
    }

    private func given() throws -> SpokenSet {
        guard let questions else { throw ValidationError("Give either a file of questions or --built-in.") }
        let lines = try Data(reading: URL(filePath: questions)).withoutByteOrderMark.split(separator: UInt8(ascii: "\n"))
        let texts = try lines.enumerated().map { place, line in
            do { return try JSONDecoder().decode(SpokenText.self, from: Data(line)) } catch {
                let reason = (error as? DecodingError)?.words ?? "\(error)"
                throw ValidationError("\(questions), line \(place + 1): expected an object with id and text, found another: \(reason).")
            }
        }
        if texts.isEmpty { throw ValidationError("\(questions) holds no questions: expected an object with id and text a line.") }
        return SpokenSet(
            texts: texts, voices: try speakers(), voicesPerText: voicesPerQuestion, augmentation: try conditions.augmentation(),
            format: format, seed: seed)
    }
}

enum VoiceGroup: String, ExpressibleByArgument, CaseIterable {
    case heldout, training, varied, anyone

    var voices: [Voice] {
        switch self {
        case .heldout: Voice.heldOut
        case .training: Voice.training
        case .varied: Voice.varied
        case .anyone: Voice.anyone
        }
    }
}

extension SpokenSet.Format: ExpressibleByArgument {}
