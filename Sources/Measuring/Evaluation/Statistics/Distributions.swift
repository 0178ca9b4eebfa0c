import Foundation

/// The few distribution functions that the intervals and tests need: normal, Student's t, and the fair binomial.
enum Distributions {
    /// Φ(z), the standard normal's cumulative distribution.
    static func normalCDF(_ z: Double) -> Double { 0.5 * erfc(-z / 2.0.squareRoot()) }

    /// Φ⁻¹(p) for 0 < p < 1, by bisection of Φ in the lower half, where Φ keeps its relative precision.
    static func normalQuantile(_ p: Double) -> Double {
        precondition(p > 0 && p < 1, "a normal quantile needs 0 < p < 1, found \(p)")
        if p > 0.5 { return -normalQuantile(1 - p) }
        return root(from: -40, to: 0) { normalCDF($0) - p }
    }

    /// P(T ≤ t) with `freedom` degrees of freedom.
    static func studentCDF(_ t: Double, freedom: Double) -> Double {
        let tail = 0.5 * incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5)
        return t > 0 ? 1 - tail : tail
    }

    static func studentQuantile(_ p: Double, freedom: Double) -> Double {
        precondition(p > 0 && p < 1 && freedom > 0, "a t quantile needs 0 < p < 1 and freedom > 0, found \(p), \(freedom)")
        if p > 0.5 { return -studentQuantile(1 - p, freedom: freedom) }
        return root(from: -1e8, to: 0) { studentCDF($0, freedom: freedom) - p }
    }

    /// P(X ≤ k) for X ~ Binomial(n, ½).
    static func fairBinomialCDF(_ k: Int, of n: Int) -> Double {
        if k < 0 { return 0 }
        if k >= n { return 1 }
        let scale = lgamma(Double(n) + 1) - Double(n) * log(2)
        var sum = 0.0
        for i in 0...k { sum += exp(scale - lgamma(Double(i) + 1) - lgamma(Double(n - i) + 1)) }
        return min(sum, 1)
    }

    /// P(χ² ≥ x) with one degree of freedom.
    static func chiSquaredTail(_ x: Double) -> Double { erfc((x / 2).squareRoot()) }

    /// The regularised incomplete beta function I_x(a, b), by Lentz's method on its continued fraction (DLMF 8.17.22).
    static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
        if x <= 0 { return 0 }
        if x >= 1 { return 1 }
        // The fraction converges fast only below the mean; above it the symmetry I_x(a,b) = 1 − I_{1−x}(b,a) leads there.
        if x > (a + 1) / (a + b + 2) { return 1 - incompleteBeta(1 - x, b, a) }
        let logBeta: Double = lgamma(a) + lgamma(b) - lgamma(a + b)
        let front: Double = exp(a * log(x) + b * log(1 - x) - logBeta) / a
        let tiny = 1e-300
        var c = 1.0
        var d = 1 / max(1 - (a + b) * x / (a + 1), tiny)
        var fraction = d
        for step in 1...500 {
            let m = Double(step)
            let place: Double = a + 2 * m
            let even: Double = m * (b - m) * x / ((place - 1) * place)
            let odd: Double = -(a + m) * (a + b + m) * x / (place * (place + 1))
            for coefficient in [even, odd] {
                d = 1 + coefficient * d
                c = 1 + coefficient / c
                d = 1 / (abs(d) < tiny ? tiny : d)
                if abs(c) < tiny { c = tiny }
                fraction *= c * d
            }
            if abs(c * d - 1) < 1e-15 { break }
        }
        return front * fraction
    }

    /// A zero of an increasing function, to the last bit that bisection can reach.
    private static func root(from low: Double, to high: Double, _ function: (Double) -> Double) -> Double {
        var low = low
        var high = high
        for _ in 0..<200 {
            let middle = low + (high - low) / 2
            if middle == low || middle == high { break }
            if function(middle) < 0 { low = middle } else { high = middle }
        }
        return low + (high - low) / 2
    }
}
