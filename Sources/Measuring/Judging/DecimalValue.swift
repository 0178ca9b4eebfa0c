import Foundation

/// A decimal number of any length, exactly: digits × 10^exponent.
///
/// Its text is canonical, so equal values have equal texts: "1,500", "1.5e3" and "1500.0" are "1500". Quotients and roots that no
/// decimal holds come from a `Double` by its shortest text.
struct DecimalValue {
    private(set) var isNegative = false
    /// Decimal digits, most significant first, neither the first nor the last of them zero; empty for zero.
    private var digits: [UInt8] = []
    private var exponent = 0

    /// - Parameter digits: ASCII digits.
    init(digits: some Sequence<UInt8>, exponent: Int = 0) {
        self.digits = digits.map { $0 - 48 }.drop { $0 == 0 } + []
        self.exponent = exponent
        while self.digits.last == 0 {
            self.digits.removeLast()
            self.exponent += 1
        }
        if self.digits.isEmpty { self.exponent = 0 }
    }

    /// A value as `Double` prints it; nil for what is no finite number.
    init?(_ value: Double) {
        guard value.isFinite else { return nil }
        let text = String(value.magnitude)
        let parts = text.split(separator: "e")
        let point = parts[0].split(separator: ".")
        let fraction = point.count > 1 ? point[1] : ""
        self.init(
            digits: (point[0] + fraction).utf8, exponent: (parts.count > 1 ? Int(parts[1]) ?? 0 : 0) - fraction.utf8.count)
        isNegative = value < 0 && !digits.isEmpty
    }

    var negated: DecimalValue {
        var copy = self
        copy.isNegative = !isNegative && !digits.isEmpty
        return copy
    }

    /// This times 10^places.
    func shifted(_ places: Int) -> DecimalValue {
        var copy = self
        if !digits.isEmpty { copy.exponent += places }
        return copy
    }

    var isInteger: Bool { exponent >= 0 }

    /// The nearest `Double`; infinite beyond its range.
    var double: Double { Double(text) ?? 0 }

    /// Digits without separators; past forty places before or behind the point, in the form 1.5e45.
    var text: String {
        guard !digits.isEmpty else { return "0" }
        let sign = isNegative ? "-" : ""
        let all = String(decoding: digits.map { $0 + 48 }, as: UTF8.self)
        let before = digits.count + exponent
        if before > 40 || before < -39 || digits.count > 80 {
            return sign + all.prefix(1) + (all.count > 1 ? "." + all.dropFirst() : "") + "e\(before - 1)"
        }
        if exponent >= 0 { return sign + all + String(repeating: "0", count: exponent) }
        if before > 0 { return sign + all.prefix(before) + "." + all.dropFirst(before) }
        return sign + "0." + String(repeating: "0", count: -before) + all
    }

    /// The quotient, exact where a decimal holds it. Nil by zero.
    func divided(by other: DecimalValue) -> DecimalValue? {
        guard !other.digits.isEmpty else { return nil }
        // 10^k / q is whole for the k that the twos and fives of q need, if it has no other factors.
        let sign = isNegative != other.isNegative
        if var q = other.small, let p = small {
            var places = 0
            while q.isMultiple(of: 10) { (q, places) = (q / 10, places + 1) }
            var scaled = (value: p, isExact: true)
            while scaled.value % q != 0, places < 40 {
                let (next, overflows) = scaled.value.multipliedReportingOverflow(by: 10)
                if overflows {
                    scaled.isExact = false
                    break
                }
                (scaled.value, places) = (next, places + 1)
            }
            if scaled.isExact, scaled.value % q == 0 {
                let value = DecimalValue(digits: String(scaled.value / q).utf8, exponent: exponent - other.exponent - places)
                return sign ? value.negated : value
            }
        }
        return DecimalValue(double / other.double)
    }

    /// The digits as a whole number.
    private var small: UInt64? {
        digits.count > 18 ? nil : digits.reduce(0) { $0 * 10 + UInt64($1) }
    }

    func multiplied(by other: Double) -> DecimalValue? { DecimalValue(double * other) }

    func adding(_ other: DecimalValue) -> DecimalValue? {
        let low = min(exponent, other.exponent)
        if exponent - low < 18, other.exponent - low < 18, let a = small.map(Int.init), let b = other.small.map(Int.init) {
            func scaled(_ value: Int, _ places: Int) -> Int? {
                var value = value
                for _ in 0..<places {
                    let (next, overflows) = value.multipliedReportingOverflow(by: 10)
                    if overflows { return nil }
                    value = next
                }
                return value
            }
            if let x = scaled(a, exponent - low), let y = scaled(b, other.exponent - low), isNegative == other.isNegative {
                let (sum, overflows) = x.addingReportingOverflow(y)
                if !overflows {
                    let value = DecimalValue(digits: String(sum).utf8, exponent: low)
                    return isNegative ? value.negated : value
                }
            }
        }
        return DecimalValue(double + other.double)
    }

    /// The power, exact up to 38 digits. Nil beyond all bounds.
    func raised(to power: Int) -> DecimalValue? {
        if digits == [1] { return shiftedPower(power) }
        if power >= 0, power <= 127, let base = Decimal(string: text) {
            var (result, factor) = (Decimal(), base)
            if unsafe NSDecimalPower(&result, &factor, power, .plain) == .noError, result.isFinite {
                let text = result.description
                var value = DecimalValue(plain: text)
                if text.hasPrefix("-") { value = value.negated }
                return value
            }
        }
        return DecimalValue(pow(double, Double(power)))
    }

    /// A power of a power of ten.
    private func shiftedPower(_ power: Int) -> DecimalValue? {
        let (places, overflows) = exponent.multipliedReportingOverflow(by: power)
        guard !overflows, abs(places) < 100_000 else { return nil }
        let value = DecimalValue(digits: [49], exponent: places)
        return isNegative && !power.isMultiple(of: 2) ? value.negated : value
    }

    /// Digits with at most one point.
    private init(plain text: String) {
        let parts = text.drop { $0 == "-" }.split(separator: ".")
        let fraction = parts.count > 1 ? parts[1] : ""
        self.init(digits: ((parts.first ?? "") + fraction).utf8, exponent: -fraction.utf8.count)
    }
}
