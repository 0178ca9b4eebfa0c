import Foundation

/// Numbers in the form of tables, independent of the locale.
enum Format {
    static func fixed(_ value: Double, _ digits: Int) -> String {
        let text = String(format: "%.\(digits)f", value)
        // A rounded −0.0 would claim a direction.
        return Double(text) == 0 ? text.replacing("-", with: "") : text
    }

    /// A fraction as percent.
    static func percent(_ fraction: Double) -> String { fixed(100 * fraction, 1) }

    static func signed(_ points: Double, digits: Int = 1) -> String {
        let text = fixed(points, digits)
        return points > 0 && Double(text) != 0 ? "+" + text : text.replacing("-", with: "−")
    }

    static func interval(_ interval: Interval, scale: Double = 1, digits: Int = 1) -> String {
        "[" + fixed(interval.lower * scale, digits).replacing("-", with: "−") + ", "
            + fixed(interval.upper * scale, digits).replacing("-", with: "−") + "]"
    }

    /// An interval; a dash if the data do not support one.
    static func interval(_ interval: Interval?, scale: Double = 1, digits: Int = 1) -> String {
        interval.map { self.interval($0, scale: scale, digits: digits) } ?? "–"
    }

    /// A p-value: three decimals, or a bound.
    static func p(_ value: Double) -> String { value < 0.001 ? "< 0.001" : fixed(value, 3) }

    static func optional(_ value: Double?, _ digits: Int = 3) -> String {
        value.map { fixed($0, digits).replacing("-", with: "−") } ?? "–"
    }

    /// A token with its white space visible.
    static func token(_ text: String) -> String {
        let visible = text.replacing(" ", with: "␣").replacing("\n", with: "⏎").replacing("\t", with: "⇥")
        return visible.isEmpty ? "(nothing)" : visible
    }

    static func counts(_ counts: [String: Int]) -> String {
        counts.isEmpty ? "0" : counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }

    static func date(_ seconds: Int) -> String {
        // A calendar has years of four digits.
        Date(timeIntervalSince1970: Double(min(max(seconds, 0), 253_402_300_799))).formatted(.iso8601)
    }

    static func name(_ arm: Arm) -> String {
        switch arm {
        case .text: "text"
        case .audio: "audio"
        case .noAudio: "no audio"
        case .shuffledAudio: "shuffled audio"
        case .transcript: "transcript"
        case .audioText: "audio and text"
        }
    }
}

extension Arm {
    /// The name of the page's CSS class for the colour.
    var style: String { self == .text ? "text" : self == .audio ? "audio" : "control" }
}
