import Foundation
import Randomness

/// The table of a paper: methods × benchmarks, each over its seeds, against one base.
///
///     audio, text   accuracies, means over seeds, with the deviation between seeds
///     gap           text − audio, in points
///     change        method − base on the same items: pooled over seeds, with intervals over questions and over seeds × questions
///     p             sign-flip test of the audio change over source questions; adjusted by Holm over all methods and benchmarks
///     reduction     1 − gap after ÷ gap before: against the base's text accuracy, as in the paper, and against the method's own
///     MRR           audio ÷ the base's text (arXiv 2601.05543); the average drop is the mean of 1 − MRR over benchmarks (2603.24596)
///     text kept     text ÷ the base's text
package struct GapTable: Codable, Sendable, Equatable {
    /// One report of a method. Several reports on one benchmark are its seeds.
    package struct Entry: Sendable {
        package let method: String
        package let report: GapReport

        package init(method: String, report: GapReport) {
            self.method = method
            self.report = report
        }
    }

    /// A difference in points.
    package struct Change: Codable, Sendable, Equatable {
        package var points: Double
        /// The interval over source questions.
        package var pooled: Interval?
        /// The interval over seeds and source questions; nil with one seed.
        package var hierarchical: Interval?
        package var signFlipP: Double

        private enum CodingKeys: String, CodingKey {
            case points, pooled, hierarchical
            case signFlipP = "sign_flip_p"
        }
    }

    /// Means over seeds, as fractions unless stated in points.
    package struct Numbers: Codable, Sendable, Equatable {
        package var text: Double
        package var audio: Double
        /// In points.
        package var gap: Double
        package var reductionAgainstBaseText: Double?
        package var reductionOwn: Double?
        package var mrr: Double?
        package var textKept: Double?

        private enum CodingKeys: String, CodingKey {
            case text, audio, gap, mrr
            case reductionAgainstBaseText = "reduction_against_base_text"
            case reductionOwn = "reduction_own"
            case textKept = "text_kept"
        }
    }

    package struct Row: Codable, Sendable, Equatable {
        package var benchmark: String
        package var method: String
        package var seeds: Int
        /// The number of items asked typed and spoken in the base and in every seed.
        package var n: Int
        package var numbers: Numbers
        /// The standard deviation between seeds; nil with one seed.
        package var textDeviation: Double?
        package var audioDeviation: Double?
        /// Nil for the base.
        package var audioChange: Change?
        package var textChange: Change?
        package var adjustedP: Double?

        private enum CodingKeys: String, CodingKey {
            case benchmark, method, seeds, n, numbers
            case textDeviation = "text_deviation"
            case audioDeviation = "audio_deviation"
            case audioChange = "audio_change"
            case textChange = "text_change"
            case adjustedP = "adjusted_p"
        }
    }

    /// A method over all benchmarks of the base. The drop is nil if no base answers a typed question correctly.
    package struct Mean: Codable, Sendable, Equatable {
        package var method: String
        package var numbers: Numbers
        package var averageDrop: Double?

        private enum CodingKeys: String, CodingKey {
            case method, numbers
            case averageDrop = "average_drop"
        }
    }

    package struct Failure: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    package var object = "gap.table"
    package var base: String
    /// Sorted by benchmark in the order of the base's reports, then by method in the given order.
    package var rows: [Row] = []
    /// The means of the methods measured on every benchmark; empty if there is only one benchmark.
    package var means: [Mean] = []

    /// - Parameter base: The method that the others are compared with; it has one report per benchmark.
    package init(_ entries: [Entry], base: String, confidence: Double = 0.95, resamples: Int = 2000) throws(Failure) {
        self.base = base
        var methods: [String] = []
        for entry in entries where !methods.contains(entry.method) { methods.append(entry.method) }
        let benchmarks = entries.filter { $0.method == base }.map(\.report)
        guard !benchmarks.isEmpty else {
            throw Failure(description: "there is no report of the base \(base); there are \(methods.joined(separator: ", "))")
        }
        try Self.check(entries, base: base)
        for before in benchmarks {
            for method in methods {
                let seeds = entries.filter { $0.method == method && $0.report.benchmark == before.benchmark }.map(\.report)
                if seeds.isEmpty { continue }
                rows.append(
                    try Self.row(method, seeds, before, isBase: method == base, confidence: confidence, resamples: resamples))
            }
        }
        let compared = rows.indices.filter { rows[$0].audioChange != nil }
        let adjusted = MultipleTests.holm(compared.map { rows[$0].audioChange?.signFlipP ?? 1 })
        for (place, p) in zip(compared, adjusted) { rows[place].adjustedP = p }
        if benchmarks.count > 1 { means = methods.compactMap { mean($0, benchmarks: benchmarks.count) } }
    }

    private static func check(_ entries: [Entry], base: String) throws(Failure) {
        var hashes: [String: String] = [:]
        for entry in entries where entry.method == base {
            let (name, hash) = (entry.report.benchmark, entry.report.reproducibility.benchmarkHash)
            if hashes.updateValue(hash, forKey: name) != nil {
                throw Failure(description: "the base \(base) has several reports of \(name); it is compared with one of each benchmark")
            }
        }
        for entry in entries {
            let (name, hash) = (entry.report.benchmark, entry.report.reproducibility.benchmarkHash)
            guard let known = hashes[name] else {
                throw Failure(
                    description: "\(entry.method) was measured on \(name), the base \(base) only on \(hashes.keys.sorted().joined(separator: ", "))")
            }
            if known != hash {
                throw Failure(description: "\(entry.method) was measured on another \(name) than the base: its hash is \(hash), the base's \(known)")
            }
        }
    }

    private static func row(
        _ method: String, _ seeds: [GapReport], _ base: GapReport, isBase: Bool, confidence: Double, resamples: Int
    ) throws(Failure) -> Row {
        let before = asked(base)
        let after = seeds.map(asked)
        let common = base.items.compactMap { item in before[item.id] != nil && after.allSatisfy { $0[item.id] != nil } ? item : nil }
        guard !common.isEmpty else {
            throw Failure(description: "\(method) and the base share no item of \(base.benchmark) that all of them asked typed and spoken")
        }
        func accuracy(_ outcomes: [String: Outcome], _ arm: KeyPath<Outcome, Bool>) -> Double {
            Double(common.count { outcomes[$0.id]?[keyPath: arm] == true }) / Double(common.count)
        }
        func change(_ arm: KeyPath<Outcome, Bool>) -> Change {
            let pairs = SeededPairs(
                after.map { outcomes in
                    common.map { item in
                        let right = { (outcomes: [String: Outcome]) in outcomes[item.id]?[keyPath: arm] == true ? 1 : 0 }
                        return (item.sourceQuestion, right(outcomes) - right(before))
                    }
                })
            var generator = RandomStream(seed: base.reproducibility.seed)
            let pooled = pairs.pooled
            return Change(
                points: 100 * pairs.difference,
                pooled: pooled.bootstrap(resamples: resamples, confidence: confidence, using: &generator)?.scaled(by: 100),
                hierarchical: pairs.hierarchical(resamples: resamples, confidence: confidence, using: &generator)?.scaled(by: 100),
                signFlipP: pooled.signFlipP)
        }
        let (texts, audios) = (after.map { accuracy($0, \.text) }, after.map { accuracy($0, \.audio) })
        let (baseText, baseAudio) = (accuracy(before, \.text), accuracy(before, \.audio))
        return Row(
            benchmark: base.benchmark, method: method, seeds: seeds.count, n: common.count,
            numbers: Numbers(text: mean(texts), audio: mean(audios), baseText: baseText, baseAudio: baseAudio),
            textDeviation: deviation(texts), audioDeviation: deviation(audios), audioChange: isBase ? nil : change(\.audio),
            textChange: isBase ? nil : change(\.text))
    }

    private func mean(_ method: String, benchmarks: Int) -> Mean? {
        let own = rows.filter { $0.method == method }
        let before = rows.filter { $0.method == base }
        guard own.count == benchmarks else { return nil }
        func over(_ rows: [Row], _ value: KeyPath<Numbers, Double>) -> Double { Self.mean(rows.map { $0.numbers[keyPath: value] }) }
        let ratios = own.compactMap(\.numbers.mrr)
        let kept = own.compactMap(\.numbers.textKept)
        var numbers = Numbers(
            text: over(own, \.text), audio: over(own, \.audio), baseText: over(before, \.text), baseAudio: over(before, \.audio))
        // Means of ratios, not ratios of means.
        numbers.mrr = ratios.isEmpty ? nil : Self.mean(ratios)
        numbers.textKept = kept.isEmpty ? nil : Self.mean(kept)
        return Mean(method: method, numbers: numbers, averageDrop: numbers.mrr.map { 1 - $0 })
    }

    private struct Outcome {
        let text, audio: Bool
    }

    /// The outcomes of the items asked in both arms, by item.
    private static func asked(_ report: GapReport) -> [String: Outcome] {
        report.items.reduce(into: [:]) { found, item in
            guard let text = item.asked(.text), let audio = item.asked(.audio) else { return }
            found[item.id] = Outcome(text: text.correct, audio: audio.correct)
        }
    }

    private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

    private static func deviation(_ values: [Double]) -> Double? {
        guard values.count > 1 else { return nil }
        let mean = mean(values)
        return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
    }

    private enum CodingKeys: String, CodingKey { case object, base, rows, means }
}

extension GapTable.Numbers {
    init(text: Double, audio: Double, baseText: Double, baseAudio: Double) {
        let before = baseText - baseAudio
        self.init(
            text: text, audio: audio, gap: 100 * (text - audio),
            reductionAgainstBaseText: GapRatio.reduction(before: before, after: baseText - audio),
            reductionOwn: GapRatio.reduction(before: before, after: text - audio), mrr: GapRatio.retention(audio: audio, baseText: baseText),
            textKept: GapRatio.retention(audio: text, baseText: baseText))
    }
}

extension GapReport {
    var benchmark: String { reproducibility.benchmark }
}
