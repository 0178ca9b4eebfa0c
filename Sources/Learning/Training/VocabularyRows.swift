import Models
import Objectives
import Tensors

/// Losses over the whole vocabulary from hidden rows, computed in chunks of rows, so that the logits [rows, vocabulary] of a large vocabulary never
/// exist as a whole.
///
///     measure:   hidden → logits (student, teacher) → RowMeasures
///     gradient:  hidden → logits again → d logits → d hidden, and the head's own gradient where it is trained
///
/// If one chunk holds all rows, its logits are kept between the two.
final class VocabularyRows {
    /// Hidden rows, and the version whose head reads them.
    struct Side {
        let hidden: Tensor
        let version: WeightVersion?
    }

    private struct Chunk {
        let hidden: Tensor
        let tape: Tape
        let logits: Tensor
        let teacherLogits: Tensor?
    }

    private let decoder: Decoder
    private let arithmetic: Arithmetic
    private let student: Side
    private let teacher: Side?
    private let targets: [Int32]
    /// The divisor of both sides' logits.
    private let temperature: Float
    /// Trained tensors of the head, which also receive gradients from the hidden rows.
    private let headTensors: [Tensor]
    private let chunkRows: Int
    private var kept: Chunk?

    /// The maximum number of logits of one side of a chunk.
    static let chunkElements = 16 << 20

    init(
        decoder: Decoder, arithmetic: Arithmetic, student: Side, teacher: Side?, targets: [Int32],
        temperature: Double = 1, weights: TrainableWeights, chunkElements: Int = VocabularyRows.chunkElements
    ) {
        precondition(student.hidden.rows == targets.count, "\(targets.count) targets for \(student.hidden.shape)")
        self.decoder = decoder
        self.arithmetic = arithmetic
        self.student = student
        self.teacher = teacher
        self.targets = targets
        self.temperature = Float(temperature)
        headTensors = weights.entries.filter { $0.parameter.index == decoder.head.weight.index }.map(\.tensor)
        chunkRows = max(1, chunkElements / decoder.configuration.vocabularySize)
    }

    private var chunks: [Range<Int>] {
        stride(from: 0, to: targets.count, by: chunkRows).map { $0..<min(targets.count, $0 + chunkRows) }
    }

    func measures() -> [RowMeasures] {
        let chunks = chunks
        return chunks.flatMap { rows in
            let chunk = compute(rows)
            if chunks.count == 1 { kept = chunk }
            return measureRows(chunk.logits, teacher: chunk.teacherLogits, targets: Array(targets[rows]))
        }
    }

    /// The targets' log-probabilities at another temperature.
    func logProbabilities(temperature other: Double) -> [Float] {
        chunks.flatMap { rows in
            let logits = (kept ?? compute(rows)).logits.copy()
            scale(logits, by: temperature / Float(other))
            return measureRows(logits, teacher: nil, targets: Array(targets[rows])).map(\.logProbability)
        }
    }

    /// The gradient with respect to the hidden rows of Σ a·KL(student ‖ teacher) + b·KL(teacher ‖ student) − c·log p(target) − e·H(student).
    /// Gradients of a trained head are added to `tape`.
    func gradient(_ coefficients: TokenCoefficients, on tape: Tape) -> Tensor {
        let result = Tensor(uninitialized: targets.count, student.hidden.columns)
        for rows in chunks {
            let chunk = kept ?? compute(rows)
            kept = nil
            let entropy = entropyGradient(chunk.logits, Array(coefficients.entropy[rows]))
            overwriteWithGradient(
                chunk.logits, teacher: chunk.teacherLogits, targets: Array(targets[rows]), reverseKL: Array(coefficients.reverseKL[rows]),
                forwardKL: Array(coefficients.forwardKL[rows]), logProbability: Array(coefficients.logProbability[rows]))
            let ofLogits = entropy.map { add(chunk.logits, $0) } ?? chunk.logits
            if temperature != 1 { scale(ofLogits, by: 1 / temperature) }
            chunk.tape.backward(from: chunk.logits, gradient: ofLogits)
            guard let gradient = chunk.tape.gradient(of: chunk.hidden) else {
                preconditionFailure("no gradient reached the hidden rows")
            }
            unsafe result.row(rows.lowerBound).update(from: gradient.pointer, count: gradient.count)
            for tensor in headTensors {
                if let gradient = chunk.tape.gradient(of: tensor) { tape.add(gradient, to: tensor) }
            }
        }
        return result
    }

    /// The gradient of −Σ e·H(student): H = log V − KL(student ‖ uniform). Nil if all e are zero.
    private func entropyGradient(_ logits: Tensor, _ e: [Float]) -> Tensor? {
        guard e.contains(where: { $0 != 0 }) else { return nil }
        let result = logits.copy()
        let zero = [Float](repeating: 0, count: e.count)
        overwriteWithGradient(
            result, teacher: Tensor(zeros: logits.rows, logits.columns), targets: [Int32](repeating: 0, count: e.count), reverseKL: e,
            forwardKL: zero, logProbability: zero)
        return result
    }

    private func compute(_ rows: Range<Int>) -> Chunk {
        let hidden = student.hidden.rowsCopy(rows)
        let tape = Tape()
        tape.watch(hidden)
        for tensor in headTensors { tape.watch(tensor) }
        let logits = decoder.logits(
            hidden, Pass(version: student.version, rows: rows.count, arithmetic: arithmetic, tape: tape))
        let teacherLogits = teacher.map {
            decoder.logits(
                $0.hidden.rowsCopy(rows), Pass(version: $0.version, rows: rows.count, arithmetic: arithmetic))
        }
        if temperature != 1 {
            scale(logits, by: 1 / temperature)
            if let teacherLogits { scale(teacherLogits, by: 1 / temperature) }
        }
        return Chunk(hidden: hidden, tape: tape, logits: logits, teacherLogits: teacherLogits)
    }
}
