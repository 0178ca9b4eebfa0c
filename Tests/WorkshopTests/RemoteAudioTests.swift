import HTTP
import TestSupport
import Testing
import Workshop

@Suite struct RemoteAudioTests {
    private func server() throws -> Daemon {
        var router = Router()
        router.get("/clip") { _ in Response(contentType: "audio/wav", bytes: [UInt8](repeating: 7, count: 1000)) }
        router.get("/moved") { _ in Response(status: 302, headers: ["location": "/clip"]) }
        router.get("/slow") { _ in
            try await Task.sleep(for: .seconds(20))
            return .text("late")
        }
        return try Daemon(Service(router: router), port: 0)
    }

    private func remote(maxBytes: Int = 1000) -> RemoteAudio {
        RemoteAudio(hosts: ["127.0.0.1"], maxBytes: maxBytes, time: .seconds(4), allowsPrivateAddresses: true)
    }

    @Test func fileOfAnAllowedHostIsFetchedWithinItsBounds() async throws {
        let daemon = try server()
        let bytes = try await remote().bytes(daemon.url + "/clip", at: "url")
        #expect(bytes.count == 1000)
        let cases: [(String, WorkshopError.Kind, Int)] = [
            ("/clip", .fetchTooLarge, 999), ("/moved", .fetchFailed, 1000), ("/missing", .fetchFailed, 1000), ("/slow", .fetchFailed, 1000),
        ]
        for (path, kind, most) in cases {
            let error = await #expect(throws: WorkshopError.self) {
                try await remote(maxBytes: most).bytes(daemon.url + path, at: "url")
            }
            #expect(error?.kind == kind, "\(path)")
            #expect(error?.place == "url", "\(path)")
        }
        await daemon.stop()
    }

    @Test func redirectsNeverBringTheServerDown() async throws {
        let daemon = try server()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<60 {
                group.addTask {
                    await #expect(throws: WorkshopError.self) {
                        try await remote().bytes(daemon.url + "/moved", at: "url")
                    }
                }
            }
            try await group.waitForAll()
        }
        await daemon.stop()
    }

    @Test(arguments: [
        ("10.1.2.3", false), ("127.0.0.1", false), ("100.64.0.1", false), ("169.254.169.254", false), ("172.31.0.1", false),
        ("192.168.1.1", false), ("224.0.0.1", false), ("8.8.8.8", true), ("::1", false), ("fd00::1", false), ("fe80::1", false),
        ("::ffff:10.0.0.1", false), ("2606:4700::1111", true), ("2001:db8::1", false),
    ])
    func onlyPublicAddressesPass(address: String, isPublic: Bool) {
        #expect(RemoteAudio.hasPublicAddresses(address) == isPublic)
    }
}
