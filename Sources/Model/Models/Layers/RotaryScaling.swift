import JSON
import Tensors

extension Rotary {
    /// The frequencies of a configuration's object at `path`, scaled if its kind is `llama3`:
    ///
    ///     wavelength > context / low                     f / factor
    ///     wavelength < context / high                    f
    ///     between                                        (1 − s) · f / factor + s · f,   s = (context / wavelength − low) / (high − low)
    ///
    /// `factors` divide them one by one, which is the form of GGUF files.
    ///
    /// Reference: transformers' `_compute_llama3_parameters`.
    static func frequencies(headSize: Int, theta: Double, _ config: JSONValue, at path: String) throws -> [Float] {
        let plain = frequencies(headSize: headSize, theta: theta)
        let prefix = path.isEmpty ? "" : path + "."
        // The older member takes precedence over the newer, as in transformers.
        for member in [prefix + "rope_scaling", prefix + "rope_parameters"] where config.value(member) != nil {
            let kind = try config.string(member + ".rope_type", default: config.string(member + ".type", default: "default"))
            if kind == "factors" {
                let factors = try config.array(member + ".factors").map(\.number)
                guard factors.count == plain.count else {
                    throw ModelError("\(member): expected \(plain.count) factors of frequencies, found \(factors.count)")
                }
                return try zip(plain, factors).map { frequency, factor in
                    guard let factor, factor >= 1e-6 else { throw ModelError("\(member).factors: expected numbers above 0") }
                    return Float(Double(frequency) / factor)
                }
            }
            guard kind == "llama3" else { return plain }
            func number(_ name: String, in range: ClosedRange<Double>) throws -> Double {
                try config.number(member + "." + name, in: range)
            }
            let factor = try number("factor", in: 1...1e6)
            let (low, high) = (try number("low_freq_factor", in: 1e-3...1e6), try number("high_freq_factor", in: 1e-3...1e6))
            let context = try number("original_max_position_embeddings", in: 1...Double(Claims.sizes.upperBound))
            guard low < high else {
                throw ModelError("config.json: \(member).high_freq_factor is \(high); expected more than low_freq_factor, \(low)")
            }
            return plain.map { frequency in
                let waves = context * Double(frequency) / (2 * Double.pi)
                if waves < low { return Float(Double(frequency) / factor) }
                if waves > high { return frequency }
                let share = (waves - low) / (high - low)
                return Float((1 - share) * Double(frequency) / factor + share * Double(frequency))
            }
        }
        return plain
    }
}
