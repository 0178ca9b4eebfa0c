package import API

/// A report as the list shows it. The report itself has every item.
package struct GapReportSummary: Codable, Equatable, Sendable {
    package var id: String
    package var object = "gap.report"
    package var createdAt: Int
    package var runId: String?
    package var model: String
    package var weightVersion: String
    package var benchmark: String
    package var n: Int
    /// Accuracy by arm, 0 to 1.
    package var accuracy: [String: Double]
    /// Text minus audio accuracy, in points. This, its interval and p are null if no item was asked both typed and spoken.
    @Nullable package var gap: Double? = nil
    /// The lower and upper ends of the paired confidence interval, in points.
    @Nullable package var gapInterval: [Double]? = nil
    /// The p-value of the exact McNemar test.
    @Nullable package var p: Double? = nil
}
