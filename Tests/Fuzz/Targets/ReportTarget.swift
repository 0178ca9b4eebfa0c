import Evaluation
import Foundation
import TestSupport

extension FuzzTarget {
    /// A gap report from a file, as `cord gap compare` reads it: rendered, and compared with itself and with the original.
    static let reports = FuzzTarget(
        name: "reports", seeds: { [try original()] },
        run: { data in
            guard let report = try? GapReport(json: data) else { return }
            _ = report.markdown()
            _ = report.csv()
            _ = report.html()
            for other in [report, try? GapReport(json: original())].compactMap(\.self) {
                guard let comparison = try? GapComparison(base: other, candidate: report, resamples: 20) else { continue }
                _ = comparison.markdown()
                _ = comparison.html(base: other, candidate: report)
            }
        })

    /// The committed report with few of its items.
    @Sendable private static func original() throws -> Data {
        let file = fixtures.deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "benchmarks/quality/cord-nano/report-1.json")
        guard var report = try JSONSerialization.jsonObject(with: try Data(contentsOf: file)) as? [String: Any],
            let items = report["items"] as? [Any]
        else { return Data() }
        report["items"] = Array(items.prefix(4))
        return try JSONSerialization.data(withJSONObject: report, options: .sortedKeys)
    }
}
