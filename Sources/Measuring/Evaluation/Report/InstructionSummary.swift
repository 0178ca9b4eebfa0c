/// The share of followed instructions, counted as by IFEval: by prompts whose instructions are all followed, and by
/// single instructions; strictly, on the response itself, and loosely, also without its first or last line or its asterisks.
///
/// The report's own accuracies and gap are the strict ones of prompts.
package struct InstructionSummary: Codable, Sendable, Equatable {
    package struct Share: Codable, Sendable, Equatable {
        package var n: Int
        package var followed: Int
        package var share: Double
        /// Wilson's interval for prompts. For instructions, which share prompts: Student's t clustered by source question, nil with fewer than two.
        package var interval: Interval?
    }

    package struct Levels: Codable, Sendable, Equatable {
        package var promptStrict: Share
        package var promptLoose: Share
        package var instructionStrict: Share
        package var instructionLoose: Share

        enum CodingKeys: String, CodingKey {
            case promptStrict = "prompt_strict"
            case promptLoose = "prompt_loose"
            case instructionStrict = "instruction_strict"
            case instructionLoose = "instruction_loose"
        }
    }

    /// Typed minus spoken, for the three levels besides the report's own gap. Single instructions are clustered by source question.
    package struct Gaps: Codable, Sendable, Equatable {
        package var promptLoose: PairedSummary
        package var instructionStrict: PairedSummary
        package var instructionLoose: PairedSummary

        enum CodingKeys: String, CodingKey {
            case promptLoose = "prompt_loose"
            case instructionStrict = "instruction_strict"
            case instructionLoose = "instruction_loose"
        }
    }

    /// One kind of instruction: the numbers of requests and of strict successes by arm.
    package struct Kind: Codable, Sendable, Equatable {
        package var id: String
        package var asked: [Arm: Int]
        package var followed: [Arm: Int]
    }

    package var arms: [Arm: Levels]
    package var gaps: Gaps
    package var kinds: [Kind]

    /// Nil if no item has instructions.
    init?(_ items: [ItemResult], confidence: Double, resamples: Int, seed: UInt64) {
        let answers = items.map { item in
            (key: item.sourceQuestion, arms: item.arms.filter { $0.value.error == nil }.compactMapValues(\.instructions))
        }
        guard answers.contains(where: { !$0.arms.isEmpty }) else { return nil }
        arms = [:]
        for arm in Arm.allCases {
            let asked = answers.compactMap { answer in answer.arms[arm].map { (answer.key, $0) } }
            if !asked.isEmpty { arms[arm] = Levels(asked, confidence: confidence) }
        }
        let pairs = answers.compactMap { answer -> (key: String, text: [InstructionOutcome], audio: [InstructionOutcome])? in
            guard let text = answer.arms[.text], let audio = answer.arms[.audio] else { return nil }
            return (answer.key, text, audio)
        }
        func gap(_ pairs: [(key: String, first: Bool, second: Bool)]) -> PairedSummary {
            PairedSummary(pairs, confidence: confidence, resamples: resamples, seed: seed)
        }
        func single(_ outcome: KeyPath<InstructionOutcome, Bool>) -> PairedSummary {
            gap(pairs.flatMap { pair in zip(pair.text, pair.audio).map { (pair.key, $0[keyPath: outcome], $1[keyPath: outcome]) } })
        }
        gaps = Gaps(
            promptLoose: gap(pairs.map { ($0.key, $0.text.allSatisfy(\.loose), $0.audio.allSatisfy(\.loose)) }),
            instructionStrict: single(\.strict), instructionLoose: single(\.loose))
        var kinds: [String: Kind] = [:]
        for answer in answers {
            for (arm, outcomes) in answer.arms {
                for outcome in outcomes {
                    kinds[outcome.id, default: Kind(id: outcome.id, asked: [:], followed: [:])].asked[arm, default: 0] += 1
                    if outcome.strict { kinds[outcome.id]?.followed[arm, default: 0] += 1 }
                }
            }
        }
        self.kinds = kinds.values.sorted { $0.id < $1.id }
    }
}

extension InstructionSummary.Levels {
    fileprivate init(_ asked: [(String, [InstructionOutcome])], confidence: Double) {
        func prompts(_ outcome: KeyPath<InstructionOutcome, Bool>) -> InstructionSummary.Share {
            let share = Proportion(successes: asked.count { $0.1.allSatisfy { $0[keyPath: outcome] } }, count: asked.count)
            return InstructionSummary.Share(
                n: share.count, followed: share.successes, share: share.value, interval: share.wilson(confidence: confidence))
        }
        func single(_ outcome: KeyPath<InstructionOutcome, Bool>) -> InstructionSummary.Share {
            let all = ClusteredPairs(
                differences: asked.flatMap { key, outcomes in outcomes.map { (key, $0[keyPath: outcome] ? 1 : 0) } }, range: 0...1)
            return InstructionSummary.Share(
                n: all.count, followed: all.sum, share: all.difference, interval: all.interval(confidence: confidence))
        }
        self.init(
            promptStrict: prompts(\.strict), promptLoose: prompts(\.loose), instructionStrict: single(\.strict),
            instructionLoose: single(\.loose))
    }
}
