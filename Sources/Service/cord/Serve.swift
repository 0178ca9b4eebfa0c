import ArgumentParser
import CordNano
import Files
import Foundation
import Generation
import Glibc
import HTTP
import Judging
import Logging
import Server
import Workshop

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Answer questions over HTTP.",
        discussion: """
            EXAMPLES
              cord serve
              curl --data-binary @question.wav -H 'Content-Type: audio/wav' \\
                localhost:8080/v1/answers
              curl -H 'Content-Type: application/json' localhost:8080/v1/answers \\
                -d '{"text": "What is the sum of 7, 9 and 8?"}'

              cord serve --host 0.0.0.0 --api-key-file ~/cord.keys
              cord serve --model ~/models/NAME --dtype bfloat16
              cord serve --config /etc/cord/cord.toml

            OpenAI's clients work with base_url http://localhost:8080/v1. Every route is described at /openapi.json.
            SIGTERM lets the answers in flight finish and exits. SIGHUP reads the files of keys and the certificate again and interrupts nothing.
            """)

    @OptionGroup(title: "Model") var model: ModelOptions

    @Option(help: "The address to listen on. Any but this machine's own needs a key.")
    var host = "127.0.0.1"

    @Option(help: "The port; 0 takes a free one.")
    var port = 8080

    @Option(
        help: ArgumentHelp(
            "A key that clients send as Bearer token: SECRET, NAME=SECRET or NAME:SCOPES=SECRET with scopes ask, measure and train; may be repeated. CORD_API_KEY gives one too. Other users see arguments: a file hides them.",
            valueName: "key"))
    var apiKey: [String] = []

    @Option(
        help: ArgumentHelp(
            "A file of keys, each on a line and written as for --api-key; # begins a comment. Only its owner may be able to read it; may be repeated.",
            valueName: "file"))
    var apiKeyFile: [String] = []

    @Option(
        help: ArgumentHelp(
            "A TOML file with these options, such as max-queue = 64. CORD_MAX_QUEUE goes before it, and the command line before both. Without it, the one that CORD_CONFIG names.",
            valueName: "file"))
    var config: String?

    @Flag(help: "Print the options in force and where they come from, as such a file, and exit.")
    var printConfig = false

    @Flag(help: "Print which scope opens which route, as a table, and exit.")
    var printScopes = false

    @Option(help: ArgumentHelp("A PEM file with the certificate chain, for TLS.", valueName: "file"))
    var tlsCertificate: String?

    @Option(help: ArgumentHelp("A PEM file with the private key.", valueName: "file"))
    var tlsKey: String?

    @Option(
        help: ArgumentHelp("An origin whose web pages may call, such as https://example.org; * allows all; may be repeated.", valueName: "origin"))
    var origin: [String] = []

    @Option(
        help: ArgumentHelp(
            "A name that a server without keys answers to, beside localhost and --host; * allows all; may be repeated.", valueName: "name"))
    var allowHost: [String] = []

    @Option(help: ArgumentHelp("The one folder from which clients may load adapters.", valueName: "dir"))
    var adapterFolder: String?

    @Option(
        help: ArgumentHelp(
            "The folder for versions, jobs, files and reports. Without it, $XDG_DATA_HOME/cord or ~/.local/share/cord.", valueName: "dir"))
    var data: String?

    @Flag(
        help:
            "Go on with the data folder's store as it is, where it is missing, empty, older or another's than the contents beside it. Contents that it does not name are set aside."
    )
    var acceptStore = false

    @Option(help: ArgumentHelp("The one folder from which requests may name clips by path.", valueName: "dir"))
    var audioFolder: String?

    @Option(help: ArgumentHelp("An endpoint whose model may judge answers; may be repeated. CORD_JUDGE_KEY is its key.", valueName: "url"))
    var judgeEndpoint: [String] = []

    @Option(
        help: ArgumentHelp(
            "A reward that trainings may name: an http or https address, or a command as for cord train --reward; may be repeated. CORD_REWARD_KEY is the addresses' key.",
            valueName: "name=command"))
    var reward: [String] = []

    @Option(help: ArgumentHelp("The most that a reward may take for one group of rollouts.", valueName: "seconds"))
    var rewardTimeout = 60.0

    @Option(help: ArgumentHelp("A host from which audio_url may fetch; may be repeated. Without any, only data: URLs are heard.", valueName: "host"))
    var audioHost: [String] = []

    @Option(help: ArgumentHelp("The folder of the web page. Without it, Public beside the program or above it.", valueName: "dir"))
    var publicFolder: String?

    @Option(help: ArgumentHelp("The largest request body, in MiB.", valueName: "mib"))
    var maxBody = 64

    @Option(help: ArgumentHelp("The largest upload, in MiB.", valueName: "mib"))
    var maxUpload = 512

    @Option(help: ArgumentHelp("The longest clip, in seconds. Without it, what the model hears.", valueName: "seconds"))
    var maxAudio: Double?

    @Option(help: ArgumentHelp("The longest prompt, in tokens. Without it, the model's context.", valueName: "tokens"))
    var maxPrompt: Int?

    @Option(help: ArgumentHelp("Questions that wait for a place; more get 429.", valueName: "count"))
    var maxQueue = 256

    @Option(help: ArgumentHelp("Answers that grow at the same time.", valueName: "count"))
    var maxAnswers = 64

    @Option(help: ArgumentHelp("Time for one answer, in seconds.", valueName: "seconds"))
    var maxTime = 300.0

    @Option(help: ArgumentHelp("Connections of one address.", valueName: "count"))
    var maxConnections = 2048

    @Option(help: "How much is logged: debug, info, notice, warning or error.")
    var logLevel = Logger.Level.info

    @Option(help: "How the log on standard error is written: text or json, an object a line.")
    var logFormat = ServerLog.Format.text

    func validate() throws {
        if !(0...65535).contains(port) { throw ValidationError("--port: expected 0 to 65535, found \(port).") }
        if (tlsCertificate == nil) != (tlsKey == nil) {
            throw ValidationError("TLS needs both --tls-certificate and --tls-key.")
        }
        for (name, value) in [
            ("--max-body", maxBody), ("--max-queue", maxQueue), ("--max-answers", maxAnswers), ("--max-prompt", maxPrompt ?? 1),
            ("--max-connections", maxConnections), ("--max-upload", maxUpload),
        ] where value < 1 {
            throw ValidationError("\(name): expected at least 1, found \(value).")
        }
        for (name, value) in [("--max-body", maxBody), ("--max-upload", maxUpload)] where value > 1 << 14 {
            throw ValidationError("\(name): expected at most 16384 MiB, found \(value).")
        }
        if let maxAudio, !(maxAudio > 0 && maxAudio <= 86_400) {
            throw ValidationError("--max-audio: expected up to 86400 seconds, found \(maxAudio).")
        }
        if !(maxTime > 0 && maxTime <= 86_400) { throw ValidationError("--max-time: expected up to 86400 seconds, found \(maxTime).") }
        if !(0.001...86_400).contains(rewardTimeout) {
            throw ValidationError("--reward-timeout: expected 0.001 to 86400 seconds, found \(rewardTimeout).")
        }
        _ = try keys()
        _ = try rewards()
    }

    func run() async throws {
        if printScopes {
            print(ScopeTable.markdown(try ServerState(try configuration()).router()), terminator: "")
            return
        }
        // What a server keeps is its owner's: answers, training data, weights.
        _ = umask(0o077)
        LoggingSystem.bootstrap { [logFormat] in ServerLog(label: $0, format: logFormat) }
        defer { LogLines.standardError.flush() }
        var logger = Logger(label: "cord")
        logger.logLevel = logLevel
        try await Application(try configuration(), logger: logger).run()
    }

    private func configuration() throws -> ServerConfiguration {
        var configuration = ServerConfiguration(model.settings)
        if model.model == nil, !configuration.model.adapters.contains(where: { $0.name == CordNano.closedName }) {
            configuration.model.adapters.append((CordNano.closedName, CordNano.closedAdapter))
        }
        if model.model == nil { configuration.work.keptAdapters = [CordNano.closedName] }
        configuration.host = host
        configuration.port = port
        configuration.keys = try keys()
        configuration.currentKeys = { [apiKey, apiKeyFile] in try Self.keys(apiKey, files: apiKeyFile) }
        if let tlsCertificate, let tlsKey { configuration.tls = .init(certificate: tlsCertificate, key: tlsKey) }
        configuration.origins = Set(origin)
        configuration.allowedHosts = Set(allowHost)
        configuration.adapterFolder = adapterFolder.map { URL(fileURLWithPath: $0, isDirectory: true) }
        configuration.dataFolder = data.map { URL(fileURLWithPath: $0, isDirectory: true) } ?? DataFolder.standard
        configuration.work.acceptsStore = acceptStore
        configuration.work.audioFolder = audioFolder.map { URL(fileURLWithPath: $0, isDirectory: true) }
        configuration.work.judgeEndpoints = judgeEndpoint
        configuration.work.judgeKey = ProcessInfo.processInfo.environment["CORD_JUDGE_KEY"]
        configuration.work.rewards = try rewards()
        configuration.limits.audioHosts = Set(audioHost.map { $0.lowercased() })
        configuration.publicFolder = publicFolder.map { URL(fileURLWithPath: $0, isDirectory: true) } ?? Self.publicFolder
        configuration.http.bodyBytes = maxBody << 20
        configuration.uploadBytes = maxUpload << 20
        configuration.http.connectionsPerAddress = maxConnections
        if let maxAudio { configuration.limits.clipSeconds = maxAudio }
        configuration.limits.promptTokens = maxPrompt
        configuration.limits.time = .seconds(maxTime)
        configuration.model.engine.queue = maxQueue
        configuration.model.engine.sequences = maxAnswers
        return configuration
    }

    private func rewards() throws -> [String: Reward] {
        var rewards: [String: Reward] = [:]
        let key = ProcessInfo.processInfo.environment["CORD_REWARD_KEY"]
        for written in reward {
            let parts = written.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, let name = parts.first, name.count <= 128,
                name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) })
            else { throw ValidationError("--reward: expected NAME=COMMAND or NAME=ADDRESS, NAME of letters, digits, -, _ and ., found \(written).") }
            guard rewards[name] == nil else { throw ValidationError("--reward: the name \(name) is given twice.") }
            do { rewards[name] = try Reward(parts[1], name: name, key: key, timeout: rewardTimeout) } catch {
                throw ValidationError("--reward: \(error).")
            }
        }
        return rewards
    }

    private func keys() throws -> [AccessKey] { try Self.keys(apiKey, files: apiKeyFile) }

    private static func keys(_ given: [String], files: [String]) throws -> [AccessKey] {
        let environment = ProcessInfo.processInfo.environment["CORD_API_KEY"].map { ["CORD_API_KEY": [$0]] } ?? [:]
        var sources = [("--api-key", given)] + environment.map { ($0.key, $0.value) }
        for file in files {
            do { sources.append(("--api-key-file \(file)", try AccessKey.lines(of: SecretFile(file)))) } catch {
                throw ValidationError("--api-key-file: \(error).")
            }
        }
        var keys: [AccessKey] = []
        for (source, written) in sources {
            for text in written {
                do { keys.append(try AccessKey(written: text, name: "key\(keys.count + 1)")) } catch {
                    throw ValidationError("\(source): \(error).")
                }
            }
        }
        return keys
    }

    /// `Public` beside the program, or above it where a build left it, or in the working directory.
    static var publicFolder: URL? {
        var places: [URL] = []
        for folder in ProgramFolder.candidates {
            places += sequence(first: folder) { $0.path == "/" ? nil : $0.deletingLastPathComponent() }.prefix(5)
        }
        places.append(URL(fileURLWithPath: FileManager.default.currentDirectoryPath, isDirectory: true))
        return places.map { $0.appendingPathComponent("Public", isDirectory: true) }.first {
            FileManager.default.fileExists(atPath: $0.appendingPathComponent("index.html").path)
        }
    }
}
