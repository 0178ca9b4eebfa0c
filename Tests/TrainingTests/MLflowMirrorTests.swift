import Foundation
import JSON
import Objectives
import Remote
import TestSupport
import Testing
import Training

/// What a tracking server is told. `benchmarks/quality/mlflow_mirror.py` asks a real one.
@Suite(.ownThread) struct MLflowMirrorTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func run(steps: Int) async throws {
        var settings = TrainingRun.Settings()
        (settings.batchSize, settings.steps, settings.validateEvery) = (2, steps, 1)
        let run = try TrainingRun(pairs: StepFixture.pairs(), validation: StepFixture.pairs(1), settings: settings, directory: folder.url)
        try await run.run(StepFixture.trainer(StepFixture.options(.opd)), subject: .init(software: "cord test", model: "nano"))
    }

    private static let found = LocalServer.answer("200 OK", #"{"experiments": [{"experiment_id": "7"}]}"#)
    private static let created = LocalServer.answer("200 OK", #"{"run": {"info": {"run_id": "r1"}}}"#)
    private static let taken = LocalServer.answer("200 OK", "{}")

    private func mirror(_ server: LocalServer) throws -> MLflowMirror {
        try MLflowMirror("http://127.0.0.1:\(server.port)", token: "t", experiment: "it's", directory: folder.url)
    }

    private func told(_ server: LocalServer) throws -> [(path: String, body: JSONValue)] {
        try server.requests.map { request in
            let path = try #require(request.split(separator: " ").dropFirst().first)
            return (String(path.dropFirst("/api/2.0/mlflow/".count)), try JSONValue(parsing: request.components(separatedBy: "\r\n\r\n").last ?? ""))
        }
    }

    private func metrics(_ body: JSONValue) throws -> [String] {
        try body.array("metrics").map { "\(try $0.string("key")) \(try $0.integer("step"))" }
    }

    @Test func aRunIsToldOnceAndGoesOn() async throws {
        try await run(steps: 2)
        let server = LocalServer(replies: [Self.found, Self.created] + Array(repeating: Self.taken, count: 6))
        #expect(try await mirror(server).send(.finished) == "r1")
        let told = try told(server)
        #expect(told.map(\.path) == ["experiments/search", "runs/create", "runs/log-batch", "runs/log-batch", "runs/log-batch", "runs/update"])
        #expect(try told[0].body.string("filter") == #"name = 'it\'s'"# && told[1].body.string("experiment_id") == "7")
        let parameters = try Dictionary(
            uniqueKeysWithValues: told[2].body.array("params").map { (try $0.string("key"), try $0.string("value")) })
        #expect(parameters["options.objective.method"] == "opd" && parameters["pairs.count"] == "4" && parameters["subject.software"] == "cord test")
        let steps = try metrics(told[3].body), validations = try metrics(told[4].body)
        #expect(steps.contains("loss 1") && steps.contains("grad_norm 2") && steps.allSatisfy { $0.hasSuffix(" 1") || $0.hasSuffix(" 2") })
        #expect(validations.filter { $0.hasPrefix("validation/kl_mean") } == (0...2).map { "validation/kl_mean \($0)" })
        #expect(try told[5].body.string("status") == "FINISHED" && told[5].body.string("run_id") == "r1")

        // Another process, after two more steps: what is new, alone.
        try await run(steps: 4)
        #expect(try await mirror(server).send() == "r1")
        let more = try self.told(server).dropFirst(6)
        #expect(more.map(\.path) == ["runs/log-batch", "runs/log-batch"])
        let later = try more.flatMap { try metrics($0.body) }
        #expect(later.contains("loss 3") && later.contains("validation/kl_mean 4") && later.allSatisfy { $0.hasSuffix(" 3") || $0.hasSuffix(" 4") })
    }

    @Test func whatCouldNotBeSentIsSentLater() async throws {
        try await run(steps: 1)
        let refused = LocalServer.answer("400 Bad Request", "no")
        let server = LocalServer(replies: [Self.found, Self.created, Self.taken, refused, Self.taken, Self.taken])
        let mirror = try mirror(server)
        await #expect(throws: EndpointError.self) { try await mirror.send() }
        try await mirror.send()
        let paths = try told(server).map(\.path)
        #expect(paths.dropFirst(2) == Array(repeating: "runs/log-batch", count: 4)[...])
        #expect(try metrics(told(server)[4].body).contains("loss 1"))
        try await mirror.send()
        #expect(server.requests.count == paths.count, "nothing is sent twice")
        #expect(throws: TrainingError.self) { try MLflowMirror("mlflow:5000", experiment: "x", directory: folder.url) }
    }
}
