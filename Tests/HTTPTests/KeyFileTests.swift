import Foundation
import HTTP
import Testing

@Suite struct KeyFileTests {
    static let written: [(String, String, String, Scope)] = [
        ("secret", "n", "secret", Scope.all), ("mine=secret", "mine", "secret", .all), ("guest:ask=s", "guest", "s", .ask),
        ("lab:ask,measure=a=b", "lab", "a=b", [.ask, .measure]),
        // base64 ends with signs of equality.
        ("c2VjcmV0Cg==", "n", "c2VjcmV0Cg==", .all), ("c2VjcmV0=", "n", "c2VjcmV0=", .all),
        ("k:train=c2VjcmV0Cg==", "k", "c2VjcmV0Cg==", .train),
    ]

    @Test(arguments: written)
    func keysAreReadAsTheyAreWritten(text: String, name: String, secret: String, scopes: Scope) throws {
        let key = try AccessKey(written: text, name: "n")
        #expect((key.name, key.bearer) == (name, secret))
        #expect(key.scopes == scopes)
    }

    @Test(arguments: [
        "", "=", "==", "=secret", ":ask=secret", "a:=secret", "a:ask,=secret", "a:all=secret", "a:ask train=secret",
    ])
    func whatIsNoKeyIsRefusedWithoutTheSecret(text: String) throws {
        #expect { try AccessKey(written: text, name: "n") } throws: {
            "\($0)".isEmpty == false && !"\($0)".contains("secret=") && !"\($0)".hasSuffix("=secret")
        }
    }

    private func file(_ text: String, mode: Int) throws -> String {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("cord-keys-\(UUID().uuidString)").path
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return path
    }

    @Test func aFileHoldsAKeyALine() throws {
        let path = try file("# of the lab\r\n\n  mine=one  \r\n\t# more\nguest:ask=two#2\n", mode: 0o600)
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(try AccessKey.lines(of: SecretFile(path)) == ["mine=one", "guest:ask=two#2"])
    }

    @Test func aFileThatOthersCanReadIsRefused() throws {
        for (mode, written) in [(0o644, "644"), (0o640, "640"), (0o604, "604"), (0o622, "622")] {
            let path = try file("mine=one\n", mode: mode)
            defer { try? FileManager.default.removeItem(atPath: path) }
            #expect(SecretFile(path).looseMode == written)
            #expect { try AccessKey.lines(of: SecretFile(path)) } throws: {
                "\($0)".contains("mode \(written)") && "\($0)".contains("chmod 600") && !"\($0)".contains("one")
            }
        }
        for mode in [0o600, 0o400, 0o700] {
            let path = try file("mine=one\n", mode: mode)
            defer { try? FileManager.default.removeItem(atPath: path) }
            #expect(SecretFile(path).looseMode == nil)
            #expect(try AccessKey.lines(of: SecretFile(path)) == ["mine=one"])
        }
    }

    @Test func aFileWithoutKeysIsRefused() throws {
        for text in ["", "\n\n", "# nothing\n"] {
            let path = try file(text, mode: 0o600)
            defer { try? FileManager.default.removeItem(atPath: path) }
            #expect(throws: InvalidKey.self) { try AccessKey.lines(of: SecretFile(path)) }
        }
        #expect(throws: InvalidKey.self) { try AccessKey.lines(of: SecretFile("/nonexistent/keys")) }
    }
}
