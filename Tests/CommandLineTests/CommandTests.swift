import Files
import Foundation
import TestSupport
import Testing
import Workshop

@Suite struct CommandTests {
    @Test(arguments: [
        (["srve"], "cord serve"), (["gap", "compar"], "cord gap compare"), (["evla"], "cord eval"), (["version"], "cord versions"),
    ])
    func aMistypedCommandIsNamedWithTheNearest(words: [String], meant: String) throws {
        let run = try Cord(words)
        #expect(run.status == 64)
        #expect(run.errors.contains("there is no command 'cord \(words.joined(separator: " "))'. Did you mean '\(meant)'?"))
    }

    @Test(arguments: [
        (["train", "--output", "x", "--batch", "3"], "'--batch'. Did you mean '--batch-size'?\n"),
        (["eval", "--benchmrk", "x"], "'--benchmrk'. Did you mean '--benchmark'?\n"),
        (["ask", "--text", "hi"], "'--text'\n"), (["serve", "--prot", "1"], "'--prot'. Did you mean '--port'?\n"),
    ])
    func anUnknownOptionIsNamedWithWhatItIsShortForOrNear(words: [String], told: String) throws {
        let run = try Cord(words)
        #expect(run.status == 64)
        #expect(run.errors.contains("Unknown option " + told), "\(run.errors)")
    }

    @Test func aCommandLikeNoOtherIsAnsweredWithTheList() throws {
        let run = try Cord("frobnicate")
        #expect(run.status == 64)
        #expect(run.errors.contains("There are: serve, ask, transcribe, eval,"))
    }

    /// Commands stand in examples as they are typed: no line of 80 columns breaks one.
    @Test func noExampleIsBroken() throws {
        struct Dump: Decodable {
            let command: Command
            struct Command: Decodable {
                let commandName: String
                let discussion: String?
                let subcommands: [Command]?
            }
        }
        let dump = try JSONDecoder().decode(Dump.self, from: Data(try Cord("--experimental-dump-help").output.utf8))
        var commands: [(path: [String], command: Dump.Command)] = [([], dump.command)]
        var examples = 0
        while let (path, command) = commands.popLast() {
            commands += (command.subcommands ?? []).filter { $0.commandName != "help" }.map { (path + [$0.commandName], $0) }
            let help = try Cord(path + ["--help"]).output.split(separator: "\n")
            for line in (command.discussion ?? "").split(separator: "\n") where line.hasPrefix("  ") {
                examples += 1
                #expect(help.contains(line), "\(path.joined(separator: " ")): \(line)")
            }
        }
        #expect(examples > 40)
    }

    /// What `--help` says of rows is the table of the formats, as the page and OpenAPI are.
    @Test(arguments: [
        ("train run", RowFormat.Use.training), ("jobs create", .training), ("eval", .questions), ("gap add", .questions), ("speak", .typed),
    ])
    func helpTellsEveryKindOfRow(command: String, use: RowFormat.Use) throws {
        let help = try Cord(command.split(separator: " ").map(String.init) + ["--help"], environment: ["COLUMNS": "10000"]).output
        for format in RowFormat.all where format.use == use { #expect(help.contains("\(format.name): \(format.members)"), "\(format.name)") }
        #expect(help.contains(use.readBy.replacing("`", with: "")))
    }

    /// Also how a command is written, of which the options stay whole.
    @Test(arguments: [60, 80, 120]) func helpKeepsToTheWidthOfTheTerminal(columns: Int) throws {
        for command in [["serve"], ["eval"], ["train"], ["gap", "runs"], ["gap", "run"], ["files", "download"], ["nano"], ["doctor"], ["ask"]] {
            let help = try Cord(command + ["--help"], environment: ["COLUMNS": "\(columns)"])
            let lines = help.output.split(separator: "\n")
            #expect(help.status == 0 && lines.contains { $0.hasPrefix("USAGE: cord \(command.joined(separator: " "))") })
            #expect(lines.allSatisfy { $0.count <= columns }, "\(command): \(lines.filter { $0.count > columns })")
        }
        let wrong = try Cord("files", "download", "--frob", environment: ["COLUMNS": "\(columns)"])
        #expect(wrong.status == 64 && wrong.errors.split(separator: "\n").allSatisfy { $0.count <= columns }, "\(wrong.errors)")
    }

    @Test(arguments: [
        (["gap", "compare", "PATH", "PATH"], "it is not JSON", "there is no such file", "PATH/report.json cannot be read: there is no such file"),
        (["speak", "--output", "PATH-x", "PATH"], "it is not JSON", "there is no such file", "it is a folder"),
        (["serve", "--print-config", "--config", "PATH"], "expected '='", "there is no such file", "it is a folder"),
        (["serve", "--print-scopes", "--api-key-file", "PATH"], "other users can read", "there is no such file", "it is a folder"),
        (["serve", "--port", "0", "--tls-certificate", "PATH", "--tls-key", "PATH"], "TLS", "there is no such file", "it is a folder"),
        (["gap", "add", "--server", "http://127.0.0.1:1/v1", "PATH"], "no server at http://127.0.0.1:1:", "there is no such file", "no server at"),
        (["files", "upload", "--server", "http://127.0.0.1:1", "PATH"], "no server at http://127.0.0.1:1:", "there is no such file", "no server at"),
    ])
    func aPathThatDoesNotFitIsToldInWords(command: [String], text: String, missing: String, folder: String) throws {
        let place = try TemporaryFolder()
        let file = try place.file("text", "no such thing\n")
        for (path, words) in [(file, text), (file + "-gone", missing), (place.url.path, folder)] {
            let run = try Cord(command.map { $0.replacing("PATH", with: path) }, environment: ["XDG_CACHE_HOME": place.url.path])
            #expect(run.status != 0 && run.errors.contains(words.replacing("PATH", with: path)), "\(path): \(run.errors)")
            for raw in ["NSCocoaErrorDomain", "DecodingError", "could not be completed"] { #expect(!run.errors.contains(raw), "\(run.errors)") }
        }
    }

    @Test func theProgramAloneSaysWhatIsMissing() throws {
        let folder = try TemporaryFolder()
        let copy = folder.url.appendingPathComponent("cord")
        try FileManager.default.copyItem(at: Cord.program, to: copy)
        let run = try Cord("ask", "What is 2 plus 3?", program: copy)
        #expect(run.status == 1)
        #expect(run.errors.hasPrefix("Error: \(folder.url.path)/cord_CordNano.resources is missing"))
        #expect(run.errors.split(separator: "\n").count == 1)
    }

    @Test func throughALinkItFindsItsParts() throws {
        let folder = try TemporaryFolder()
        let link = folder.url.appendingPathComponent("cord")
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: Cord.program)
        let run = try Cord("tokenize", "two", program: link)
        #expect(run.status == 0, "\(run.errors)")
    }
}

@Suite struct DoctorTests {
    /// A full disk under what a program prints is a failure with a name, and never a crash.
    @Test(arguments: [["models"], ["questions"], ["ask", "What is 8 plus 5?"], ["ask", "--json", "What is 8 plus 5?"]])
    func outputThatDoesNotArriveIsAFailure(words: [String]) throws {
        let process = Process()
        process.executableURL = try Cord.program
        process.arguments = words
        let errors = Pipe()
        (process.standardOutput, process.standardError) = (FileHandle(forWritingAtPath: "/dev/full"), errors)
        try process.run()
        let told = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit && process.terminationStatus == 1)
        #expect(told.contains("Standard output cannot be written"), "\(told)")
    }

    @Test func workGoesOnWhereNobodyReadsItsProgress() throws {
        let process = Process()
        process.executableURL = try Cord.program
        process.arguments = ["eval", "--limit", "2"]
        let output = Pipe()
        (process.standardOutput, process.standardError) = (output, FileHandle(forWritingAtPath: "/dev/full"))
        try process.run()
        let told = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0 && told.contains("gap"), "\(told)")
    }

    @Test func whatFailsInTheWorkIsNoMatterOfHowTheCommandIsWritten() throws {
        let run = try Cord("ask", "--json", "nowhere.wav")
        #expect(run.status == 1 && !run.errors.contains("Usage"), "\(run.errors)")
    }

    @Test func whatIsRecognisedOfAModelIsTold() throws {
        let checkpoint = fixtures.deletingLastPathComponent().deletingLastPathComponent().appending(path: "Sources/Model/CordNano/Checkpoint")
        let run = try Cord("models", checkpoint.path)
        #expect(run.status == 0 && run.output.contains("\nclips of up to 20 s, 25.0 tokens a second\n"), "\(run.output)")
        let wrong = try Cord("models", fixtures.path)
        #expect(wrong.status == 1 && wrong.errors.contains("config.json"), "\(wrong.errors)")
    }

    @Test func aMachineThatCanServeIsTold() throws {
        let folder = try TemporaryFolder()
        let run = try Cord("doctor", "--port", "1", "--data", folder.url.path)
        let lines = run.output.split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix("ok    model    cord-nano loads in") }, "\(run.output)")
        #expect(lines.contains { $0.hasPrefix("ok    data     \(folder.url.path): ") })
    }

    @Test func whatIsInTheWayIsNamedWithAdvice() throws {
        let run = try Cord("doctor", "--model", "Tests")
        #expect(run.status == 64 && run.errors.contains("/Tests, and no GGUF file"))
        let listener = LocalServer(replies: [])
        let second = try Cord("doctor", "--port", "\(listener.port)")
        #expect(second.status == 1)
        #expect(second.output.contains("FAIL  port     \(listener.port): "), "\(second.output)")
        #expect(second.output.contains("another server listens there"))
        #expect(second.output.hasSuffix("1 of 8 checks failed\n"))
    }
}
