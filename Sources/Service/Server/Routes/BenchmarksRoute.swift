import API
import Evaluation
import Foundation
import HTTP
import Jobs
import Workers
import Workshop

/// `/v1/benchmarks`: the available question sets, and new ones from uploads.
enum BenchmarksRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        router.get("/v1/benchmarks", scope: [.measure, .train]) { request in
            try await refusing {
                let query = try WireDecoder.decode(PageQuery.self, form: request.query.items)
                let benchmarks = try server.workshop.benchmarks
                let (sets, hasMore) = try await server.runtime.queues.reports.run {
                    try benchmarks.list(after: query.after, limit: query.limit, ascending: query.order == .ascending)
                }
                return .json(try WireEncoder.encode(ListObject(sets.map { Benchmark($0) }, hasMore: hasMore)))
            }
        }
        router.post("/v1/benchmarks", scope: .measure, bodyLimit: 64 << 10) { request in
            try await refusing {
                let wanted = try WireDecoder.decode(BenchmarkRequest.self, from: Data(request.body))
                let benchmarks = try server.workshop.benchmarks
                let benchmark = try await server.runtime.queues.uploads.run { cancellation in
                    try benchmarks.register(
                        wanted.name, file: wanted.fileId, format: wanted.format.map { ManifestFormat($0) },
                        admit: { try FilesRoute.admit($0.purpose, request) }, check: cancellation.check)
                }
                return .json(try WireEncoder.encode(Benchmark(benchmark)), status: 201)
            }
        }
    }
}

extension ManifestFormat {
    init(_ format: BenchmarkRequest.Format) {
        self =
            switch format {
            case .manifest: .cord
            case .audiofolder: .audioFolder
            case .voicebench: .voiceBench
            case .bigBenchAudio: .bigBenchAudio
            case .kimiEvalkit: .kimiEvalkit
            case .msSwift: .msSwift
            case .speechMath: .speechMath
            case .vera: .vera
            }
    }
}

extension Benchmark {
    init(_ known: KnownBenchmark) {
        self.init(
            id: known.id, name: known.name, createdAt: Int(known.createdAt.timeIntervalSince1970), items: known.items,
            categories: known.categories, voices: known.voices, hash: known.hash, builtIn: known.isBuiltIn)
    }
}
