import HTTP

/// `GET /metrics`: Prometheus's text format.
enum MetricsRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        router.get("/metrics", scope: .all) { _ in
            .text(
                server.metrics.text(try? server.runtime, try? server.workshop, server.condition),
                contentType: "text/plain; version=0.0.4; charset=utf-8")
        }
    }
}
