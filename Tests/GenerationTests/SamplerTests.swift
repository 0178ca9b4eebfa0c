import CordNano
import Foundation
import Generation
import Models
import Structure
import Tensors
import TestSupport
import Testing

/// Any options that pass their check and any logits give a token of the vocabulary or an error.
@Suite(.ownThread) struct SamplerTests {
    private static let extremes: [Double] = [
        0, -0.0, .leastNonzeroMagnitude, 2000 * .leastNonzeroMagnitude, 1e-300, 1e-45, 1e-40, 1e-38, 1e-10, 1e-5, 0.01, 0.5, 0.999999,
        1, 1.5, 2, 100, 1e38, 1e40, 1e300, 1e308, -.leastNonzeroMagnitude, -1, -1e308, .infinity, -.infinity, .nan,
    ]

    private func options(_ change: (inout SamplingOptions) -> Void) -> SamplingOptions {
        var options = SamplingOptions()
        change(&options)
        return options
    }

    /// Twice the same row draws twice, so that penalties meet a token that was chosen.
    private func draws(_ options: SamplingOptions, _ logits: [Float]) throws(EngineError) -> [Int32] {
        try options.check()
        var sampler = Sampler(options, prompt: [0, 1], choice: 0)
        let row = Tensor(row: logits)
        return [try sampler.choose(row, row: 0), try sampler.choose(row, row: 0)]
    }

    /// The sampler reads few allowed tokens one by one. Of more it reads the whole row, in which the others have no probability.
    @Test func aFormOfManyTokensLeavesOutTheOthers() throws {
        let count = 6000
        // Even ids spell digits, odd ones begin with a letter.
        let vocabulary = Vocabulary(count: count, ends: [0]) { id in Array((id.isMultiple(of: 2) ? "\(id)" : "a\(id)").utf8)[...] }
        let structure = try Structure(.pattern("[0-9]+"), vocabulary)
        let mask = try structure.mask(structure.start)
        #expect(mask.few == nil && mask.allows(2) && !mask.allows(5999))
        var sampler = Sampler(options { $0.temperature = 0 }, prompt: [], choice: 0)
        // The likeliest token is not of the form.
        let row = Tensor(row: (0..<count).map { Float($0) })
        #expect(try sampler.choose(row, row: 0, mask: mask) == 5998)
    }

    @Test func everyNumberOfARequestGivesATokenOrARefusal() {
        let rows: [[Float]] = [
            [0], [1, 2, 3], [3, 3, 3, 3], Array(repeating: -1000, count: 40), [1e30, -1e30, 0], [.greatestFiniteMagnitude, 0, -1],
            [-.infinity, 2, -.infinity, 1], (0..<40).map { Float($0) * 0.25 }, [.leastNonzeroMagnitude, 0],
        ]
        let settings: [(inout SamplingOptions, Double) -> Void] = [
            { $0.temperature = $1 }, { $0.topP = $1 }, { $0.minP = $1 }, { $0.repetitionPenalty = $1 },
            { $0.frequencyPenalty = $1 }, { $0.presencePenalty = $1 },
        ]
        var answered = 0
        for row in rows {
            for (first, set) in settings.enumerated() {
                for (second, other) in settings.enumerated() where second >= first {
                    for one in Self.extremes {
                        for two in Self.extremes {
                            for topK in [0, 1, 3, Int.max] {
                                let options = options {
                                    set(&$0, one)
                                    other(&$0, two)
                                    $0.topK = topK
                                }
                                // Two tokens at most are seen where a row has one: penalties stay within the vocabulary.
                                guard row.count > 1, let tokens = try? draws(options, row) else { continue }
                                answered += 1
                                if !tokens.allSatisfy({ row.indices.contains(Int($0)) && row[Int($0)] > -.infinity }) {
                                    Issue.record("\(options) over \(row) gave \(tokens)")
                                }
                            }
                        }
                    }
                }
            }
        }
        #expect(answered > 10_000)
    }

    @Test(arguments: [0, -0.0, .leastNonzeroMagnitude, 2000 * .leastNonzeroMagnitude, 1e-45, 1e-30, 9e-6])
    func tinyTemperaturesTakeTheMostProbable(temperature: Double) throws {
        let logits: [Float] = [1, 1.000001, 0.5, 1.000001]
        #expect(try draws(options { $0.temperature = temperature }, logits) == [1, 1])
        let filtered = options {
            $0.temperature = temperature
            $0.topP = 1e-300
            $0.minP = 1
            $0.topK = .max
        }
        #expect(try draws(filtered, logits) == [1, 1])
    }

    @Test func whatLeavesOneCandidateTakesTheMostProbable() throws {
        let logits: [Float] = [0, 3, 1, 2]
        let changes: [(inout SamplingOptions) -> Void] = [
            { $0.topP = .leastNonzeroMagnitude }, { $0.topP = 0 }, { $0.minP = 1 }, { $0.topK = 1 }, { $0.temperature = 1e-5 },
        ]
        for change in changes {
            #expect(try draws(options(change), logits) == [1, 1])
        }
    }

    /// Of words with the shares 50, 30, 15 and 5 %: how many the filters leave, each of which is drawn as often as its share of these says.
    @Test(arguments: [
        (topK: 0, topP: 1.0, minP: 0.0, left: 4), (0, 0.49, 0, 1), (0, 0.51, 0, 2), (0, 0.79, 0, 2), (0, 0.81, 0, 3), (0, 0.96, 0, 4),
        (3, 1, 0, 3), (1, 1, 0, 1), (0, 1, 0.4, 2), (0, 1, 0.2, 3), (3, 0.83, 0, 2),
    ])
    func filtersLeaveTheMostProbableInTheirShares(topK: Int, topP: Double, minP: Double, left: Int) throws {
        let shares = [0.5, 0.3, 0.15, 0.05]
        let filters = options { ($0.topK, $0.topP, $0.minP) = (topK, topP, minP) }
        let row = Tensor(row: shares.map { Float(log($0)) })
        var counts = [0, 0, 0, 0]
        for choice in 0..<4000 {
            var sampler = Sampler(filters, prompt: [], choice: choice)
            counts[Int(try sampler.choose(row, row: 0))] += 1
        }
        let total = shares[..<left].reduce(0, +)
        for (word, count) in counts.enumerated() {
            let share = word < left ? shares[word] / total : 0
            // Five standard deviations.
            #expect(abs(Double(count) - 4000 * share) <= 5 * (4000 * share * (1 - share)).squareRoot(), "\(counts)")
        }
    }

    @Test(
        arguments: [
            [.nan, 1, 2], [1, .infinity, 2], [.infinity, .infinity], [-.infinity, -.infinity, -.infinity], [.nan, .nan],
            Array(repeating: 0, count: 33) + [.nan], Array(repeating: -.infinity, count: 40), [-.infinity, .nan, 0],
        ] as [[Float]])
    func logitsThatAreNoDistributionAreAnError(logits: [Float]) {
        let changes: [(inout SamplingOptions) -> Void] = [
            { _ in }, { $0.temperature = 0 }, { $0.topK = 2 }, { $0.topP = 0.5 }, { $0.minP = 1 }, { $0.repetitionPenalty = 2 },
            { $0.presencePenalty = 1 },
        ]
        for change in changes {
            #expect(throws: EngineError.noDistribution) { try draws(options(change), logits) }
        }
    }

    @Test func penaltiesThatLeaveFloatsRangeAreAnError() {
        let much = options {
            $0.repetitionPenalty = 100
            $0.temperature = 0.5
        }
        #expect(throws: EngineError.noDistribution) { try draws(much, [-1e38, -1e38]) }
    }

    @Test func wordsWithoutProbabilityAreNeverDrawn() throws {
        for seed in 0..<50 as Range<UInt64> {
            let hot = options {
                $0.seed = seed
                $0.temperature = 2
            }
            let drawn = try draws(hot, [-.infinity, 0, -.infinity, 0, -.infinity])
            #expect(drawn.allSatisfy { $0 == 1 || $0 == 3 })
        }
    }

    @Test func aRequestWhoseWeightsGiveNoDistributionFailsAlone() async throws {
        let model = try EngineTests.model.get()
        let norm = try #require(model.model.parameters.first { $0.name == "language_model.model.norm.weight" })
        let broken = WeightVersion(
            id: "broken", replacements: [norm.index: Tensor(row: Array(repeating: .nan, count: norm.shape[0]))])
        var sampled = SamplingOptions()
        sampled.temperature = 1.5
        sampled.seed = 3
        sampled.count = 2
        sampled.logProbabilities = 2
        let question = try model.prompt([Message(role: "user", parts: [.text("What is 17 plus 25?")])])
        let request = GenerationRequest(prompt: question, options: sampled)
        let alone = try await Engine(model).complete(request).answers
        let engine = Engine(model)
        let beside = try await withThrowingTaskGroup(of: [Completion]?.self) { group in
            for index in 0..<6 {
                group.addTask {
                    if index.isMultiple(of: 2) { return try await engine.complete(request).answers }
                    var failing = request
                    failing.version = broken
                    await #expect(throws: EngineError.noDistribution) { try await engine.complete(failing) }
                    return nil
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }.compactMap { $0 }
        }
        #expect(beside.count == 3 && beside.allSatisfy { $0 == alone })
        #expect(try await engine.complete(request).answers == alone)
    }

    @Test func optionsOutOfRangeAreRefusedBeforeAnyWork() throws {
        let model = try EngineTests.model.get()
        let engine = Engine(model)
        let question = try model.prompt([Message(role: "user", parts: [.text("Hello")])])
        let cases: [(name: String, change: (inout SamplingOptions) -> Void)] = [
            ("temperature", { $0.temperature = .nan }), ("temperature", { $0.temperature = -1 }), ("top_k", { $0.topK = -2 }),
            ("top_p", { $0.topP = 1.5 }), ("min_p", { $0.minP = .infinity }), ("repetition_penalty", { $0.repetitionPenalty = 1e-40 }),
            ("frequency_penalty", { $0.frequencyPenalty = 1e300 }), ("max_tokens", { $0.maxTokens = -1 }), ("n", { $0.count = 0 }),
        ]
        for (name, change) in cases {
            #expect {
                try engine.generate(GenerationRequest(prompt: question, options: options(change)))
            } throws: {
                guard case .unusableOption(name, _, _)? = $0 as? EngineError else { return false }
                return true
            }
        }
    }

    @Test func biasesMoveLogitsAndExcludedTokensAreNeverChosen() throws {
        let row = Tensor(row: [1, 2, 3])
        var biased = Sampler(
            options {
                $0.temperature = 0; $0.logitBias = [0: 2.5, 2: -1]
            }, prompt: [], choice: 0)
        #expect(try biased.choose(row, row: 0) == 0)
        #expect(try biased.choose(row, row: 0, excluding: [0, 7]) == 1)
        #expect(throws: EngineError.noDistribution) { try biased.choose(row, row: 0, excluding: [0, 1, 2]) }
    }

    @Test func theModelCannotEndAnAnswerBeforeItsLeastTokens() async throws {
        let model = try EngineTests.model.get()
        let engine = Engine(model)
        let question = try model.prompt([Message(role: "user", parts: [.text("What is 2 plus 3?")])])
        let plain = try await engine.complete(GenerationRequest(prompt: question, options: .greedy)).answers[0]
        let least = plain.tokens.count + 4
        let longer = try await engine.complete(
            GenerationRequest(
                prompt: question,
                options: options {
                    $0.temperature = 0; $0.minTokens = least; $0.maxTokens = 60
                })
        ).answers[0]
        #expect(longer.tokens.starts(with: plain.tokens) && longer.tokens.count >= least)
        #expect(longer.tokens.prefix(least).allSatisfy { !model.endTokens.contains($0) })
        #expect(throws: EngineError.self) {
            try engine.generate(GenerationRequest(prompt: question, options: options { $0.logitBias = [1 << 30: 1] }))
        }
    }

    @Test func asManyTokensAsCanBeAskedForEndWithTheContext() async throws {
        let model = try EngineTests.model.get()
        var options = SamplingOptions.greedy
        options.maxTokens = .max
        let question = try model.prompt([Message(role: "user", parts: [.text("What is 2 plus 3?")])])
        let answer = try await Engine(model).complete(GenerationRequest(prompt: question, options: options)).answers[0]
        #expect(answer.text.hasSuffix("The answer is 5."))
    }

    @Test(arguments: [
        (#""temperature": 1e308"#, "temperature"), (#""temperature": -1"#, "temperature"), (#""top_p": 7"#, "top_p"),
        (#""repetition_penalty": 1e-40"#, "repetition_penalty"), (#""repetition_penalty": 0"#, "repetition_penalty"),
        (#""min_p": -0.1"#, "min_p"), (#""max_new_tokens": 0"#, "max_tokens"),
    ])
    func aModelsOwnDefaultsAreCheckedWhenItLoads(member: String, name: String) throws {
        let checkpoint = try RandomCheckpoint("qwen2audio/published")
        let file = checkpoint.directory.appendingPathComponent("generation_config.json")
        try Data("{\"do_sample\": true, \(member)}".utf8).write(to: file)
        #expect {
            try withExtendedLifetime(checkpoint) { _ = try LoadedModel(directory: checkpoint.directory) }
        } throws: {
            "\($0)".hasPrefix("generation_config.json: \(name): expected")
        }
    }
}
