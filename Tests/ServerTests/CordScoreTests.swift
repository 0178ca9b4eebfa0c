import API
import Foundation
import HTTP
import Jobs
import TestSupport
import Testing
import Workshop

@Suite(.ownThread) struct CordScoreTests {
    private func score(_ body: String, _ server: TrainingServer) async throws -> WireValue {
        let response = try await server.client.post("/v1/cord/score", json: body)
        #expect(response.status == 200)
        return try await response.json()
    }

    private func tokens(_ value: WireValue?, _ rollout: Int) -> [WireValue] {
        let tokens = value?["pairs"]?[0]?["rollouts"]?[rollout]?["tokens"]
        return (0..<(tokens?.count ?? 0)).compactMap { tokens?[$0] }
    }

    @Test func whatIsScoredIsWhatTheNextStepLearnsFrom() async throws {
        let server = try await TrainingServer()
        let body = TrainingServer.step([try TrainingServer.pair()], more: #", "include": ["rollouts", "tokens"]"#)
        for _ in 0..<2 {
            let before = try await server.answer()
            let scored = try await score(body, server)
            #expect(try await server.answer() == before)
            #expect(try await score(body, server)["metrics"] == scored["metrics"])
            let step = try await server.step(body).json()
            for name in ["loss", "token_loss", "sequence_loss", "kl_mean", "reward_mean", "grad_norm", "learning_rate", "rollout_tokens"] {
                #expect(scored["metrics"]?[name] == step["metrics"]?[name] && scored["metrics"]?[name] != nil, "\(name)")
            }
            for rollout in 0..<3 {
                let learnt = tokens(step, rollout)
                #expect(tokens(scored, rollout).map { $0["token"] } == learnt.map { $0["token"] })
                #expect(learnt.allSatisfy { $0["measured"] == nil })
            }
            #expect(try await server.answer() != before)
        }
        #expect(try await server.client.get("/v1/cord/steps").json()["data"]?.count == 2)
        #expect(try await score(body, server)["weight_version"]?.text?.isEmpty == false)
    }

    @Test func measuresAndCoefficientsAreThoseOfTheLoss() async throws {
        let server = try await TrainingServer()
        let objective = #"{"method": "opd_weighted", "max_rollout_tokens": 6, "top_k": 2}"#
        let pair = try TrainingServer.pair()
        let scored = try await score("{\"pairs\": [\(pair)], \"objective\": \(objective)}", server)
        let found = tokens(scored, 0)
        try #require(!found.isEmpty)
        let loss = found.reduce(0) {
            $0 + ($1["measured"]?["coefficients"]?["reverse_kl"]?.number ?? .nan) * ($1["measured"]?["reverse_kl"]?.number ?? .nan)
        }
        let expected = try #require(scored["metrics"]?["loss"]?.number)
        #expect(abs(loss - expected) <= 1e-5 * abs(expected))
        #expect(found.allSatisfy { $0["measured"]?["coefficients"]?["reverse_kl"] == $0["weight"] && $0["measured"]?["entropy"]?.number ?? -1 > 0 })
        for name in ["rank", "teacher_rank"] { #expect(found.allSatisfy { $0["measured"]?[name]?.number ?? 0 >= 1 }, "\(name)") }
        #expect(scored["object"]?.text == "cord.score" && scored["weight_version"] == nil)
    }

    /// A client's own loop: what was scored is supplied as it is.
    @Test func scoredRolloutsCanBeSupplied() async throws {
        let server = try await TrainingServer()
        let group = #"{"method": "grpo", "max_rollout_tokens": 6, "rollouts": 2, "entropy_coefficient": 0.1}"#
        let scored = try await score("{\"pairs\": [\(try TrainingServer.pair())], \"objective\": \(group)}", server)
        let ids = tokens(scored, 0).compactMap { $0["token"]?.number.map { Int($0) } }
        let reason = try #require(scored["pairs"]?[0]?["rollouts"]?[0]?["finish_reason"]?.text)
        try #require(!ids.isEmpty)
        let supplied = try TrainingServer.pair(more: #", "rollouts": [{"tokens": \#(ids), "finish_reason": "\#(reason)", "advantage": 1}]"#)
        let again = try await score("{\"pairs\": [\(supplied)], \"objective\": \(group)}", server)
        #expect(tokens(again, 0).compactMap { $0["token"]?.number.map { Int($0) } } == ids)
        #expect(tokens(again, 0).map { $0["measured"]?["logprob"] } == tokens(scored, 0).map { $0["measured"]?["logprob"] })
        #expect(again["pairs"]?[0]?["teacher_answer"] == nil && scored["pairs"]?[0]?["teacher_answer"] != nil)
    }

    @Test func aSystemTurnStandsBeforeEachQuestion() async throws {
        let server = try await TrainingServer()
        let pair = try TrainingServer.pair()
        func metrics(_ more: String) async throws -> WireValue? {
            try await score(#"{"pairs": [\#(pair)], "objective": {"method": "supervised"}\#(more)}"#, server)["metrics"]
        }
        let (without, with) = (try await metrics(""), try await metrics(#", "system": "Answer in one word.""#))
        #expect(without?["loss"]?.number != nil && with?["loss"] != without?["loss"])
        #expect(try await metrics(#", "system": null"#) == without)
    }

    @Test func whatNoStepCouldLearnFromIsRefused() async throws {
        let server = try await TrainingServer()
        let noise = #"{"pairs": [{"audio": {"data": "AAAA"}, "text": "What?"}]}"#
        #expect(try await server.client.post("/v1/cord/score", json: noise).status == 422)
        #expect(try await server.client.post("/v1/cord/score", json: #"{"pairs": []}"#).status == 400)
        let unknown = TrainingServer.step([try TrainingServer.pair()], more: #", "model": "no""#)
        #expect(try await server.client.post("/v1/cord/score", json: unknown).status == 404)
    }
}
