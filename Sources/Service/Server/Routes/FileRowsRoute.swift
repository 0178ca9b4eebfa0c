import API
import Foundation
import HTTP
import Jobs
import Workers
import Workshop

/// `/v1/files/{id}/rows…`: a training file row by row, as a training reads it, and its clips.
enum FileRowsRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        let root = "/v1/files/{id}/rows"
        router.get(root, scope: [.measure, .train]) { request in
            try await refusing {
                let query = try WireDecoder.decode(RowsQuery.self, form: request.query.items)
                let workshop = try server.workshop
                let file = try workshop.store.file(id: request.parameter("id"))
                try FilesRoute.admit(file.purpose, request)
                return try await server.runtime.queues.reports.run { cancellation in
                    .json(try WireEncoder.encode(try workshop.rows.page(of: file, query, check: cancellation.check)))
                }
            }
        }
        router.get(root + "/{line}/audio", scope: [.measure, .train]) { request in
            try await refusing {
                let query = try WireDecoder.decode(ClipQuery.self, form: request.query.items)
                guard let line = Int(request.parameter("line")), line > 0 else {
                    throw HTTPError(404, "There is no line \"\(request.parameter("line"))\"; lines are numbered from 1.", code: "not_found")
                }
                let workshop = try server.workshop
                let file = try workshop.store.file(id: request.parameter("id"))
                try FilesRoute.admit(file.purpose, request)
                return .clip(
                    try await server.runtime.queues.reports.run {
                        try workshop.rows.clip(query.clip, ofLine: line, in: file, check: $0.check)
                    })
            }
        }
    }
}
