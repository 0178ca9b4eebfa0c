import Foundation
import Generation
import JSON
import Models
import Objectives
import Remote
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

/// A teacher behind an address. `TrainTests` has a server of `cord` teach.
@Suite(.ownThread) struct TeacherEndpointTests {
    private func trainer(_ server: LocalServer, _ method: Objective.Method = .opdSampled) throws -> Trainer {
        let retries = RetryPolicy(attempts: 2, initialDelay: 0.001)
        let teacher = try TeacherEndpoint(server.base.absoluteString, model: "big", key: "secret", retries: retries)
        return try Trainer(
            engine: StepFixture.engine(), plan: .lowRank(rank: 8), options: StepFixture.options(method), teacher: .endpoint(teacher),
            judge: StepFixture.matching)
    }

    /// As a server answers that gives each token the log-probability −1.
    private func answer(_ tokens: [Int], change: (inout [String], inout [String]) -> Void = { _, _ in }) throws -> String {
        let tokenizer = try StepFixture.model.get().tokenizer
        var spellings = tokens.map { String(decoding: (try? JSONEncoder().encode(tokenizer.decode([$0]))) ?? Data(), as: UTF8.self) }
        var values = ["null"] + tokens.dropFirst().map { _ in "-1" }
        change(&spellings, &values)
        let scores = #"{"tokens": [\#(spellings.joined(separator: ","))], "token_logprobs": [\#(values.joined(separator: ","))]}"#
        return LocalServer.answer("200 OK", #"{"choices": [{"logprobs": \#(scores)}]}"#)
    }

    /// What a step asks: the typed question with the rollout behind it, as ids.
    private func asked() async throws -> [Int] {
        let server = LocalServer(replies: [LocalServer.answer("400 Bad Request", "")])
        await #expect(throws: TeacherFailure.self) { try await trainer(server).step(StepFixture.pairs(1)) }
        let body = try #require(server.requests.first?.components(separatedBy: "\r\n\r\n").last)
        let value = try JSONValue(parsing: body)
        #expect(server.requests[0].hasPrefix("POST /v1/completions ") && server.requests[0].contains("Authorization: Bearer secret"))
        #expect(try value.string("model") == "big" && value.boolean("echo") && value.integer("max_tokens") == 0 && value.integer("logprobs") == 1)
        return try value.integers("prompt")
    }

    @Test func aStepLearnsFromWhatTheTeacherTells() async throws {
        let tokens = try await asked()
        let model = try StepFixture.model.get()
        let typed = try model.prompt(.text(StepFixture.pairs(1)[0].text), system: nil).tokens.map(Int.init)
        #expect(tokens.starts(with: typed) && tokens.count > typed.count)
        let report = try await trainer(LocalServer(replies: [try answer(tokens)])).step(StepFixture.pairs(1))
        let rollout = report.pairs[0].rollouts[0]
        #expect(rollout.tokens.map { Int($0.token) } == Array(tokens.dropFirst(typed.count)) && report.dropped == nil)
        #expect(rollout.tokens.allSatisfy { $0.measures.teacherLogProbability == -1 && !$0.measures.knowsTeacher })
        let estimate = rollout.tokens.reduce(0) { $0 + Double($1.measures.logProbability + 1) }
        #expect(abs(report.metrics.loss - estimate) < 1e-5 && report.metrics.teacherAgreement == nil)
        #expect(abs(report.metrics.klMean! - estimate / Double(rollout.tokens.count)) < 1e-5 && report.metrics.gradNorm > 0)
    }

    /// The step ends and changes nothing: with fewer pairs it would learn something else.
    @Test func aTeacherThatTellsNothingUsableEndsTheStep() async throws {
        let tokens = try await asked()
        for (reply, words) in [
            (LocalServer.answer("200 OK", "{}"), "expected choices[0].logprobs"),
            (try answer(Array(tokens.dropLast())), "expected log-probabilities of \(tokens.count) tokens, found \(tokens.count - 1)"),
            (try answer(tokens) { $1[$1.count - 1] = "null" }, "found null"), (try answer(tokens) { $1[$1.count - 1] = "0.5" }, "found 0.5"),
            (try answer(tokens) { words, _ in for place in words.indices { words[place] = "\"zz\"" } }, "it has other tokens"),
        ] {
            let trainer = try trainer(LocalServer(replies: [reply]))
            let failure = await #expect(throws: TeacherFailure.self) { try await trainer.step(StepFixture.pairs(1)) }
            #expect(failure?.description.contains(words) == true, "\(String(describing: failure))")
            #expect(await trainer.steps == 0)
        }
    }

    @Test func aPassingFailureIsTriedAgain() async throws {
        let tokens = try await asked()
        let server = LocalServer(replies: [LocalServer.answer("503 Service Unavailable", ""), try answer(tokens)])
        #expect(try await trainer(server).step(StepFixture.pairs(1)).dropped == nil && server.requests.count == 2)
    }

    /// Whole distributions, and answers of its own, it cannot tell.
    @Test(arguments: Objective.Method.allCases) func itTeachesSampledTokensAlone(method: Objective.Method) throws {
        let server = LocalServer(replies: [])
        if method == .opdSampled {
            _ = try trainer(server, method)
        } else {
            #expect(throws: TrainingError.self) { try trainer(server, method) }
        }
        #expect(throws: TrainingError.self) { try TeacherEndpoint("localhost:8080") }
    }

    @Test func accuraciesAreValidatedWithoutIt() async throws {
        let validation = try await trainer(LocalServer(replies: [])).validate(StepFixture.pairs(2))
        #expect(validation.klMean == nil && validation.teacherAgreement == nil && validation.audioAccuracy != nil)
    }
}
