import Foundation
import HTTP
import TestSupport
import Testing

extension OneAtATime {
    @Suite struct ClientsThatGoTests {
        @Test func leavingMidStreamCancelsTheHandler() async throws {
            let fixture = Fixture()
            try await fixture.everywhere { client async throws in
                let before = fixture.cancelled.value
                do {
                    let response = try await client.get("/forever")
                    var chunks = response.chunks.makeAsyncIterator()
                    _ = try await chunks.next()
                }
                #expect(await eventually { fixture.cancelled.value == before + 1 })
            }
        }

        @Test func leavingWhileTheHandlerWaitsCancelsIt() async throws {
            let fixture = Fixture()
            try await fixture.served { daemon async throws in
                let socket = try RawSocket(port: daemon.port)
                socket.send("GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
                #expect(await eventually { fixture.started.value == 1 })
                socket.close()
                #expect(await eventually { fixture.cancelled.value == 1 })
                #expect(await eventually { fixture.observed.all.map(\.status) == [499] })
                #expect(try await SocketClient(port: daemon.port).get("/health").status == 200)
            }
        }

        @Test func aClientThatDoesNotReadHoldsTheProducerBack() async throws {
            let fixture = Fixture()
            try await fixture.served { daemon async throws in
                let socket = try RawSocket(port: daemon.port)
                socket.send("GET /flood HTTP/1.1\r\nHost: localhost\r\n\r\n")
                #expect(await eventually { fixture.started.value > 10 })
                try await Task.sleep(for: .milliseconds(300))
                let written = fixture.started.value
                try await Task.sleep(for: .milliseconds(300))
                // The kernel's buffers and the pipe's are full: nothing more is produced.
                #expect(fixture.started.value == written)
                #expect(written < 2000)
                for _ in 0..<200 { _ = await socket.receive() }
                #expect(await eventually { fixture.started.value > written })
                socket.close()
                #expect(await eventually { fixture.cancelled.value == 1 })
            }
        }

        @Test func twoHundredStreamsAtOnceAreWhole() async throws {
            let fixture = Fixture()
            let before = openDescriptors()
            try await fixture.served { daemon async throws in
                let client = SocketClient(port: daemon.port)
                let texts = try await withThrowingTaskGroup(of: String.self) { group in
                    for _ in 0..<200 { group.addTask { try await client.get("/events?count=20&slow=1").text() } }
                    return try await group.reduce(into: [String]()) { $0.append($1) }
                }
                let expected = (0..<20).map { "data: event \($0)\n\n" }.joined() + "data: [DONE]\n\n"
                #expect(texts.count == 200)
                #expect(texts.allSatisfy { $0 == expected })
            }
            #expect(
                await eventually { openDescriptors() <= before }, "\(before) descriptors became \(openDescriptors())")
        }

        @Test func noDescriptorStaysOpen() async throws {
            try await Fixture().served { _ in }
            let before = openDescriptors()
            for _ in 0..<5 {
                let fixture = Fixture()
                try await fixture.served { daemon async throws in
                    let client = SocketClient(port: daemon.port)
                    for _ in 0..<20 {
                        _ = try await client.get("/events").text()
                        _ = try await client.post("/refuse", json: "{}").text()
                        let socket = try RawSocket(port: daemon.port)
                        socket.send("GET /forever HTTP/1.1\r\nHost: localhost\r\n\r\n")
                        _ = await socket.receive()
                        socket.close()
                    }
                }
            }
            #expect(
                await eventually { openDescriptors() <= before }, "\(before) descriptors became \(openDescriptors())")
        }

        @Test func stoppingEndsWhatIsInFlight() async throws {
            let fixture = Fixture()
            let daemon = try Daemon(fixture.service, port: 0)
            let sockets = try (0..<10).map { _ in try RawSocket(port: daemon.port) }
            for (i, socket) in sockets.enumerated() {
                socket.send("GET \(i % 2 == 0 ? "/wait" : "/forever") HTTP/1.1\r\nHost: localhost\r\n\r\n")
            }
            #expect(await eventually { fixture.started.value == 10 })
            await daemon.stop()
            #expect(fixture.cancelled.value == 10)
            // The clients stay until here: it was not their leaving that ended the requests.
            for socket in sockets { socket.close() }
        }

        @Test func drainingRefusesTheNewAndFinishesTheOld() async throws {
            let fixture = Fixture()
            let daemon = try Daemon(fixture.service, port: 0)
            let client = SocketClient(port: daemon.port)
            async let answer = client.get("/wait?ms=600").text()
            #expect(await eventually { fixture.started.value == 1 })
            async let drained: Void = daemon.drain(within: .seconds(10))
            try await Task.sleep(for: .milliseconds(150))
            for target in ["/health", "/models/x"] {
                let refused = try await client.get(target)
                #expect(refused.status == 503)
                #expect(refused.headers["connection"]?.lowercased() == "close")
                #expect(refused.headers["retry-after"] != nil)
            }
            #expect(try await answer == "waited")
            await drained
            await #expect(throws: ClientError.self) { try await client.get("/health") }
        }
    }
}
