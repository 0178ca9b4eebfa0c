import API
import ArgumentParser
import Files
import Foundation
import Generation
import HTTP
import Server
import Workshop

struct Transcribe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write down what is said in recordings, here or by a running server.",
        discussion: """
            EXAMPLES
              cord transcribe meeting.flac
              cord transcribe --format srt talk.mp3 > talk.srt
              cord transcribe --format vtt --output subtitles talks/*.ogg
              arecord -f S16_LE -r 16000 -d 5 | cord transcribe -
              cord transcribe --server http://127.0.0.1:8080 --language en meeting.flac
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case text, json, verbose, srt, vtt

        var wire: TranscriptionRequest.Format {
            switch self {
            case .text: .text
            case .json: .json
            case .verbose: .verbose
            case .srt: .srt
            case .vtt: .vtt
            }
        }

        var ending: String {
            switch self {
            case .text: "txt"
            case .json, .verbose: "json"
            case .srt: "srt"
            case .vtt: "vtt"
            }
        }
    }

    @OptionGroup(title: "Model") var model: ModelOptions

    @Argument(help: ArgumentHelp("Sound files, or - for standard input.", valueName: "file"))
    var files: [String]

    @Option(help: "As what it is written; verbose is JSON with the times of what was said between pauses.")
    var format = Format.text

    @Option(
        name: [.short, .long], help: ArgumentHelp("A folder for one file a recording. Without it, all goes to standard output.", valueName: "folder"))
    var output: String?

    @Option(help: ArgumentHelp("The address of a running server that hears; no model is loaded here.", valueName: "url"))
    var server: String?

    @Option(help: ArgumentHelp("With --server: the model or version that hears. Without it, the server's first.", valueName: "name"))
    var name: String?

    @OptionGroup var credentials: ServerCredentials

    @Option(help: "What is spoken, as en (ISO 639-1). Without it, the model finds out.")
    var language: String?

    @Option(help: ArgumentHelp("Names and terms that may occur.", valueName: "text"))
    var prompt: String?

    @Flag(help: "Write it in English, where the model can.")
    var translate = false

    func validate() throws {
        if files.count(where: { $0 == "-" }) > 1 { throw ValidationError("Standard input can be read once; found \"-\" twice.") }
        if files.count > 1, output == nil, format != .text {
            throw ValidationError("--output: expected a folder where several recordings are written as \(format.rawValue).")
        }
        if output != nil, let twice = Dictionary(grouping: files, by: outputName).first(where: { $0.value.count > 1 }) {
            throw ValidationError("--output: \(twice.value.joined(separator: " and ")) would both be \(twice.key).")
        }
        if let server {
            _ = try ServerAddress(server, credentials)
            if model.model != nil || !model.adapter.isEmpty {
                throw ValidationError("--model and --adapter load a model here; with --server, name one of the server's by --name.")
            }
        } else if name != nil || credentials.isGiven {
            throw ValidationError("--name, --key and --api-key-file go with --server.")
        }
    }

    func run() async throws {
        do { try await transcribe() } catch {
            guard let refusal = HTTPError(refusing: error) else { throw error }
            FileHandle.standardError.write(Data("Error: \(refusal.message)\n".utf8))
            throw ExitCode.failure
        }
    }

    private func transcribe() async throws {
        // Before the model is loaded: a file that is not there is told at once.
        let recordings = try files.map { file in
            let place = URL(fileURLWithPath: file)
            return (name: file, bytes: try file == "-" ? FileHandle.standardInput.readDataToEndOfFile() : Data(reading: place))
        }
        let folder = output.map { URL(fileURLWithPath: $0, isDirectory: true) }
        if let folder { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }
        let settings = model.settings
        let runtime = try server == nil ? settings.load() : nil
        for (file, recording) in recordings {
            let text: String
            if let runtime {
                let wish = TranscriptionWish(task: translate ? .translate : .transcribe, language: language, context: prompt)
                text = try await WrittenTranscript(
                    try await runtime.transcribe(recording, wish, model: settings.adapters.last?.name), as: format.wire
                ).text
            } else {
                text = try await asked(recording, named: file)
            }
            let whole = text.hasSuffix("\n") ? text : text + "\n"
            if let folder {
                let place = folder.appending(path: outputName(file))
                try Data(whole.utf8).write(to: place, options: .atomic)
                print(place.path)
            } else {
                print(files.count > 1 ? "\(file): \(whole)" : whole, terminator: "")
            }
        }
    }

    /// By the server, in the same form.
    private func asked(_ recording: Data, named file: String) async throws -> String {
        let address = try ServerAddress(server ?? "", credentials)
        var fields = ["response_format": format.wire.rawValue]
        (fields["model"], fields["language"], fields["prompt"]) = (name, language, prompt)
        let form = MultipartUpload(named: file == "-" ? "recording" : URL(fileURLWithPath: file).lastPathComponent, recording).form(fields)
        let path = translate ? "/v1/audio/translations" : "/v1/audio/transcriptions"
        return String(decoding: try await address.bytes("POST", path, body: form.body, type: form.type), as: UTF8.self)
    }

    /// Of a recording's file, the name of what is written of it.
    private func outputName(_ file: String) -> String {
        let name = file == "-" ? "recording" : URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
        return name + "." + format.ending
    }
}
