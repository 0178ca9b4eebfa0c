import ArgumentParser
import Encodings
import Foundation
import Generation
import Objectives
import Tensors
import Training

/// What a training reads.
struct TrainingDataOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("The pairs, as JSON lines or CSV, or a folder with them.", valueName: "manifest")) var manifest: String

    @Option(
        help: ArgumentHelp(
            "Pairs that are not trained on, on which the weights are measured before the first step and after the last.", valueName: "manifest"))
    var validation: String?
    @Option(help: ArgumentHelp("Measure on the validation pairs after so many steps, too.", valueName: "steps")) var evalEvery: Int?
    @Option(help: ArgumentHelp("Draw so many validation pairs by the seed, once. Without it, all.", valueName: "pairs")) var evalPairs: Int?
    @Option(
        help: ArgumentHelp(
            """
            Prompts on which the weights are held to the frozen teacher, so that what no pair asks for is not forgotten: lines as cord questions \
            writes them, or turns ("messages"), spoken ones too. The teacher's own greedy answers are taught, or the last turn where it is the \
            assistant's.
            """, valueName: "file"))
    var replay: String?
    @Option(help: ArgumentHelp("Lines of --replay in a step, as a share of its pairs. Without it, 0.5.", valueName: "share")) var replayShare: Double?
    @Option(
        help: ArgumentHelp(
            "Where it is remembered which clips were heard and what the teacher answered, for other runs too. Without it, DIR/cache.",
            valueName: "dir"))
    var cache: String?
    @Option(
        help: ArgumentHelp(
            "Lines of a manifest that may be left out because nothing can be learnt from them: no such clip, no text, too long. Each is named.",
            valueName: "lines"))
    var maxSkipped = 0

    func validate() throws {
        if maxSkipped < 0 { throw ValidationError("--max-skipped: expected at least 0, found \(maxSkipped).") }
        try NumericOption.check([
            (.evalEvery, evalEvery.map(Double.init)), (.validationPairs, evalPairs.map(Double.init)), (.replayShare, replayShare),
        ])
        if replayShare != nil, replay == nil { throw ValidationError("--replay-share needs lines to replay: give --replay.") }
        for (name, value) in [("eval-every", evalEvery), ("eval-pairs", evalPairs)] where value != nil {
            if validation == nil { throw ValidationError("--\(name) needs pairs to measure on: give --validation.") }
        }
    }

    /// The pairs of a manifest, once every clip was heard.
    ///
    /// - Parameter checks: what was heard before.
    func pairs(_ place: String, for use: RowUse, by model: LoadedModel, _ checks: PairChecks) async throws -> CheckedPairs {
        let bar = ProgressBar("pairs")
        defer { bar.end() }
        let file: URL
        do throws(ManifestError) {
            let found = try PairManifest.find(URL(fileURLWithPath: place))
            if let note = found.note { bar.say(note) }
            file = found.manifest
        } catch {
            throw TrainingError.manifest(path: place, line: nil, reason: "\(error)")
        }
        let checked = try await PairManifest(file, for: use)
            .checked(by: model, maxSkipped: maxSkipped, checks: checks, width: Threads.count) { bar.show($0, of: $1) }
        bar.end()
        for line in checked.skipped { bar.say("\(place), line \(line.line), is left out: \(line.reason)") }
        return checked
    }
}
