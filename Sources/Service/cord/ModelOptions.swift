import ArgumentParser
import CordNano
import Files
import Foundation
import Generation
import Models
import Workshop

/// Which model, and how it is kept in memory.
struct ModelOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A model: a directory in the Hugging Face layout, a decoder's GGUF file, or a directory with one decoder and one projector in GGUF. Without it, the embedded cord-nano answers.",
            valueName: "path"))
    var model: String?

    @Option(help: ArgumentHelp("The projector of a decoder in GGUF, with its audio encoder.", valueName: "file"))
    var mmproj: String?

    @Option(
        help: ArgumentHelp(
            "A PEFT LoRA directory to load over the model, as DIR or NAME=DIR; may be repeated. \(CordNano.closedName) is the embedded model's own.",
            valueName: "dir"))
    var adapter: [String] = []

    @Option(help: "How weights are kept: auto, float32, bfloat16, int8 or int4.")
    var dtype: ModelPrecision = .auto

    @Flag(help: "Let --dtype round weights that are quantised already.")
    var requantize = false

    @Option(help: "Threads of the arithmetic. Without it, one for each core.")
    var threads: Int?

    @Option(help: ArgumentHelp("Memory for keys and values, in MiB.", valueName: "mib"))
    var cacheSize = 1024

    @Option(
        help:
            "How keys and values are kept: float32, or int8, in a quarter of the memory (8 bits an element, a scale for each position and head) and faster where many sequences are long. Answers differ a little: YOUR_MODEL.md."
    )
    var kvCacheDtype = KeyValueFormat.float32

    @Option(
        help:
            "Compute guessed tokens of answers in one pass: off, auto (as many as pay on this machine) or ngram (always). It changes how fast answers come, never the answers."
    )
    var draft = Drafting.auto

    func validate() throws {
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads: expected 1 to 1024, found \(threads).") }
        if !(16...1 << 20).contains(cacheSize) { throw ValidationError("--cache-size: expected 16 to 1048576 MiB, found \(cacheSize).") }
        if let mmproj, model == nil { throw ValidationError("--mmproj: \(mmproj) needs its decoder, as --model FILE.gguf.") }
        if let model {
            do { _ = try ModelFiles(URL(fileURLWithPath: model), projector: mmproj.map { URL(fileURLWithPath: $0) }) } catch {
                throw ValidationError("--model: \(FileError(error) ?? error)")
            }
        }
    }

    var settings: ModelSettings {
        var settings = ModelSettings(directory: model.map { URL(fileURLWithPath: $0) } ?? CordNano.directory)
        settings.projector = mmproj.map { URL(fileURLWithPath: $0) }
        settings.requantizes = requantize
        if model == nil { settings.name = "cord-nano" }
        settings.precision = dtype
        settings.threads = threads
        settings.engine.cacheBytes = cacheSize << 20
        settings.engine.cacheFormat = kvCacheDtype
        settings.engine.drafting = draft
        settings.adapters = adapter.map { text in
            if model == nil, text == CordNano.closedName { return (text, CordNano.closedAdapter) }
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            let directory = URL(fileURLWithPath: parts.last ?? text, isDirectory: true)
            return (parts.count == 2 ? parts[0] : directory.lastPathComponent, directory)
        }
        return settings
    }
}

extension ModelPrecision: ExpressibleByArgument {}
extension Drafting: ExpressibleByArgument {}
extension KeyValueFormat: ExpressibleByArgument {}
