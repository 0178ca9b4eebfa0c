import API
import Foundation
import HTTP
import Workshop

/// `POST /v1/cord/score`: what a step on these pairs would learn from, without taking it.
enum CordScoreRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        router.post("/v1/cord/score", scope: .train) { request in
            try await refusing {
                let wanted = try WireDecoder.decode(CordStepRequest.self, from: Data(request.body), maxValues: 200_000)
                return .json(try await server.workshop.learner.score(wanted))
            }
        }
    }
}
