import Encodings
package import Foundation
import FoundationNetworking
import Glibc
import Remote
import Workers

/// The bytes behind an `audio_url`: a `data:` URL, or a file on one of the hosts that the operator allows.
///
/// A fetch follows no redirects, refuses addresses that are not public, and is limited in bytes and in time. The time includes the look-up of the
/// host's name.
package struct RemoteAudio: Sendable {
    private let hosts: Set<String>
    private let maxBytes: Int
    private let time: Duration
    private let allowsPrivateAddresses: Bool
    /// A look-up cannot be stopped. A caller that gives up leaves it running.
    private static let names = WorkQueue(name: "names", width: 4, limit: 32, abandons: true)

    /// - Parameter allowsPrivateAddresses: Allows servers on this machine, for tests.
    package init(hosts: Set<String>, maxBytes: Int, time: Duration, allowsPrivateAddresses: Bool = false) {
        self.hosts = hosts
        self.maxBytes = maxBytes
        self.time = time
        self.allowsPrivateAddresses = allowsPrivateAddresses
    }

    /// Fetches the clip unless it came with the request.
    func fetched(_ sound: SubmittedSound) async throws -> SubmittedSound {
        guard case .url(let url) = sound.content, !DataURL.begins(url) else { return sound }
        return SubmittedSound(.bytes(try await bytes(url, at: sound.place)), at: sound.place)
    }

    /// - Parameter place: The path of the URL in the request, for errors.
    /// - Throws: ``WorkshopError``
    package func bytes(_ url: String, at place: String) async throws -> Data {
        @Sendable func refused(_ message: String, _ kind: WorkshopError.Kind = .urlNotAllowed) -> WorkshopError {
            WorkshopError(kind, message, at: place)
        }
        guard let target = URL(string: url), let scheme = target.scheme?.lowercased() else {
            throw refused("The audio_url is not a URL.", .invalidURL)
        }
        guard scheme == "https" || scheme == "http" else {
            throw refused("An audio_url is a data: URL, or http or https; found \(scheme).")
        }
        guard let host = target.host?.lowercased(), !host.isEmpty else {
            throw refused("The audio_url names no host.", .invalidURL)
        }
        guard !hosts.isEmpty else {
            throw refused(
                "This server fetches no URLs. Send the sound as input_audio or as a data: URL, or let its operator allow the host (--audio-host).")
        }
        guard hosts.contains(host), target.user == nil, target.password == nil else {
            throw refused("The host \(host) is not among those from which this server fetches audio.")
        }
        let start = ContinuousClock.now
        if !allowsPrivateAddresses {
            let isPublic = try await withTimeLimit(
                time, timeout: { refused("The host \(host) could not be looked up within \(time.inSeconds) s.", .fetchFailed) }
            ) { try await Self.names.run { Self.hasPublicAddresses(host) } }
            guard isPublic else { throw refused("The host \(host) has an address that is not public.") }
        }
        return try await fetch(target, within: max(1, time.inSeconds - start.secondsUntilNow), at: place)
    }

    private func fetch(_ url: URL, within seconds: Double, at place: String) async throws -> Data {
        var request = URLRequest(url: url, cachePolicy: .reloadIgnoringLocalCacheData, timeoutInterval: seconds)
        request.httpShouldHandleCookies = false
        do {
            return try await BoundedExchange(request, timeout: seconds, maximumBytes: maxBytes).answer()
        } catch let error as EndpointError {
            let (kind, reason): (WorkshopError.Kind, String) =
                switch error {
                case .tooLarge: (.fetchTooLarge, "The file behind the audio_url is larger than \(maxBytes) bytes.")
                case .status(_, let code, _, _) where (300..<400).contains(code):
                    (.fetchFailed, "The audio_url redirects, and redirects are not followed.")
                case .status(_, let code, _, _): (.fetchFailed, "The audio_url answers with status \(code).")
                case .timedOut: (.fetchFailed, "The audio_url could not be fetched within \(time.inSeconds) s.")
                case .unreachable(_, let reason): (.fetchFailed, "The audio_url could not be fetched: \(reason).")
                case .unexpected(_, _, let found): (.fetchFailed, "The audio_url could not be fetched: it sent \(found).")
                }
            throw WorkshopError(kind, reason, at: place)
        }
    }

    /// Whether all addresses of a host are public ones.
    package static func hasPublicAddresses(_ host: String) -> Bool {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>? = nil
        guard unsafe getaddrinfo(host.filter { $0 != "[" && $0 != "]" }, nil, &hints, &list) == 0 else { return false }
        defer { unsafe freeaddrinfo(list) }
        var found = false
        var next = unsafe list
        while let entry = unsafe next {
            found = true
            guard let address = unsafe entry.pointee.ai_addr else { return false }
            switch unsafe entry.pointee.ai_family {
            case AF_INET:
                let raw = unsafe UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr
                if !isPublic(UInt32(bigEndian: raw)) { return false }
            case AF_INET6:
                var raw = unsafe UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in6.self).sin6_addr
                let bytes = unsafe withUnsafeBytes(of: &raw) { unsafe Array($0) }
                if !isPublic(bytes) { return false }
            default: return false
            }
            unsafe next = unsafe entry.pointee.ai_next
        }
        return found
    }

    private static func isPublic(_ address: UInt32) -> Bool {
        let blocks: [(UInt32, Int)] = [
            (0x0000_0000, 8), (0x0A00_0000, 8), (0x6440_0000, 10), (0x7F00_0000, 8), (0xA9FE_0000, 16), (0xAC10_0000, 12),
            (0xC000_0000, 24), (0xC000_0200, 24), (0xC0A8_0000, 16), (0xC612_0000, 15), (0xC633_6400, 24), (0xCB00_7100, 24),
            (0xE000_0000, 3),
        ]
        return !blocks.contains { address >> (32 - UInt32($1)) == $0 >> (32 - UInt32($1)) }
    }

    /// Whether an IPv6 address is global unicast (2000::/3), but not documentation, Teredo or 6to4. An embedded IPv4 address is judged by the rules
    /// of IPv4.
    private static func isPublic(_ address: [UInt8]) -> Bool {
        if address[..<10].allSatisfy({ $0 == 0 }) && address[10] == 0xFF && address[11] == 0xFF {
            return isPublic(address[12...].reduce(0) { $0 << 8 | UInt32($1) })
        }
        guard address[0] & 0xE0 == 0x20 else { return false }
        let start = address[..<4].reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
        return start != 0x2001_0DB8 && start != 0x2001_0000 && start >> 16 != 0x2002
    }
}
