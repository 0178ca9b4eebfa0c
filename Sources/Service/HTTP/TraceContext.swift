/// The header `traceparent`, by which a trace that began at the client goes on here (W3C Trace Context, 3.2).
///
///     00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01    version, trace, parent, flags
enum TraceContext {
    /// The header's text where it is one; a version to come may have more at its end, which is left out.
    static func parent(_ header: String?) -> String? {
        guard let header else { return nil }
        let parts = header.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.count >= 4, parts.prefix(4).map(\.count) == [2, 32, 16, 2], parts.prefix(4).allSatisfy({ $0.allSatisfy(isHexadecimal) }),
            !parts[0].elementsEqual("ff".utf8), parts.count == 4 || !parts[0].elementsEqual("00".utf8),
            parts[1...2].allSatisfy({ $0.contains { $0 != UInt8(ascii: "0") } })
        else { return nil }
        return String(header.prefix(55))
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}
