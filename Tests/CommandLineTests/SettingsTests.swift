import Foundation
import TestSupport
import Testing

@Suite struct SettingsTests {
    private func line(_ key: String, in output: String) -> String? {
        output.split(separator: "\n").first { $0.hasPrefix("\(key) =") || $0.hasPrefix("# \(key) =") }.map(String.init)
    }

    @Test func theCommandLineGoesBeforeTheEnvironmentBeforeTheFile() throws {
        let folder = try TemporaryFolder()
        let file = try folder.file("cord.toml", "port = 1\nmax-queue = 2\nmax-body = 3\nallow-host = [\"a.org\", \"b.org\"]\naccept-store = true\n")
        let run = try Cord(
            "serve", "--config", file, "--max-queue", "30", "--print-config",
            environment: ["CORD_MAX_QUEUE": "20", "CORD_MAX_BODY": "21", "CORD_ORIGIN": "https://a.org, https://b.org"])
        #expect(run.status == 0, "\(run.errors)")
        #expect(line("max-queue", in: run.output) == "max-queue = 30  # command line")
        #expect(line("max-body", in: run.output) == "max-body = 21  # CORD_MAX_BODY")
        #expect(line("port", in: run.output) == "port = 1  # \(file)")
        #expect(line("allow-host", in: run.output) == "allow-host = [\"a.org\", \"b.org\"]  # \(file)")
        #expect(line("accept-store", in: run.output) == "accept-store = true  # \(file)")
        #expect(line("origin", in: run.output) == "origin = [\"https://a.org\", \"https://b.org\"]  # CORD_ORIGIN")
        #expect(line("max-answers", in: run.output) == "# max-answers = 64" && line("log-level", in: run.output) == "# log-level = \"info\"")
    }

    @Test func whatIsPrintedIsReadAgain() throws {
        let folder = try TemporaryFolder()
        let first = try Cord("serve", "--port", "5", "--origin", "https://a.org", "--max-audio", "2.5", "--print-config").output
        let file = try folder.file("cord.toml", first)
        let second = try Cord("serve", "--print-config", environment: ["CORD_CONFIG": file]).output
        let odd = try Cord("serve", "--data", "007", "--audio-folder", "a \"b\"\n\\c/é", "--print-config").output
        let again = try Cord("serve", "--config", try folder.file("odd.toml", odd), "--print-config").output
        for key in ["data", "audio-folder"] {
            #expect(line(key, in: again) == line(key, in: odd)?.replacing("# command line", with: "# \(folder.url.path)/odd.toml"))
        }
        for key in ["port", "origin", "max-audio"] {
            #expect(line(key, in: second) == line(key, in: first)?.replacing("# command line", with: "# \(file)"))
        }
    }

    @Test func keysAreCountedAndNotPrinted() throws {
        let run = try Cord("serve", "--api-key", "abcdefghijklmnop", "--print-config")
        #expect(run.status == 0, "\(run.errors)")
        #expect(!run.output.contains("abcdefghijklmnop"))
        #expect(line("api-key", in: run.output) == "# api-key = [\"…\"]  # command line")
        let added = try Cord("serve", "--api-key", "abcdefghijklmnop", "--print-config", environment: ["CORD_API_KEY": "qrstuvwxyz"])
        #expect(line("api-key", in: added.output) == "# api-key = [\"…\", \"…\"]  # command line, CORD_API_KEY")
        #expect(!added.output.contains("qrstuvwxyz"))
    }

    @Test(arguments: [
        ("prot = 3", "unknown key `prot`. Did you mean `port`?"), ("xyz = 3", "unknown key `xyz`"),
        ("port = [1, 2]", "`port`: expected one value, found array"),
        ("port = 1\nport = 2", "port"), ("origin = [1979-05-27]", "`origin`: expected a value or an array of values"),
        ("port = ", "line 1"), ("[serve]\nport = 1", "unknown key `serve`"), ("config = \"x\"", "unknown key `config`"),
    ])
    func aFileThatCannotBeReadIsRefusedByName(text: String, message: String) throws {
        let folder = try TemporaryFolder()
        let file = try folder.file("cord.toml", text)
        let run = try Cord("serve", "--config", file, "--print-config")
        #expect(run.status != 0)
        #expect(run.errors.contains(file) && run.errors.contains(message), "\(run.errors)")
    }

    @Test func aValueThatDoesNotFitIsBlamedOnItsPlace() throws {
        let folder = try TemporaryFolder()
        let file = try folder.file("cord.toml", "max-queue = 0\n")
        let byFile = try Cord("serve", "--config", file)
        #expect(byFile.status == 64)
        #expect(byFile.errors.contains("--max-queue is set by \(file)."))
        let byVariable = try Cord("serve", environment: ["CORD_PORT": "many"])
        #expect(byVariable.status == 64)
        #expect(byVariable.errors.contains("--port is set by CORD_PORT."))
        let perhaps = try Cord("serve", environment: ["CORD_ACCEPT_STORE": "perhaps"])
        #expect(perhaps.errors.contains("CORD_ACCEPT_STORE: expected true or false, found perhaps"))
        #expect(try Cord("serve", "--config", "/nonexistent/cord.toml").errors.contains("/nonexistent/cord.toml cannot be read"))
    }
}
