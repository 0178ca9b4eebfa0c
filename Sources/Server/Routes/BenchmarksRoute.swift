import API
import Foundation
import HTTP
import Workers

/// `/v1/benchmarks`: the question sets at hand, and new ones from uploads.
enum BenchmarksRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        router.get("/v1/benchmarks", scope: [.measure, .train]) { request in
            try await refusing {
                let query = try WireDecoder.decode(PageQuery.self, form: request.query.items)
                let benchmarks = try server.workshop.measuring.benchmarks
                let (sets, hasMore) = try await server.runtime.queues.reports.run { try benchmarks.list(query) }
                return .json(try WireEncoder.encode(ListObject(sets, hasMore: hasMore)))
            }
        }
        router.post("/v1/benchmarks", scope: .measure, bodyLimit: 64 << 10) { request in
            try await refusing {
                let wanted = try WireDecoder.decode(BenchmarkRequest.self, from: Data(request.body))
                let benchmarks = try server.workshop.measuring.benchmarks
                let benchmark = try await server.runtime.queues.uploads.run { try benchmarks.register(wanted) }
                return .json(try WireEncoder.encode(benchmark), status: 201)
            }
        }
    }
}
