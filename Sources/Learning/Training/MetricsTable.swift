package import Foundation

/// A run's metrics as a table for spreadsheets and OpenAI's clients: a row per step, and one for a validation before the first.
///
///     step,train_loss,kl_mean,…,seconds,full_valid_kl_mean,…
///
/// A number that a step does not have is left empty; columns without numbers are left out.
package enum MetricsTable {
    private struct Row {
        var values: [String: Double] = [:]
    }

    /// - Parameter directory: The run's directory.
    /// - Throws: If its metrics cannot be read.
    package static func csv(of directory: URL) throws -> Data {
        var rows: [Int: Row] = [:]
        var names = ["step"]
        func set(_ name: String, _ value: Double, step: Int) {
            if !names.contains(name) { names.append(name) }
            rows[step, default: Row()].values[name] = value
        }
        for line in try MetricsLog.lines(of: directory) {
            rows[line.step] = Row(values: ["step": Double(line.step)])
            guard let metrics = line.metrics else { continue }
            for (name, value) in metrics.values { set(name == "loss" ? "train_loss" : name, value, step: line.step) }
            set("rollout_tokens", Double(metrics.rolloutTokens), step: line.step)
            set("train_tokens", Double(metrics.trainTokens), step: line.step)
            if let seconds = line.timings?.total { set("seconds", seconds, step: line.step) }
        }
        for line in try MetricsLog.validationLines(of: directory) {
            set("step", Double(line.step), step: line.step)
            for (name, value) in line.validation.values { set("full_valid_" + name, value, step: line.step) }
        }
        let lines = rows.keys.sorted().map { step in
            names.map { name in rows[step]?.values[name].map(text) ?? "" }.joined(separator: ",")
        }
        return Data(([names.joined(separator: ",")] + lines).map { $0 + "\n" }.joined().utf8)
    }

    private static func text(_ value: Double) -> String { Int(exactly: value).map(String.init) ?? String(value) }
}
