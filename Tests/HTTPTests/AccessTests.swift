import Foundation
import HTTP
import TestSupport
import Testing

extension OneAtATime {
    @Suite struct AccessTests {
        let keys = [
            AccessKey(name: "reader", secret: "sk-reader", scopes: [.ask]),
            AccessKey(name: "owner", secret: "sk-owner-0123456789"),
        ]

        @Test func routesAskForAKeyOfTheirScope() async throws {
            try await Fixture(keys: keys).everywhere { client async throws in
                func status(_ method: String, _ authorization: String?) async throws -> Int {
                    var headers: Headers = [:]
                    headers["authorization"] = authorization
                    return try await client.send(method, "/models/x", headers: headers, body: []).status
                }
                #expect(try await status("GET", nil) == 401)
                #expect(try await status("GET", "Bearer sk-reade") == 401)
                #expect(try await status("GET", "Bearer sk-readersk-reader") == 401)
                #expect(try await status("GET", "Basic sk-reader") == 401)
                #expect(try await status("GET", "Bearer ") == 401)
                #expect(try await status("GET", "bearer sk-reader") == 200)
                #expect(try await status("DELETE", "Bearer sk-reader") == 403)
                #expect(try await status("DELETE", "Bearer sk-owner-0123456789") == 200)
                #expect(try await client.get("/health").status == 200)
                let refused = try await client.get("/models/x")
                #expect(refused.headers["www-authenticate"] == "Bearer")
                #expect(try errorFields(try await refused.text())["code"] == "invalid_api_key")
            }
        }

        @Test func otherAddressesNeedAKey() async throws {
            for address in ["0.0.0.0", "::"] {
                #expect(throws: DaemonError.keyRequired(address: address)) {
                    try Daemon(Fixture().service, address: address, port: 0)
                }
            }
            let daemon = try Daemon(Fixture(keys: keys).service, address: "0.0.0.0", port: 0)
            #expect(try await SocketClient(port: daemon.port).get("/health").status == 200)
            await daemon.stop()
        }

        @Test func bothFamiliesAreServed() async throws {
            let daemon = try Daemon(Fixture().service, address: "::1", port: 0)
            #expect(daemon.url == "http://[::1]:\(daemon.port)")
            #expect(try await run("curl", ["-s", "-g", daemon.url + "/health"]) == #"{"status":"ok"}"#)
            await daemon.stop()
        }

        @Test func aTakenPortIsNamed() async throws {
            let daemon = try Daemon(Fixture().service, port: 0)
            #expect(throws: DaemonError.addressInUse(address: "127.0.0.1", port: daemon.port)) {
                try Daemon(Fixture().service, port: daemon.port)
            }
            await daemon.stop()
        }

        @Test func foreignOriginsAreRefusedUnlessAllowed() async throws {
            try await Fixture().everywhere { client async throws in
                #expect(
                    try await client.post("/echo", json: "{}", headers: ["origin": "http://localhost"]).status == 200)
                #expect(
                    try await client.post("/echo", json: "{}", headers: ["origin": "https://evil.example"]).status
                        == 403)
                #expect(try await client.post("/echo", json: "{}", headers: ["origin": "null"]).status == 403)
            }
            let open = Fixture(crossOrigin: CrossOrigin(origins: ["https://app.example"]))
            try await open.everywhere { client async throws in
                let answered = try await client.get("/health", headers: ["origin": "https://app.example"])
                #expect(answered.headers["access-control-allow-origin"] == "https://app.example")
                let preflight = try await client.send(
                    "OPTIONS", "/echo",
                    headers: [
                        "origin": "https://app.example", "access-control-request-method": "POST",
                        "access-control-request-headers": "authorization",
                    ], body: [])
                #expect(preflight.status == 204)
                #expect(preflight.headers["access-control-allow-methods"] == "OPTIONS, POST")
                #expect(preflight.headers["access-control-allow-headers"] == "authorization")
                #expect(try await client.get("/models/x", headers: ["origin": "https://evil.example"]).status == 403)
            }
        }

        /// A page whose own name was made to resolve to this machine.
        @Test func foreignNamesAreRefusedUnlessAllowed() async throws {
            try await Fixture(hosts: AllowedHosts(["box.lan"])).everywhere { client async throws in
                func status(_ host: String, _ target: String) async throws -> Int {
                    try await client.get(target, headers: ["host": host]).status
                }
                for host in [
                    "localhost", "LOCALHOST:8080", "cord.localhost", "127.0.0.1:8080", "127.1.2.3", "[::1]:8080", "[::1]",
                    "box.lan",
                    "Box.lan.:8080",
                ] {
                    #expect(try await status(host, "/health") == 200, "\(host)")
                    #expect(try await status(host, "/models/x") == 200, "\(host)")
                }
                for host in [
                    "evil.example", "evil.example:8080", "127.evil.example", "127.0.0.1.evil.example", "localhost.evil.example",
                    "notlocalhost", "10.0.0.1", "[2001:db8::1]", "0.0.0.0",
                ] {
                    #expect(try await status(host, "/health") == 403, "\(host)")
                    let refused = try await client.post("/echo", json: "{}", headers: ["host": host, "origin": "http://\(host)"])
                    #expect(refused.status == 403)
                    #expect(try errorFields(try await refused.text())["code"] == "host_not_allowed")
                }
            }
            try await Fixture(hosts: .any).everywhere { client async throws in
                #expect(try await client.get("/health", headers: ["host": "evil.example"]).status == 200)
            }
        }

        @Test func everyResponseCarriesAnID() async throws {
            try await Fixture(keys: keys, hosts: AllowedHosts([])).everywhere { client async throws in
                for (target, status) in [
                    ("/health", 200), ("/nothing", 404), ("/models/x", 401), ("/fail", 500), ("/events", 200),
                ] {
                    let own = try await client.get(target)
                    #expect(own.status == status)
                    #expect(own.headers["x-request-id"]?.hasPrefix("req_") == true, "\(target)")
                    let named = try await client.get(target, headers: ["x-request-id": "mine-1"])
                    #expect(named.headers.values("x-request-id") == ["mine-1"], "\(target)")
                }
                #expect(try await client.get("/health", headers: ["host": "evil.example"]).headers["x-request-id"] != nil)
            }
            let client = MemoryClient(Fixture().service)
            var ids: Set<String> = []
            for _ in 0..<1000 { ids.insert(try #require(try await client.get("/health").headers["x-request-id"])) }
            #expect(ids.count == 1000)
            #expect(ids.allSatisfy { $0.wholeMatch(of: /req_[0-9a-f]{16}/) != nil })
        }

        @Test func tlsServesWithTheGivenCertificate() async throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
                "cord-tls-\(UInt64.random(in: 0...(.max)))"
            ).path
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let files = Daemon.TLSFiles(certificate: folder + "/certificate.pem", key: folder + "/key.pem")
            #expect(throws: DaemonError.self) { try Daemon(Fixture().service, port: 0, tls: files) }
            _ = try await run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", files.key, "-out",
                    files.certificate,
                ])
            let fixture = Fixture()
            let daemon = try Daemon(fixture.service, port: 0, tls: files)
            let trusted = ["-s", "--cacert", files.certificate, daemon.url]
            #expect(try await run("curl", trusted.dropLast() + [daemon.url + "/health"]) == #"{"status":"ok"}"#)
            #expect(try await run("curl", trusted.dropLast() + [daemon.url + "/events"]).hasSuffix("data: [DONE]\n\n"))
            #expect(
                try await run("curl", ["-s", "-m", "5", daemon.url + "/health"]) == "",
                "an unknown certificate must not be trusted")
            // A client that speaks plainly, and one that goes away while its answer is awaited.
            let plain = try RawSocket(port: daemon.port)
            plain.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            plain.close()
            _ = try await run("curl", trusted.dropLast() + ["-m", "1", daemon.url + "/wait"])
            #expect(await eventually { fixture.cancelled.value == 1 })
            await daemon.stop()
        }
    }
}

/// Runs a program without input and returns what it printed.
func run(_ program: String, _ arguments: [String], errorsToo: Bool = false) async throws -> String {
    try await onThread { Result { try runNow(program, arguments, errorsToo) } }.get()
}

private func runNow(_ program: String, _ arguments: [String], _ errorsToo: Bool) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    let output = Pipe()
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = errorsToo ? output.fileHandleForWriting : FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
}
