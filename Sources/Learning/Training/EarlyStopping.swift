package import Foundation

/// The number by which validations are compared; smaller is better.
package enum Criterion: String, Sendable, Codable, CaseIterable {
    /// Accuracy typed minus spoken.
    case gap
    case loss
    case klMean = "kl_mean"
    /// 1 − typed accuracy.
    case textLoss = "text_loss"

    /// Nil if a validation does not have the number.
    package func value(of validation: Validation) -> Double? {
        switch self {
        case .gap: validation.textAccuracy.flatMap { text in validation.audioAccuracy.map { text - $0 } }
        case .loss: validation.loss
        case .klMean: validation.klMean
        case .textLoss: validation.textAccuracy.map { 1 - $0 }
        }
    }

    /// The step of the best validation, the first of equals; nil if none has the number.
    func best(of validations: [(step: Int, validation: Validation)]) -> Int? {
        let values = validations.compactMap { line in value(of: line.validation).map { (step: line.step, value: $0) } }.filter(\.value.isFinite)
        return values.min { ($0.value, $0.step) < ($1.value, $1.step) }?.step
    }

    /// The same for the validations recorded in a run's directory.
    package func best(ofRun directory: URL) throws -> Int? {
        best(of: try MetricsLog.validationLines(of: directory).map { ($0.step, $0.validation) })
    }
}

/// Ends a run after a number of consecutive validations that do not improve on the best one by the minimum change.
package struct EarlyStopping: Sendable, Equatable, Codable {
    package var criterion: Criterion
    package var patience: Int
    package var minimumChange: Double

    package init(_ criterion: Criterion, patience: Int, minimumChange: Double = 0) {
        self.criterion = criterion
        self.patience = patience
        self.minimumChange = minimumChange
    }

    /// Why the run ends now; nil while it continues.
    ///
    /// - Parameter validations: All validations of the run in order, including the one before its first step.
    /// - Throws: ``TrainingError/options(_:)`` if they do not have the criterion's number.
    package func reason(after validations: [Validation]) throws(TrainingError) -> String? {
        var best = Double.infinity
        var waited = 0
        for validation in validations {
            guard let value = criterion.value(of: validation) else {
                throw .options("the validation has no \(criterion.rawValue) to stop by: \(Self.needs(criterion))")
            }
            if value < best - minimumChange || best == .infinity { (best, waited) = (value, 0) } else { waited += 1 }
        }
        guard waited >= patience else { return nil }
        return "\(criterion.rawValue) has not fallen below \(best) by more than \(minimumChange) in \(waited) validations"
    }

    private static func needs(_ criterion: Criterion) -> String {
        switch criterion {
        case .gap, .textLoss: "its pairs need right answers, and the method another than supervised"
        case .loss: "methods that imitate right answers have it"
        case .klMean: "methods with a teacher have it"
        }
    }
}

/// Which checkpoints of a run are kept besides the newest. Several rules keep what any of them keeps.
///
///     last:3       the newest three
///     every:500    those whose step is a multiple
///     best         that of the best validation
package enum KeepRule: Sendable, Equatable, Codable, CustomStringConvertible {
    case last(Int)
    case every(Int)
    case best

    /// Nil if `text` is not a rule.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let count = parts.count == 2 ? Int(parts[1]).flatMap { $0 > 0 ? $0 : nil } : nil
        switch (parts.first, count) {
        case ("last", let count?): self = .last(count)
        case ("every", let count?): self = .every(count)
        case ("best", nil) where parts.count == 1: self = .best
        default: return nil
        }
    }

    package var description: String {
        switch self {
        case .last(let count): "last:\(count)"
        case .every(let count): "every:\(count)"
        case .best: "best"
        }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let rule = KeepRule(text) else { throw DecodingError.dataCorruptedError(in: container, debugDescription: "no rule: \(text)") }
        self = rule
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    /// The steps that the rule keeps, of the given steps with checkpoints.
    ///
    /// - Parameter best: The step of the best validation.
    package func kept(of steps: [Int], best: Int?) -> [Int] {
        switch self {
        case .last(let count): Array(steps.suffix(count))
        case .every(let count): steps.filter { $0 % count == 0 }
        case .best: steps.filter { $0 == best }
        }
    }
}
