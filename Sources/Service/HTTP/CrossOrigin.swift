/// The web pages that may call the server from a browser; by default only its own.
///
/// Browsers send cross-origin `POST`s without asking first, so requests from other origins are refused outright. Otherwise any page could make a
/// keyless server on its visitor's machine work and train.
package struct CrossOrigin: Sendable {
    package static let sameOrigin = CrossOrigin(origins: [])
    package static let any = CrossOrigin(origins: ["*"])

    private let origins: Set<String>

    /// - Parameter origins: Origins as browsers send them, such as `https://example.org:8443`; `*` allows all.
    package init(origins: Set<String>) { self.origins = origins }

    /// - Throws: 403 for a foreign origin.
    func admit(_ headers: Headers) throws(HTTPError) {
        guard let origin = headers["origin"] else { return }
        let host = headers["host"] ?? ""
        if isAllowed(origin) || origin == "http://\(host)" || origin == "https://\(host)" { return }
        throw HTTPError(
            403, "Pages of \(origin) may not call this server. Allow the origin in the server's options.",
            type: "permission_error", code: "origin_not_allowed")
    }

    /// The header fields that let the browser give a response to the page that asked.
    func headers(for request: Request) -> [(String, String)] {
        guard !origins.isEmpty else { return [] }
        guard let origin = request.headers["origin"], isAllowed(origin) else { return [("vary", "origin")] }
        return [
            ("access-control-allow-origin", origin), ("access-control-expose-headers", "x-request-id, retry-after"),
            ("vary", "origin"),
        ]
    }

    /// The header fields of the answer to a preflight `OPTIONS`.
    func preflight(_ request: Request, allow: String) -> [(String, String)] {
        guard request.headers["access-control-request-method"] != nil,
            let origin = request.headers["origin"], isAllowed(origin)
        else { return [] }
        var fields = [("access-control-allow-methods", allow), ("access-control-max-age", "600")]
        if let asked = request.headers["access-control-request-headers"] {
            fields.append(("access-control-allow-headers", asked))
        }
        return fields
    }

    private func isAllowed(_ origin: String) -> Bool { origins.contains("*") || origins.contains(origin) }
}
