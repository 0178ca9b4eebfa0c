internal import Glibc

/// A bound and listening TCP socket.
struct ListenSocket {
    let descriptor: Int32
    /// The port in force, also where 0 asked for any.
    let port: Int

    /// - Parameter address: A numeric IPv4 or IPv6 address, or a name. `::` listens on IPv4 as well.
    init(address: String, port: Int, allowsOthers: Bool) throws(DaemonError) {
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_PASSIVE
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(address, String(port), &hints, &found)
        guard code == 0, let first = unsafe found else {
            throw .cannotListen(address: address, port: port, reason: unsafe String(cString: gai_strerror(code)))
        }
        defer { unsafe freeaddrinfo(first) }
        guard unsafe allowsOthers || Self.isLoopback(first.pointee.ai_addr) else {
            throw .keyRequired(address: address)
        }

        let descriptor = unsafe socket(
            first.pointee.ai_family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw Self.failure(address, port) }
        var on: Int32 = 1
        var off: Int32 = 0
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, 4)
        _ = unsafe setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &off, 4)
        guard unsafe bind(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0,
            listen(descriptor, 1024) == 0
        else {
            let error = Self.failure(address, port)
            _ = close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        self.port = Self.port(of: descriptor)
    }

    private static func failure(_ address: String, _ port: Int) -> DaemonError {
        errno == EADDRINUSE
            ? .addressInUse(address: address, port: port)
            : .cannotListen(address: address, port: port, reason: unsafe String(cString: strerror(errno)))
    }

    private static func port(of descriptor: Int32) -> Int {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return unsafe withUnsafeMutableBytes(of: &address) { bytes in
            guard let base = bytes.baseAddress else { return 0 }
            _ = unsafe getsockname(descriptor, base.assumingMemoryBound(to: sockaddr.self), &length)
            // The port has the same place in both families.
            return unsafe Int(bytes[2]) << 8 | Int(bytes[3])
        }
    }

    private static func isLoopback(_ address: UnsafePointer<sockaddr>) -> Bool {
        let text = unsafe numericAddress(address)
        return text.hasPrefix("127.") || text == "::1"
    }
}

/// The address without its port, as in `192.0.2.1` or `2001:db8::1`; an IPv4 address mapped into IPv6 reads as IPv4.
func numericAddress(_ address: UnsafePointer<sockaddr>) -> String {
    let length =
        unsafe Int32(address.pointee.sa_family) == AF_INET6
        ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
    var text = [CChar](repeating: 0, count: 64)
    guard unsafe getnameinfo(address, socklen_t(length), &text, 64, nil, 0, NI_NUMERICHOST) == 0 else {
        return "unknown"
    }
    let name = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return name.hasPrefix("::ffff:") && name.contains(".") ? String(name.dropFirst(7)) : name
}
