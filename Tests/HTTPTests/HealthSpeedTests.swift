import Foundation
import HTTP
import Testing

/// The rate of `/health` over a bare daemon, for work on the daemon itself; `benchmarks/speed/health.sh` measures the program.
@Suite struct HealthSpeedTests {
    @Test(.enabled(if: ProcessInfo.processInfo.environment["CORD_SPEED"] != nil, "set CORD_SPEED to measure"))
    func healthUnderLoad() async throws {
        let threads = Int(ProcessInfo.processInfo.environment["CORD_SPEED"] ?? "") ?? 2
        let daemon = try Daemon(Fixture().service, port: 0, threads: threads)
        for target in ["/health", "/models/abc"] {
            let output = try await run("wrk", ["-t1", "-c64", "-d6s", "--latency", daemon.url + target])
            print(target, output)
            #expect(!output.contains("Non-2xx") && !output.contains("Socket errors"))
        }
        await daemon.stop()
    }
}
