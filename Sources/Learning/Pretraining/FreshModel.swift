package import Foundation
package import Generation
import Models
import Questions
import Randomness
import Tensors
import Training

/// A model that knows nothing: another's shapes, tokenizer and chat format with random weights.
///
/// Matrices are normal with deviation 0.02, biases zero, norms one, and the encoder's positions Whisper's sinusoids.
package enum FreshModel {
    /// Writes a directory like `template`'s at `directory`.
    package static func write(like template: LoadedModel, to directory: URL, seed: UInt64) throws {
        var replacements: [Int: Tensor] = [:]
        for parameter in template.model.parameters {
            replacements[parameter.index] = initial(parameter, seed: seed)
        }
        try TensorExport.writeModel(
            WeightVersion(id: "fresh", replacements: replacements), of: template, to: directory)
    }

    private static func initial(_ parameter: Parameter, seed: UInt64) -> Tensor {
        let (rows, columns) = (parameter.stored.rows, parameter.stored.columns)
        if parameter.kind == .table && parameter.part == .encoder { return sinusoids(rows, columns) }
        let count = rows * columns
        if parameter.kind == .vector {
            let isScale = parameter.name.hasSuffix("weight")
            return Tensor([Float](repeating: isScale ? 1 : 0, count: count), rows: rows, columns: columns)
        }
        var random = RandomStream(seed: seed, part: parameter.name)
        return Tensor((0..<count).map { _ in Float(0.02 * random.normal()) }, rows: rows, columns: columns)
    }

    /// Whisper's positions: sines in the first half of the columns, cosines in the second, wavelengths from 2π to 2π · 10,000.
    private static func sinusoids(_ rows: Int, _ columns: Int) -> Tensor {
        let half = columns / 2
        let increment = log(10_000.0) / Double(half - 1)
        var values = [Float](repeating: 0, count: rows * columns)
        for row in 0..<rows {
            for index in 0..<half {
                let angle = Double(row) * exp(-increment * Double(index))
                values[row * columns + index] = Float(sin(angle))
                values[row * columns + half + index] = Float(cos(angle))
            }
        }
        return Tensor(values, rows: rows, columns: columns)
    }
}
