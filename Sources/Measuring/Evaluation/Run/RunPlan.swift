import CordBench
import Foundation
import Randomness

/// The questions of a run and their order: a pure function of the question set and the settings, so that a run can be repeated.
///
///     set → seeded order → the first `limit` → back in the set's order → (item, arm) by (item, arm)
package struct RunPlan: Sendable {
    package struct Question: Sendable {
        /// Index into ``RunPlan/items``.
        package let item: Int
        package let arm: Arm
        package let asking: Result<Asking, Unaskable>
    }

    package let items: [QuestionSet.Item]
    /// Indices of the items, by their ids.
    let places: [String: Int]
    package let questions: [Question]
    /// The indices of the items along whose spoken answers D_t is measured.
    package let anatomy: [Int]

    package init(_ set: QuestionSet, _ settings: RunSettings) {
        var generator = RandomStream(seed: settings.seed)
        let order = Self.shuffled(Array(set.items.indices), &generator)
        let items = order.prefix(settings.limit ?? order.count).sorted().map { set.items[$0] }
        let others = Self.others(items, &generator)
        var questions: [Question] = []
        for (place, item) in items.enumerated() {
            for arm in settings.arms {
                let asking: Result<Asking, Unaskable> =
                    switch arm {
                    case .text: Self.typed(item)
                    case .audio: Self.spoken(item, set)
                    case .noAudio: .success(.nothing)
                    case .transcript: Self.clip(item, set).map { .relayed($0) }
                    case .audioText: Self.typed(item).flatMap { _ in Self.clip(item, set).map { .accompanied($0, text: item.text) } }
                    case .shuffledAudio: others[place].map { Self.spoken(items[$0], set) } ?? .failure(Self.noOtherClip)
                    }
                questions.append(Question(item: place, arm: arm, asking: asking))
            }
        }
        self.items = items
        places = Dictionary(items.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
        self.questions = questions
        let measurable = items.indices.filter { items[$0].audio != nil && !items[$0].text.isEmpty }
        anatomy = Array(Self.shuffled(measurable, &generator).prefix(settings.divergence)).sorted()
    }

    private static let noOtherClip = Unaskable(code: "no_other_clip", "no other question of the run is spoken")

    private static func typed(_ item: QuestionSet.Item) -> Result<Asking, Unaskable> {
        item.text.isEmpty
            ? .failure(Unaskable(code: "no_text", "the set has no text of this question")) : .success(.typed(item.text))
    }

    private static func spoken(_ item: QuestionSet.Item, _ set: QuestionSet) -> Result<Asking, Unaskable> {
        clip(item, set).map { .spoken($0) }
    }

    private static func clip(_ item: QuestionSet.Item, _ set: QuestionSet) -> Result<QuestionSet.Clip, Unaskable> {
        set.clip(item).map { .success($0) } ?? .failure(Unaskable(code: "no_audio", "the set has no clip of this question"))
    }

    /// For every item, the index of another item whose clip it is asked with. No clip is used twice, and none belongs to the item's own source
    /// question, unless one question has more than half of all clips. The clips are arranged in a ring by source, and the ring is
    /// rotated by the size of the largest source.
    private static func others(_ items: [QuestionSet.Item], _ generator: inout RandomStream) -> [Int: Int] {
        let spoken = shuffled(items.indices.filter { items[$0].audio != nil }, &generator)
        var places: [String: Int] = [:]
        var groups: [[Int]] = []
        for item in spoken {
            let place = places[items[item].source, default: groups.count]
            if place == groups.count {
                places[items[item].source] = place
                groups.append([])
            }
            groups[place].append(item)
        }
        let ring = groups.flatMap { $0 }
        let turn = groups.map(\.count).max() ?? 0
        guard groups.count > 1 else { return [:] }
        return Dictionary(
            uniqueKeysWithValues: ring.indices.compactMap { place in
                let other = ring[(place + turn) % ring.count]
                return items[other].source == items[ring[place]].source ? nil : (ring[place], other)
            })
    }

    private static func shuffled(_ values: [Int], _ generator: inout RandomStream) -> [Int] {
        var values = values
        for last in stride(from: values.count - 1, to: 0, by: -1) { values.swapAt(last, generator.index(below: last + 1)) }
        return values
    }
}

/// The settings of a run, apart from the model.
package struct RunSettings: Codable, Sendable, Equatable {
    package var arms: [Arm]
    /// The number of items, from the start of the seeded order; nil for all.
    package var limit: Int?
    package var seed: UInt64
    package var extraction: ExtractionMode
    /// The number of answers along which D_t is measured.
    package var divergence: Int

    package init(
        arms: [Arm] = [.text, .audio], limit: Int? = nil, seed: UInt64 = 0, extraction: ExtractionMode = .strict, divergence: Int = 0
    ) {
        self.arms = arms
        self.limit = limit
        self.seed = seed
        self.extraction = extraction
        self.divergence = divergence
    }

    /// The settings for a second set of this run: one arm, the same order and extraction.
    package func retaining(_ set: QuestionSet) -> RunSettings {
        let arm: Arm =
            if set.items.allSatisfy({ $0.audio == nil }) {
                .text
            } else {
                // The clips of the built-in sets contain their texts. Both together would be another question.
                CordBench.allCases.contains { $0.directory == set.folder } ? .audio : .audioText
            }
        return RunSettings(arms: [arm], limit: limit, seed: seed, extraction: extraction)
    }

    /// The settings that a report's reproducibility block names.
    package init(repeating report: Reproducibility) {
        self.init(
            arms: report.arms, limit: report.limit, seed: report.seed,
            extraction: report.extraction, divergence: report.divergence)
    }
}

/// The way an answer is extracted from a reply.
package enum ExtractionMode: String, Codable, Sendable, CaseIterable {
    /// ``AnswerExtraction``: a failure is named and counts as wrong.
    case strict
    /// ``VoiceBenchRules`` for multiple choice and ``VoiceBenchReasoningRules`` for BBH, their random answers included,
    /// ``VoiceBenchRefusalRules`` for AdvBench, and the strict reading for the rest; for comparison with published numbers.
    case voiceBench = "voicebench_compatible"
}
