import API
import HTTP

/// `GET /health`: whether questions are answered now. While the server drains, its daemon answers for it.
enum HealthRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        let ok = fixed("ok", status: 200)
        let loading = fixed("loading", status: 503)
        router.immediate("/health") { server.isReady ? ok : loading }
    }

    private static func fixed(_ status: String, status code: Int) -> Response {
        var response = Response.json(Array(#"{"status":"\#(status)"}"#.utf8), status: code)
        if code == 503 { response.headers["retry-after"] = "2" }
        return response
    }
}
