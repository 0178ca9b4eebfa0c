import API
import Foundation
import HTTP
import Jobs
import Workshop

/// `POST /v1/cord/steps`: takes one training step on submitted pairs now. `GET` returns the steps taken.
enum CordStepsRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        router.post("/v1/cord/steps", scope: .train) { request in
            try await refusing {
                let body = Data(request.body)
                let wanted = try WireDecoder.decode(CordStepRequest.self, from: body, maxValues: 200_000)
                let (response, isReplay) = try await server.workshop.learner.step(wanted, body: body, key: try key(request))
                return .json(response, headers: isReplay ? ["idempotent-replayed": "true"] : Headers())
            }
        }
        router.get("/v1/cord/steps", scope: .train) { request in
            try await refusing {
                let query = try WireDecoder.decode(PageQuery.self, form: request.query.items)
                let page = try server.workshop.store.steps(
                    after: query.after, limit: query.limit, ascending: query.order == .ascending)
                let steps = try page.elements.map { try WireDecoder.response(CordStep.self, from: $0.response) }
                return .json(try WireEncoder.encode(ListObject(steps, hasMore: page.hasMore)))
            }
        }
        router.get("/v1/cord/steps/{id}", scope: .train) { request in
            try await refusing { .json(try server.workshop.store.step(id: request.parameter("id")).response) }
        }
    }

    /// The `Idempotency-Key` of a request.
    static func key(_ request: Request) throws(HTTPError) -> String? {
        guard let key = request.headers["idempotency-key"] else { return nil }
        guard (1...255).contains(key.utf8.count) else {
            throw HTTPError(
                400, "Idempotency-Key: expected 1 to 255 bytes; found \(key.utf8.count).", parameter: "Idempotency-Key",
                code: "invalid_value")
        }
        return key
    }
}
