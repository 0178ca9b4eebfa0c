/// How a request says where it ends, read strictly (RFC 9112, 3.2 and 6.1 to 6.3).
///
///     Content-Length: n                 n bytes          exactly one, digits alone
///     Transfer-Encoding: chunked        chunks           exactly one, of HTTP/1.1, without Content-Length
///     neither                           no body
///
/// A proxy that reads the same bytes another way would take a part of one client's request for another client's. So nothing is
/// repaired or guessed, and every refusal here ends the connection: no byte behind such a request is read as a request.
enum Framing {
    /// The declared length of the body; `nil` without a body or with a chunked one.
    ///
    /// - Throws: 400, which closes.
    static func bodyLength(_ request: Request) throws(HTTPError) -> Int? {
        try checkHost(request.headers)
        let lengths = request.headers.values("content-length")
        let codings = request.headers.values("transfer-encoding")
        if let coding = codings.first {
            guard lengths.isEmpty else {
                throw .framing("Content-Length and Transfer-Encoding exclude each other.", code: "ambiguous_length")
            }
            guard codings.count == 1 else {
                throw .framing("A request has one Transfer-Encoding, found \(codings.count).", code: "ambiguous_length")
            }
            guard request.version != "HTTP/1.0" else {
                throw .framing("HTTP/1.0 has no Transfer-Encoding; send Content-Length.", code: "ambiguous_length")
            }
            guard equalIgnoringCase(coding, "chunked") else {
                throw .framing("The transfer coding \(coding) is not known; only chunked is.", code: "unknown_coding")
            }
        }
        guard let text = lengths.first else { return nil }
        guard lengths.count == 1, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let length = Int(text) else {
            throw .framing(
                "Content-Length must be one number, found \(lengths.joined(separator: ", ")).", code: "invalid_length")
        }
        return length
    }

    private static func checkHost(_ headers: Headers) throws(HTTPError) {
        let hosts = headers.values("host")
        guard hosts.count < 2 else { throw .framing("A request has one Host, found \(hosts.count).", code: "ambiguous_host") }
        guard let host = hosts.first, let strange = host.utf8.first(where: { !isOfHost($0) }) else { return }
        throw .framing(
            "Host must be a name or an address and perhaps a port, found the byte \(strange) in it.", code: "invalid_host")
    }

    /// Whether a byte occurs in a host or a port (RFC 3986, 3.2.2).
    private static func isOfHost(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: "-._~%!$&'()*+,;=:[]".utf8.contains(byte)
        }
    }
}

extension HTTPError {
    /// A refusal of how a request is framed. It ends the connection.
    static func framing(_ message: String, code: String) -> HTTPError {
        HTTPError(400, message, code: code, headers: ["connection": "close"])
    }
}

extension Response {
    /// Whether nothing more is read from the connection that gets this response.
    var closes: Bool { headers["connection"].map { equalIgnoringCase($0, "close") } ?? false }
}
