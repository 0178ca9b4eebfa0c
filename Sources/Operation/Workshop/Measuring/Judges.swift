import API
import Foundation
import Generation
import Judging
import Models
import Remote
import Training

/// The judge or reward that a request names.
///
///     match     compares the extracted answers by rules
///     model     the served model, greedily
///     remote    a model behind an endpoint that the operator allows
///     reward    the operator's own program or endpoint, by name
struct Judges: Sendable {
    let engine: Engine
    let versions: VersionRegistry
    /// The endpoints that requests may name (`--judge-endpoint`).
    let endpoints: [String]
    let key: String?
    let rewards: [String: Reward]

    func judge(_ wanted: JudgeOptions?) throws -> AnswerJudge {
        guard let judge = try model(wanted) else { return AnswerMatch.judge }
        return { try await judge.verdictOnSaid(question: $0, response: $1, reference: $2) }
    }

    /// The reward callback that a request names; nil if it names none.
    func reward(_ name: String?) throws -> Reward? {
        guard let name else { return nil }
        guard let reward = rewards[name] else {
            let known = rewards.isEmpty ? "there is none" : "there are \(rewards.keys.sorted().joined(separator: ", "))"
            throw WorkshopError(
                .unknownReward, "There is no reward \"\(name)\" that this server's operator has named (--reward); \(known).", at: "objective.reward")
        }
        return reward
    }

    /// The judging model; nil if rules judge.
    func model(_ wanted: JudgeOptions?) throws -> ModelJudge? {
        guard let wanted else { return nil }
        switch wanted.kind {
        case .match: return nil
        case .model: return try served(wanted.model ?? versions.pinnedBaseName)
        case .remote:
            guard let address = wanted.endpoint, endpoints.contains(address), let base = URL(string: address) else {
                throw WorkshopError(
                    .endpointNotAllowed,
                    "The judge's endpoint \"\(wanted.endpoint ?? "")\" is not one that this server's operator allows (--judge-endpoint).",
                    at: "judge.endpoint")
            }
            guard let name = wanted.model else {
                throw WorkshopError(.missingValue, "judge.model: expected the judging model's name; found nothing.", at: "judge.model")
            }
            return ModelJudge(endpoint: Endpoint(base: base, key: key), model: name)
        }
    }

    private func served(_ name: String) throws -> ModelJudge {
        let (engine, version) = (engine, try versions.entry(name).version)
        return ModelJudge(name: name) { text in
            var options = SamplingOptions()
            options.temperature = 0
            options.maxTokens = 64
            let prompt = try engine.model.prompt([Message(role: "user", parts: [.text(text)])])
            let request = GenerationRequest(prompt: prompt, options: options, version: version, isLowPriority: true)
            return try await engine.complete(request).answers[0].text
        }
    }
}
