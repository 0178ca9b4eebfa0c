import Foundation
import HTTP
import TestSupport
import Testing

extension OneAtATime {
    /// What a server offers to clients of all kinds, told by OpenSSL's.
    @Suite struct TLSTests {
        @Test(arguments: [["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], ["rsa:2048"]])
        func onlyTLSFrom12WithForwardSecrecyIsSpoken(key: [String]) async throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cord-tls-\(UUID().uuidString)").path
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let files = Daemon.TLSFiles(certificate: folder + "/certificate.pem", key: folder + "/key.pem")
            _ = try await run(
                "openssl",
                ["req", "-x509", "-newkey"] + key + [
                    "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", files.key, "-out", files.certificate,
                ])
            let daemon = try Daemon(Fixture().service, port: 0, tls: files)

            /// The protocol and the cipher suite that were agreed upon; `nil` where none were.
            func handshake(_ arguments: String...) async throws -> (version: String, cipher: String)? {
                let text = try await run(
                    "openssl", ["s_client", "-connect", "127.0.0.1:\(daemon.port)", "-brief"] + arguments, errorsToo: true)
                func value(_ name: String) -> String? {
                    text.split(separator: "\n").first { $0.hasPrefix(name) }.map { String($0.dropFirst(name.count)) }
                }
                guard text.contains("CONNECTION ESTABLISHED"), let version = value("Protocol version: "),
                    let cipher = value("Ciphersuite: ")
                else { return nil }
                return (version, cipher)
            }
            // Level 0 lets OpenSSL itself offer what is obsolete.
            for version in ["-tls1", "-tls1_1"] {
                #expect(try await handshake(version, "-cipher", "ALL:@SECLEVEL=0") == nil, "\(version)")
            }
            for cipher in ["AES128-SHA", "AES256-SHA", "AES128-GCM-SHA256", "kRSA", "aNULL", "eNULL", "3DES", "RC4", "kPSK"] {
                #expect(try await handshake("-tls1_2", "-cipher", "\(cipher):@SECLEVEL=0") == nil, "\(cipher)")
            }
            let newest = try #require(try await handshake())
            #expect(newest.version == "TLSv1.3")
            let older = try #require(try await handshake("-tls1_2"))
            #expect(older.version == "TLSv1.2" && older.cipher.hasPrefix("ECDHE-"), "\(older)")
            await daemon.stop()
        }

        @Test func aCertificateIsReplacedWhileConnectionsStand() async throws {
            let folder = try TemporaryFolder()
            let files = Daemon.TLSFiles(certificate: folder.url.path + "/certificate.pem", key: folder.url.path + "/key.pem")
            func certify(_ name: String) async throws {
                _ = try await run(
                    "openssl",
                    [
                        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=\(name)",
                        "-keyout", files.key, "-out", files.certificate,
                    ])
            }
            try await certify("first")
            let fixture = Fixture()
            let daemon = try Daemon(fixture.service, port: 0, tls: files)
            func subject() async throws -> String {
                let text = try await run("openssl", ["s_client", "-connect", "127.0.0.1:\(daemon.port)"], errorsToo: true)
                return text.split(separator: "\n").first { $0.hasPrefix("subject=") }.map(String.init) ?? "none"
            }
            #expect(try await subject().hasSuffix("first"))
            // Under way while the certificate is replaced: it is answered by the old one's connection.
            async let waiting = run("curl", ["-sk", "-m", "20", daemon.url + "/wait?ms=4000"])
            #expect(await eventually { fixture.started.value == 1 })
            try await certify("second")
            try daemon.reloadCertificate()
            #expect(try await subject().hasSuffix("second"))
            try "no certificate".write(toFile: files.certificate, atomically: true, encoding: .utf8)
            #expect(throws: DaemonError.self) { try daemon.reloadCertificate() }
            #expect(try await subject().hasSuffix("second"))
            #expect(try await waiting == "waited")
            try await certify("third")
            for _ in 0..<3 { try daemon.reloadCertificate() }
            #expect(try await subject().hasSuffix("third"))
            await daemon.stop()
            #expect(try await subject() == "none")
        }
    }
}
