/// The largest |found − expected|.
///
/// Infinite where an element of either is NaN or infinite, where the counts differ, and where there is nothing to compare: `max` of
/// differences by itself passes over NaN, and `zip` over what is missing.
package func largestDifference<Number: BinaryFloatingPoint>(
    _ found: some Collection<Number>, _ expected: some Collection<Number>
) -> Number {
    guard !found.isEmpty, found.count == expected.count, found.allSatisfy(\.isFinite), expected.allSatisfy(\.isFinite) else {
        return .infinity
    }
    return zip(found, expected).reduce(0) { max($0, abs($1.0 - $1.1)) }
}

/// The largest |found − expected| as a share of the largest |expected|, or of 1e-30 where all are smaller.
///
/// Infinite or NaN, and so below no bound, where ``largestDifference`` is infinite.
package func largestRelativeDifference<Number: BinaryFloatingPoint>(
    _ found: some Collection<Number>, _ expected: some Collection<Number>
) -> Number {
    largestDifference(found, expected) / expected.reduce(1e-30) { max($0, abs($1)) }
}

/// |found − expected| as a share of |expected|, or of 1 where that is smaller. Below no bound where either is NaN or infinite.
package func relativeDifference<Number: BinaryFloatingPoint>(_ found: Number, _ expected: Number) -> Number {
    largestDifference([found], [expected]) / max(1, abs(expected))
}
