import Glibc
import JSON
import Tensors
import Weights

/// Rotates columns of an encoder's rows by their time in the clip. Row j of window w is at t = w · D + j · s seconds, where D is the
/// duration of a window and s that of a row:
///
///     pair i of the first half    −2πt · (w / θ) · ωᵢ
///     pair i of the second half   −2πt · (2π j / θ) · ωᵢ          ωᵢ = θ^(−2i / columns)
///
/// After minutes, angles are thousands of radians. They are computed in float32, with the reference's order of products.
///
/// Reference: transformers' `MusicFlamingoRotaryEmbedding`.
struct TimeRotary: Sendable {
    private let theta: Float
    private let frequencies: [Float]
    private let secondsPerRow: Float
    /// The rows of a whole window.
    private let windowRows: Int

    /// - Parameters:
    ///   - columns: the encoder's width.
    ///   - windowRows: rows of a whole window.
    init(_ config: JSONValue, columns: Int, windowRows: Int) throws {
        try config.require("rope_parameters.rope_type", is: "default")
        let theta = try config.number("rope_parameters.rope_theta", in: Claims.thetas, default: 1200)
        let beside = try config.number("partial_rotary_factor", in: 0...0.5, default: 0.2)
        let share = try config.number("rope_parameters.partial_rotary_factor", in: 0...0.5, default: beside)
        let turned = Int(Double(columns) * share)
        guard turned > 0, turned % 2 == 0, Double(windowRows) <= theta else {
            throw ModelError(
                """
                config.json: rope_parameters turn \(turned) of \(columns) columns over \(theta) rows; supported are even numbers of columns and \
                at least the \(windowRows) rows of a window
                """)
        }
        self.theta = Float(theta)
        frequencies = stride(from: 0, to: turned, by: 2).map { 1 / powf(Float(theta), Float($0) / Float(turned)) }
        secondsPerRow = Float(4 * (try config.number("audio_frame_step", in: 1e-6...1, default: 0.01)))
        self.windowRows = windowRows
    }

    /// - Parameter windows: For each window of `x`, its number in the clip and its rows.
    func callAsFunction(_ x: Tensor, _ windows: [(number: Int, rows: Int)], _ tape: Tape?) -> Tensor {
        let turns = windows.flatMap { window in (0..<window.rows).flatMap { angles(ofRow: $0, window: window.number) } }
        return turnedPairs(x, by: Tensor(turns, rows: x.rows, columns: 2 * frequencies.count), tape)
    }

    private func angles(ofRow row: Int, window: Int) -> [Float] {
        let time = Float(window * windowRows) * secondsPerRow + Float(row) * secondsPerRow
        let turn = -time * 2 * Float.pi
        let (place, moment) = (Float(window) / theta, Float(row) / theta * (2 * Float.pi))
        return frequencies.map { place * $0 * turn } + frequencies.map { moment * $0 * turn }
    }
}
