import API
import HTTP
import Workshop

/// `GET /health`: whether questions are answered now, and whether the server has everything it should. The daemon itself answers while it drains,
/// and the heartbeat tells whether requests would wait.
enum HealthRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        let ok = fixed("ok", status: 200)
        let degraded = fixed("degraded", status: 200)
        let late = fixed("late", status: 503)
        let loading = fixed("loading", status: 503)
        router.immediate("/health") {
            if !server.isReady { return loading }
            if server.heartbeat.isLate() { return late }
            return server.condition.isDegraded ? degraded : ok
        }
    }

    private static func fixed(_ status: String, status code: Int) -> Response {
        var response = Response.json(Array(#"{"status":"\#(status)"}"#.utf8), status: code)
        if code == 503 { response.headers["retry-after"] = "2" }
        return response
    }
}
