import Foundation
import Judging
import Remote
import TestSupport
import Testing

/// Rewards by the caller's own rule.
@Suite(.ownThread) struct RewardTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Gives `count` rollouts to judge.
    private func request(_ id: String = "a", count: Int = 2) -> RewardRequest {
        RewardRequest(audioID: id, question: "2 + 2?", reference: "4", gold: nil, rollouts: (0..<count).map { "answer \($0)" })
    }

    private func program(_ script: String, timeout: Double = 30, attempts: Int = 1) throws -> Reward {
        let file = folder.url.appending(path: "\(UUID().uuidString).sh")
        try Data(script.utf8).write(to: file)
        return try Reward(
            "sh '\(file.path)'", name: "rule", timeout: timeout, retries: RetryPolicy(attempts: attempts, initialDelay: 0.01, maximumDelay: 0.01))
    }

    @Test func aProgramIsKeptAliveAndAskedOnceForTheSame() async throws {
        let reward = try program(#"n=0; while read -r line; do n=$((n+1)); echo "{\"rewards\": [$n, -0.5]}"; done"#)
        #expect(try await reward.rewards(for: request("a")) == [1, -0.5])
        #expect(try await reward.rewards(for: request("b")) == [2, -0.5])
        #expect(try await reward.rewards(for: request("a")) == [1, -0.5])
        #expect(try await reward.rewards(for: request("a", count: 2)) == [1, -0.5])
    }

    @Test func aProgramReadsWhatIsToBeJudged() async throws {
        let heard = folder.url.appending(path: "heard")
        let reward = try program(#"while read -r line; do printf '%s\n' "$line" > '\#(heard.path)'; echo '{"rewards": [1]}'; done"#)
        let long = String(repeating: "é\n", count: 300_000)
        let asked = RewardRequest(audioID: "clip", question: "q", reference: "r", gold: "g", rollouts: [long])
        #expect(try await reward.rewards(for: asked) == [1])
        let told = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: heard)) as? [String: Any])
        #expect(Set(told.keys) == ["audio_id", "question", "reference", "gold", "rollouts"])
        #expect(told["audio_id"] as? String == "clip" && told["gold"] as? String == "g" && told["rollouts"] as? [String] == [long])
    }

    @Test func aProgramThatAnswersOnceIsStartedAgain() async throws {
        let reward = try program(#"read -r line; echo '{"rewards": [1, 2]}'"#, attempts: 3)
        for id in ["a", "b", "c"] { #expect(try await reward.rewards(for: request(id)) == [1, 2]) }
    }

    @Test func aDeadProgramIsTriedAgainAndThenNamed() async throws {
        let starts = folder.url.appending(path: "starts")
        let reward = try program("echo x >> '\(starts.path)'; read -r line; exit 3", attempts: 3)
        await #expect(throws: RewardError.ended(reward: "rule", how: "ended with status 3")) { try await reward.rewards(for: request()) }
        #expect(try String(contentsOf: starts, encoding: .utf8).count { $0 == "x" } == 3)
        let killed = try program("read -r line; kill -9 $$")
        await #expect(throws: RewardError.ended(reward: "rule", how: "was ended by signal 9")) { try await killed.rewards(for: request()) }
        let mended = try program(
            "if [ -e '\(starts.path).twice' ]; then while read -r line; do echo '{\"rewards\": [0, 1]}'; done; fi; touch '\(starts.path).twice'",
            attempts: 2)
        #expect(try await mended.rewards(for: request()) == [0, 1])
    }

    @Test func aProgramThatIsSilentIsEndedWithWhatItStarted() async throws {
        let place = folder.url.appending(path: "id")
        let reward = try program("sleep 600 & echo $! > '\(place.path)'; wait", timeout: 0.3)
        let start = ContinuousClock.now
        await #expect(throws: RewardError.timedOut(reward: "rule", seconds: 0.3)) { try await reward.rewards(for: request()) }
        #expect(ContinuousClock.now - start < .seconds(20))
        let id = try #require(Int32(try String(contentsOf: place, encoding: .utf8).trimmingCharacters(in: .newlines)))
        for _ in 0..<100 where kill(id, 0) == 0 { try await Task.sleep(for: .milliseconds(20)) }
        // Gone, or waiting to be collected by whoever adopted it.
        let state = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8)
        #expect(state == nil || state!.contains(") Z "))
    }

    @Test func whoeverGoesAwayWaitsForNoProgram() async throws {
        let reward = try program("sleep 600", timeout: 600)
        let asking = Task { try await reward.rewards(for: request()) }
        try await Task.sleep(for: .milliseconds(100))
        asking.cancel()
        await #expect(throws: CancellationError.self) { try await asking.value }
    }

    @Test(arguments: [
        ("{\"rewards\": [1]}", "1 numbers"), ("{\"rewards\": [1, 2, 3]}", "3 numbers"), ("{\"rewards\": [1, NaN]}", "NaN"),
        ("{\"rewards\": [1, null]}", "null in place 1"), ("{\"rewards\": [1, 1e300]}", "in place 1"), ("{\"rewards\": [1, \"x\"]}", "\"x\""),
        ("[1, 2]", "[1, 2]"), ("", "an empty answer"), ("{\"rewards\": []}", "0 numbers"), ("{}", "{}"), ("loading model …", "loading model …"),
    ])
    func anAnswerThatIsNotOneNumberARolloutIsNamed(answer: String, found: String) async throws {
        let reward = try program("while read -r line; do echo '\(answer)'; done", attempts: 3)
        let error = await #expect(throws: RewardError.self) { try await reward.rewards(for: request()) }
        guard case .unusable("rule", "a", _, let told) = error else { return #expect(Bool(false), "\(error!)") }
        #expect(told.contains(found), "\(told)")
    }

    @Test func whatIsNoProgramIsRefusedAtOnce() {
        for command in ["", "  ", "no-such-program-anywhere x", "/no/such/program", "http://"] {
            #expect(throws: RewardError.self) { try Reward(command) }
        }
    }

    @Test func anEndpointIsAskedAtItsAddressAndAgainAfterAFailure() async throws {
        let server = LocalServer(replies: [
            LocalServer.answer("503 Service Unavailable", "busy"), LocalServer.answer("200 OK", #"{"rewards": [0.25, 1]}"#),
            LocalServer.answer("400 Bad Request", "no"),
        ])
        let retries = RetryPolicy(attempts: 3, initialDelay: 0.01, maximumDelay: 0.01)
        let reward = try Reward("http://127.0.0.1:\(server.port)/rules/math", name: "rule", key: "secret", retries: retries)
        #expect(try await reward.rewards(for: request()) == [0.25, 1])
        #expect(server.requests.count == 2 && server.requests[1].hasPrefix("POST /rules/math HTTP") && server.requests[1].contains("Bearer secret"))
        let error = await #expect(throws: RewardError.self) { try await reward.rewards(for: request("b")) }
        #expect("\(error!)".contains("status 400") && !"\(error!)".contains("secret"))
    }

    @Test func whatWasGivenIsReadAgainFromItsFile() async throws {
        let file = folder.url.appending(path: "run/rewards.jsonl")
        let counting = #"n=0; while read -r line; do n=$((n+1)); echo "{\"rewards\": [$n, 0]}"; done"#
        let first = try program(counting).remembering(in: file)
        for id in ["a", "b"] { _ = try await first.rewards(for: request(id)) }
        // A crash cut the last line.
        try Data(try Data(contentsOf: file).dropLast(9)).write(to: file)
        let second = try program(counting).remembering(in: file)
        #expect(try await second.rewards(for: request("a")) == [1, 0])
        #expect(try await second.rewards(for: request("b")) == [1, 0])
        #expect(try String(contentsOf: file, encoding: .utf8).count { $0 == "\n" } == 2)
    }
}
