import ArgumentParser
import Evaluation
import Files
import Foundation
import Generation
import Glibc
import Tensors
import Workshop

struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check this machine and installation, with advice.",
        discussion: """
            Looks at the CPU, the memory, the parts of the program, the data folder and the port, and lets the model answer. Changes nothing. \
            Exits with 1 where something is in the way of cord serve with the same options.

            EXAMPLES
              cord doctor
              cord doctor --model ~/models/NAME --dtype int8
            """)

    @OptionGroup(title: "Model") var model: ModelOptions
    @Option(help: ArgumentHelp("The data folder. Without it, $XDG_DATA_HOME/cord or ~/.local/share/cord.", valueName: "dir")) var data: String?
    @Option(help: "The port that is to be free.") var port = 8080

    func validate() throws {
        if !(1...65535).contains(port) { throw ValidationError("--port: expected 1 to 65535, found \(port).") }
    }

    func run() async throws {
        var findings = [cpu(), memory()] + parts() + [folder(), address()]
        for finding in findings { print(finding.line) }
        let answered = await answers()
        print(answered.line)
        findings.append(answered)
        let failures = findings.count { $0.verdict == .failure }
        if failures > 0 {
            print("\(failures) of \(findings.count) checks failed")
            throw ExitCode.failure
        }
        print("cord serve can start")
    }

    private func cpu() -> Finding {
        let isSlow = Threads.kernels == "reference"
        return Finding(
            isSlow ? .note : .good, "cpu", AnsweringMachine.description,
            advice: isSlow ? "without AVX2 answers take many times as long; use another machine" : nil)
    }

    private func memory() -> Finding {
        let lines = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8))?.split(separator: "\n") ?? []
        func bytes(_ name: String) -> Int? {
            lines.first { $0.hasPrefix(name + ":") }.flatMap { Int($0.filter(\.isNumber)) }.map { $0 << 10 }
        }
        guard let all = bytes("MemTotal"), let free = bytes("MemAvailable") else { return Finding(.note, "memory", "unknown") }
        let needed = model.cacheSize << 20 + 300 << 20
        return Finding(
            free < needed ? .note : .good, "memory", "\(size(free)) of \(size(all)) are free",
            advice: free < needed ? "the cache alone may take \(model.cacheSize) MiB: give --cache-size less" : nil)
    }

    private func parts() -> [Finding] {
        let decoder = ProgramFolder.place("cord-decode")
        let speaker = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/espeak-ng" }
            .first(where: FileManager.default.isExecutableFile)
        let console = Serve.publicFolder
        return [
            Finding(
                decoder == nil ? .note : .good, "decoder", decoder?.path ?? "there is no cord-decode beside the program",
                advice: decoder == nil ? "WebM, MP4, AAC, CAF and AMR are refused without it: install the package cord-decode" : nil),
            Finding(
                speaker == nil ? .note : .good, "speech", speaker ?? "there is no espeak-ng",
                advice: speaker == nil ? "cord speak and cord nano need it: apt-get install espeak-ng, or give --synthesizer" : nil),
            Finding(
                console == nil ? .note : .good, "console", console?.path ?? "there is no folder Public beside the program",
                advice: console == nil ? "the web page is not served without it: install cord anew, or give --public-folder" : nil),
        ]
    }

    private func folder() -> Finding {
        let folder = data.map { URL(fileURLWithPath: $0, isDirectory: true) } ?? DataFolder.standard
        var place = folder
        while !FileManager.default.fileExists(atPath: place.path), place.path != "/" { place.deleteLastPathComponent() }
        guard FileManager.default.isWritableFile(atPath: place.path) else {
            return Finding(.failure, "data", "\(folder.path): this user may not write to \(place.path)", advice: "give --data a folder of yours")
        }
        let system = try? FileManager.default.attributesOfFileSystem(forPath: place.path)
        let free = (system?[.systemFreeSize] as? NSNumber)?.intValue ?? 0
        let state = place == folder ? folder.path : "\(folder.path), which the first start makes"
        return Finding(
            free < 1 << 30 ? .note : .good, "data", "\(state): \(size(free)) are free",
            advice: free < 1 << 30 ? "versions and uploads need room: free some, or give --data another disk" : nil)
    }

    private func address() -> Finding {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var reuse: Int32 = 1
        unsafe setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = in_port_t(port).bigEndian
        place.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        let status = unsafe withUnsafePointer(to: &place) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        if status == 0 { return Finding(.good, "port", "\(port) is free") }
        let (number, reason) = (errno, FileError.words(errno))
        return Finding(
            .failure, "port", "\(port): \(reason)",
            advice: number == EADDRINUSE
                ? "another server listens there, perhaps cord: give another --port" : "give another --port")
    }

    /// Loads the model and lets it answer, as the first request would.
    private func answers() async -> Finding {
        do {
            let loaded = try model.settings.loadModel()
            var options = SamplingOptions.greedy
            options.maxTokens = 16
            options.ignoresEndOfTurn = true
            let prompt = try loaded.prompt([Message(role: "user", parts: [.text("What is the sum of 7, 9 and 8?")])])
            let (_, timings) = try await Engine(loaded).complete(GenerationRequest(prompt: prompt, options: options))
            let rate = 15 / max(timings.total - timings.firstToken, 1e-9)
            return Finding(.good, "model", "\(loaded.name) loads in \(seconds(loaded.loadSeconds)) and answers with \(Int(rate)) tokens/s")
        } catch {
            return Finding(.failure, "model", "\(FileError(error) ?? error)", advice: "cord models lists the families that can be served")
        }
    }

    private func size(_ bytes: Int) -> String { String(format: "%.1f GB", Double(bytes) / 1e9) }

    private func seconds(_ value: Double) -> String { String(format: "%.2f s", value) }
}

private struct Finding {
    enum Verdict: String { case good = "ok  ", note = "note", failure = "FAIL" }

    let verdict: Verdict
    let line: String

    init(_ verdict: Verdict, _ what: String, _ text: String, advice: String? = nil) {
        self.verdict = verdict
        let name = what.padding(toLength: 8, withPad: " ", startingAt: 0)
        line = "\(verdict.rawValue)  \(name) \(text)" + (advice.map { "\n" + String(repeating: " ", count: 15) + $0 } ?? "")
    }
}
