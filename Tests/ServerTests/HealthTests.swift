import API
import Foundation
import HTTP
import TestSupport
import Testing
import Workers
import Workshop

import Server

@Suite struct HealthTests {
    @Test func reasonsOfBeingDegradedAreToldToOperatorsAndTheWordToAll() async throws {
        let fixture = try Fixture()
        func status() async throws -> String? { try await fixture.memory.get("/health").json()["status"]?.text }
        func metrics() async throws -> [String] {
            try await fixture.memory.get("/metrics").text().split(separator: "\n").map(String.init)
                .filter { $0.hasPrefix("cord_degraded") }
        }
        #expect(try await status() == "ok")
        #expect(try await metrics() == ["cord_degraded 0"])
        fixture.state.condition.degrade("the version \"a\" is damaged")
        fixture.state.condition.degrade("a clip is missing")
        fixture.state.condition.degrade("the version \"a\" is damaged")
        let health = try await fixture.memory.get("/health")
        #expect(health.status == 200)
        #expect(try await health.text() == #"{"status":"degraded"}"#)
        #expect(
            try await metrics() == [
                #"cord_degraded{reason="the version \"a\" is damaged"} 1"#, #"cord_degraded{reason="a clip is missing"} 1"#,
            ])
        fixture.state.end()
        #expect(try await status() == "loading")
    }

    @Test func heartbeatIsLateAfterItsPatience() {
        let heartbeat = Heartbeat()
        let start = SuspendingClock.now
        heartbeat.beat(at: start)
        #expect(!heartbeat.isLate(at: start))
        #expect(!heartbeat.isLate(at: start + Heartbeat.patience - .milliseconds(1)))
        #expect(heartbeat.isLate(at: start + Heartbeat.patience + .milliseconds(1)))
        heartbeat.beat(at: start + Heartbeat.patience)
        #expect(!heartbeat.isLate(at: start + Heartbeat.patience + .milliseconds(1)))
    }

    /// The route reads what the heartbeat's task has noted: without the task it is late, with it in time again.
    @Test func healthFollowsTheHeartbeat() async throws {
        let fixture = try Fixture()
        fixture.state.heartbeat.stop()
        // The task that was stopped notes its last beat before it sees that.
        await pause(for: Heartbeat.interval * 2)
        fixture.state.heartbeat.beat(at: .now - Heartbeat.patience - .seconds(1))
        let late = try await fixture.memory.get("/health")
        #expect(late.status == 503)
        #expect(try await late.text() == #"{"status":"late"}"#)
        #expect(late.headers["retry-after"] != nil)
        fixture.state.heartbeat.start()
        #expect(try await fixture.memory.get("/health").status == 200)
    }
}
