package import Foundation
import Hashing
package import Remote

/// The rollouts of one prompt, as a reward callback is asked about them: one JSON object.
///
///     {"audio_id": "a", "question": "…", "reference": "…", "gold": "…", "rollouts": ["…", "…"]}  →  {"rewards": [1, 0.5]}
package struct RewardRequest: Encodable, Sendable {
    /// The pair's id, by which its clip is known.
    package let audioID: String
    /// The question typed.
    package let question: String
    /// What the objective compares with: the teacher's answer or the right one.
    package let reference: String
    /// The right answer; null where the pair has none.
    package let gold: String?
    package let rollouts: [String]

    package init(audioID: String, question: String, reference: String, gold: String?, rollouts: [String]) {
        self.audioID = audioID
        self.question = question
        self.reference = reference
        self.gold = gold
        self.rollouts = rollouts
    }

    private enum CodingKeys: String, CodingKey {
        case audioID = "audio_id"
        case question, reference, gold, rollouts
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(audioID, forKey: .audioID)
        try container.encode(question, forKey: .question)
        try container.encode(reference, forKey: .reference)
        try container.encode(gold, forKey: .gold)
        try container.encode(rollouts, forKey: .rollouts)
    }
}

/// Why a reward callback gave no rewards. No case holds the key that an endpoint was sent.
package enum RewardError: Error, Equatable, CustomStringConvertible, Sendable {
    /// The program cannot be found or started.
    case notStarted(reward: String, reason: String)
    /// The program ended, or closed its output, without an answer.
    case ended(reward: String, how: String)
    case timedOut(reward: String, seconds: Double)
    case endpoint(reward: String, EndpointError)
    /// The answer is not one finite number a rollout.
    case unusable(reward: String, audioID: String, expected: String, found: String)

    package var description: String {
        switch self {
        case .notStarted(let reward, let reason): "the reward \(reward) cannot be started: \(reason)"
        case .ended(let reward, let how): "the reward \(reward): its program \(how) without an answer"
        case .timedOut(let reward, let seconds): "the reward \(reward): its program did not answer within \(seconds) s"
        case .endpoint(let reward, let error): "the reward \(reward): \(error)"
        case .unusable(let reward, let audioID, let expected, let found):
            "the reward \(reward), of the rollouts of \(audioID): expected \(expected), found \(found)"
        }
    }

    /// Whether the same request may succeed later.
    var mayPass: Bool {
        switch self {
        case .ended, .timedOut: true
        // An endpoint was asked again already.
        case .notStarted, .endpoint, .unusable: false
        }
    }
}

/// Rewards by the caller's own rule: a program that is kept alive, or an HTTP endpoint.
///
///     request ─ cache ─ program or endpoint, again after a failure that may pass ─ {"rewards": […]} ─ checked ─ cache
package struct Reward: Sendable {
    /// As errors and records call it.
    package let name: String
    private let cache: RewardCache
    private let answer: @Sendable (Data) async throws -> Data

    private init(name: String, cache: RewardCache, answer: @escaping @Sendable (Data) async throws -> Data) {
        self.name = name
        self.cache = cache
        self.answer = answer
    }

    /// - Parameters:
    ///   - target: an http or https address, or a command with its arguments, run without a shell.
    ///   - key: what an endpoint is sent as Bearer token.
    ///   - timeout: seconds for one answer.
    /// - Throws: ``RewardError/notStarted(reward:reason:)`` where `target` is neither.
    package init(
        _ target: String, name: String? = nil, key: String? = nil, timeout: Double = 60, retries: RetryPolicy = RetryPolicy()
    ) throws {
        let name = name ?? target
        if target.hasPrefix("http://") || target.hasPrefix("https://") {
            guard let url = URL(string: target), url.host?.isEmpty == false else {
                throw RewardError.notStarted(reward: name, reason: "expected an address such as http://localhost:9000/reward")
            }
            let endpoint = Endpoint(base: url, key: key, timeout: timeout, retries: retries)
            self.init(name: name, cache: RewardCache()) { body in
                do { return try await endpoint.post(url, json: body) } catch let error as EndpointError {
                    throw RewardError.endpoint(reward: name, error)
                }
            }
        } else {
            let program = try RewardProgram(target, name: name, timeout: timeout)
            self.init(name: name, cache: RewardCache()) { body in
                var attempt = 1
                while true {
                    do { return try await program.answer(to: body) } catch let error as RewardError {
                        guard error.mayPass, let delay = retries.delay(after: attempt) else { throw error }
                        try await Task.sleep(for: .seconds(delay))
                        attempt += 1
                    }
                }
            }
        }
    }

    /// The same reward with what it has given kept in a file, which a run that is resumed reads again: the steps that it takes twice get
    /// the same rewards, whatever the callback would say now.
    package func remembering(in file: URL) throws -> Reward { Reward(name: name, cache: try RewardCache(file), answer: answer) }

    /// One number a rollout, in their order.
    ///
    /// - Throws: ``RewardError``; `CancellationError`.
    package func rewards(for request: RewardRequest) async throws -> [Float] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let body = try encoder.encode(request)
        let key = SHA256.hex(Data("\(name)\0".utf8) + body)
        if let known = cache[key] { return known }
        let rewards = try numbers(of: try await answer(body), request)
        try cache.add(rewards, for: key)
        return rewards
    }

    private func numbers(of answer: Data, _ request: RewardRequest) throws(RewardError) -> [Float] {
        struct Answer: Decodable { let rewards: [Double?] }
        func refused(_ found: String) -> RewardError {
            .unusable(
                reward: name, audioID: request.audioID,
                expected: "{\"rewards\": […]} with \(request.rollouts.count) numbers from -1000000 to 1000000", found: found)
        }
        guard let rewards = try? JSONDecoder().decode(Answer.self, from: answer).rewards else {
            throw refused(answer.isEmpty ? "an empty answer" : String(decoding: answer.prefix(200), as: UTF8.self))
        }
        guard rewards.count == request.rollouts.count else { throw refused("\(rewards.count) numbers") }
        var numbers: [Float] = []
        for (index, reward) in rewards.enumerated() {
            guard let reward else { throw refused("null in place \(index)") }
            guard (-1e6...1e6).contains(reward) else { throw refused("\(reward) in place \(index)") }
            numbers.append(Float(reward))
        }
        return numbers
    }
}
