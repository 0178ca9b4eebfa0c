import Foundation
import HTTP
import TestSupport
import Testing

extension OneAtATime {
    @Suite struct LimitTests {
        @Test func bodiesBeyondTheLimitAre413() async throws {
            let body = [UInt8](repeating: 1, count: (1 << 20) + 1)
            try await Fixture().everywhere { client async throws in
                let refused = try await client.send("POST", "/echo", headers: [:], body: body)
                #expect(refused.status == 413)
                #expect(try errorFields(try await refused.text())["code"] == "body_too_large")
                #expect(
                    try await client.send("POST", "/echo", headers: [:], body: Array(body.dropLast())).status == 200)
            }
            try await Fixture().served { daemon async throws in
                let client = SocketClient(port: daemon.port, chunked: true)
                let refused = try await client.send("POST", "/echo", headers: [:], body: body)
                #expect(refused.status == 413)
                #expect(try errorFields(try await refused.text())["code"] == "body_too_large")
            }
        }

        @Test func aDeclaredLengthBeyondTheLimitIsRefusedBeforeTheBody() async throws {
            try await Fixture().served { daemon async throws in
                let socket = try RawSocket(port: daemon.port)
                socket.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000000\r\n\r\n")
                #expect(await socket.receiveAll().hasPrefix("HTTP/1.1 413"))
            }
        }

        /// A client that sends everything before it reads gets the refusal, not a broken connection: of the length, of the key, of the route.
        @Test func whoeverSendsFirstReadsTheRefusalOfALargeBody() async throws {
            let body = [UInt8](repeating: 1, count: 40 << 20)
            try await Fixture().served { daemon async throws in
                for (path, status) in [("/echo", 413), ("/nothing", 404)] {
                    let socket = try RawSocket(port: daemon.port)
                    socket.send("POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.count)\r\n\r\n")
                    #expect(await onThread { socket.send(body) }, "\(path): the connection broke")
                    socket.send("GET /models/first HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    let text = await socket.receiveAll()
                    #expect(text.hasPrefix("HTTP/1.1 \(status)"), "\(text.prefix(200))")
                    // All of the body was read, so the connection goes on.
                    #expect(text.components(separatedBy: "HTTP/1.1 200").count == 2, "\(text)")
                }
            }
        }

        @Test func allBodiesTogetherAreBounded() async throws {
            var limits = Limits()
            limits.bodyBytesInTotal = 100_000
            try await Fixture(limits: limits).served { daemon async throws in
                let client = SocketClient(port: daemon.port)
                #expect(
                    try await client.send("POST", "/echo", headers: [:], body: [UInt8](repeating: 1, count: 200_000))
                        .status
                        == 503)
                for _ in 0..<5 {
                    #expect(
                        try await client.send("POST", "/echo", headers: [:], body: [UInt8](repeating: 1, count: 90_000))
                            .status == 200)
                }
            }
        }

        /// What lies on the disk takes no memory, and is read as if it did.
        @Test func largeUploadsLieOnTheDisk() async throws {
            let folder = try TemporaryFolder()
            var limits = Limits()
            (limits.spoolFolder, limits.spoolsFrom, limits.bodyBytesInTotal, limits.spooledBytesInTotal) = (folder.url, 50_000, 60_000, 500_000)
            let content = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            func form(_ content: some Sequence<UInt8>) -> [UInt8] {
                Array("--b0\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n".utf8) + content + Array("\r\n--b0--\r\n".utf8)
            }
            let headers: Headers = ["content-type": "multipart/form-data; boundary=b0"]
            try await Fixture(limits: limits).served { daemon async throws in
                for isChunked in [false, true] {
                    let client = SocketClient(port: daemon.port, chunked: isChunked)
                    for _ in 0..<4 {
                        let large = try await client.send("POST", "/upload", headers: headers, body: form(content))
                        #expect(large.status == 200 && large.headers["content-type"] == "x/disk")
                        #expect(try await large.bytes() == content)
                    }
                    let small = try await client.send("POST", "/upload", headers: headers, body: form(content.prefix(30_000)))
                    #expect(small.headers["content-type"] == "x/memory")
                    #expect(try await small.bytes() == Array(content.prefix(30_000)))
                    for (count, status) in [(600_000, 503), (2 << 20, isChunked ? 503 : 413)] {
                        let body = form([UInt8](repeating: 1, count: count))
                        #expect(try await client.send("POST", "/upload", headers: headers, body: body).status == status)
                    }
                }
                let cut = try await SocketClient(port: daemon.port).send("POST", "/upload", headers: headers, body: Array(form(content).dropLast(10)))
                #expect(cut.status == 400)
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
            limits.spoolFolder = folder.url.appending(path: "absent")
            try await Fixture(limits: limits).served { daemon async throws in
                let client = SocketClient(port: daemon.port)
                #expect(try await client.send("POST", "/upload", headers: headers, body: form(content)).status == 503)
            }
        }

        @Test func headersBeyondTheLimitAre431() async throws {
            try await Fixture().served { daemon async throws in
                let socket = try RawSocket(port: daemon.port)
                socket.send(
                    "GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: \(String(repeating: "x", count: 50_000))\r\n\r\n"
                )
                #expect(await socket.receiveAll().hasPrefix("HTTP/1.1 431"))
            }
        }

        @Test(arguments: [
            "GET\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n\r\n",
            "GET /health HTTP/1.1\r\nHost: x\r\n folded\r\nno colon\r\n\r\n",
        ])
        func malformedRequestsAreRefusedAndTheNextIsAnswered(message: String) async throws {
            try await Fixture().served { daemon async throws in
                let socket = try RawSocket(port: daemon.port)
                socket.send(message)
                async let text = socket.receiveAll()
                try await Task.sleep(for: .milliseconds(200))
                socket.close()
                let answer = await text
                #expect(!answer.hasPrefix("HTTP/1.1 2") && !answer.hasPrefix("HTTP/1.1 500"), "\(answer)")
                #expect(try await SocketClient(port: daemon.port).get("/health").status == 200)
            }
        }

        @Test func requestsBeyondThoseInFlightAre429() async throws {
            var limits = Limits()
            limits.requestsInFlight = 2
            let fixture = Fixture(limits: limits)
            try await fixture.served { daemon async throws in
                let client = SocketClient(port: daemon.port)
                async let first = client.get("/wait?ms=500").status
                async let second = client.get("/wait?ms=500").status
                #expect(await eventually { fixture.started.value == 2 })
                let third = try await client.get("/wait?ms=1")
                #expect(third.status == 429)
                #expect(third.headers["retry-after"] == "1")
                #expect(try await client.get("/health").status == 200)
                #expect(try await first == 200)
                #expect(try await second == 200)
                #expect(try await client.get("/wait?ms=1").status == 200)
            }
        }

        @Test func connectionsBeyondThoseOfAnAddressAre429() async throws {
            var limits = Limits()
            limits.connectionsPerAddress = 3
            try await Fixture(limits: limits).served { daemon async throws in
                let client = SocketClient(port: daemon.port)
                let held = try (0..<3).map { _ in try RawSocket(port: daemon.port) }
                #expect(try await client.get("/health").status == 429)
                for socket in held { socket.close() }
                try await Task.sleep(for: .milliseconds(100))
                #expect(try await client.get("/health").status == 200)
            }
        }

        @Test func aThousandDrippingClientsHoldNobodyUpAndAreCutOff() async throws {
            var limits = Limits()
            limits.requestTime = .milliseconds(1500)
            let before = openDescriptors()
            try await Fixture(limits: limits).served { daemon async throws in
                let head = Array("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n".utf8)
                // Half of them drip their headers, half their body.
                let sockets = try (0..<1000).map { _ in try RawSocket(port: daemon.port) }
                for (i, socket) in sockets.enumerated() where i % 2 == 0 { socket.send(head) }
                let client = SocketClient(port: daemon.port)
                for step in 0..<5 {
                    for (i, socket) in sockets.enumerated() { socket.send(i % 2 == 0 ? [0x61] : [head[step]]) }
                    let start = ContinuousClock.now
                    #expect(try await client.get("/models/x").status == 200)
                    #expect(ContinuousClock.now - start < .milliseconds(500))
                    try await Task.sleep(for: .milliseconds(300))
                }
                try await Task.sleep(for: .milliseconds(700))
                for socket in sockets { #expect(await socket.receiveAll().hasPrefix("HTTP/1.1 408")) }
            }
            #expect(await eventually { openDescriptors() <= before })
        }

        @Test func idleConnectionsAreClosedInSilence() async throws {
            var limits = Limits()
            limits.idleTime = .milliseconds(300)
            try await Fixture(limits: limits).served { daemon async throws in
                let socket = try RawSocket(port: daemon.port)
                socket.send("GET /models/a HTTP/1.1\r\nHost: localhost\r\n\r\n")
                let text = await socket.receiveAll()
                #expect(text.hasPrefix("HTTP/1.1 200"))
                #expect(!text.contains("408"))
            }
        }

        @Test func oneConnectionCarriesManyRequests() async throws {
            try await Fixture().served { daemon async throws in
                let socket = try RawSocket(port: daemon.port)
                for i in 0..<50 {
                    socket.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n\(10 + i)")
                    var answer = ""
                    while !answer.hasSuffix("\r\n\r\n\(10 + i)"), case let more = await socket.receive(), !more.isEmpty {
                        answer += String(decoding: more, as: UTF8.self)
                    }
                    #expect(answer.hasPrefix("HTTP/1.1 200") && answer.hasSuffix("\r\n\r\n\(10 + i)"), "\(answer)")
                }
            }
        }
    }
}
