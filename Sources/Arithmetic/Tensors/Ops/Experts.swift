import CKernels
import Glibc

/// The experts of each row of a mixture, and their weights.
///
///     p = softmax(logits);  the `count` largest of a row are chosen;  weight = p, or p / Σ chosen p
///
/// Reference: the router of transformers' mixtures of experts. Of equal logits, the first goes first.
package struct Routing {
    /// [rows, count]
    package let weights: Tensor
    /// The experts of each row in ascending order, as many as its weights.
    package let experts: [[Int]]

    /// - Parameters:
    ///   - logits: [rows, experts].
    ///   - normalizes: whether the weights of a row sum to one.
    package init(logits: Tensor, count: Int, normalizes: Bool, _ tape: Tape? = nil) {
        precondition(1...logits.columns ~= count, "\(count) of \(logits.columns) experts")
        var probabilities: [Float] = []
        var chosenWeights: [Float] = []
        var experts: [[Int]] = []
        experts.reserveCapacity(logits.rows)
        for row in 0..<logits.rows {
            let values = (0..<logits.columns).map { logits[row, $0] }
            let chosen = values.indices.sorted { (values[$1], $0) < (values[$0], $1) }.prefix(count).sorted()
            let largest = values.max() ?? 0
            let powers = values.map { exp(Double($0 - largest)) }
            let sum = powers.reduce(0, +)
            let whole = normalizes ? chosen.reduce(0) { $0 + powers[$1] } : sum
            probabilities += powers.map { Float($0 / sum) }
            chosenWeights += chosen.map { Float(powers[$0] / whole) }
            experts.append(chosen)
        }
        let weights = Tensor(chosenWeights, rows: logits.rows, columns: count)
        self.weights = weights
        self.experts = experts
        tape?.record(weights, from: [logits]) { [probabilities, experts] dw, tape in
            unsafe tape.accumulate(into: logits) { gradient in
                for (row, chosen) in experts.enumerated() {
                    // Both are softmaxes: over the chosen alone, or over all, of which only the chosen have a gradient.
                    let mean = chosen.indices.reduce(Float(0)) { $0 + dw[row, $1] * weights[row, $1] }
                    let start = row * logits.columns
                    for (slot, expert) in chosen.enumerated() {
                        let own = dw[row, slot] - (normalizes ? mean : 0)
                        unsafe gradient[start + expert] += weights[row, slot] * own
                    }
                    if normalizes { continue }
                    for expert in 0..<logits.columns { unsafe gradient[start + expert] -= probabilities[start + expert] * mean }
                }
            }
        }
    }
}

/// y[row] = Σ weights[row, slot] · parts[i], over every (row, slot) of every part: rows of experts added up in the order of the parts.
///
/// - Parameters:
///   - rows: rows of y.
///   - parts: rows that experts computed, and for each the row and the slot that it belongs to.
package func weightedSum(
    rows: Int, columns: Int, _ parts: [(values: Tensor, places: [(row: Int, slot: Int)])], weights: Tensor, _ tape: Tape? = nil
) -> Tensor {
    let y = Tensor(zeros: rows, columns)
    for part in parts {
        for (index, place) in part.places.enumerated() {
            unsafe ck_axpy(y.row(place.row), weights[place.row, place.slot], part.values.row(index), columns)
        }
    }
    tape?.record(y, from: parts.map(\.values) + [weights]) { dy, tape in
        for part in parts {
            unsafe tape.accumulate(into: part.values) { gradient in
                for (index, place) in part.places.enumerated() {
                    unsafe ck_axpy(gradient + index * columns, weights[place.row, place.slot], dy.row(place.row), columns)
                }
            }
        }
        unsafe tape.accumulate(into: weights) { gradient in
            for part in parts {
                for (index, place) in part.places.enumerated() {
                    var product: Float = 0
                    let (a, b) = unsafe (dy.row(place.row), part.values.row(index))
                    for column in 0..<columns { unsafe product += a[column] * b[column] }
                    unsafe gradient[place.row * weights.columns + place.slot] += product
                }
            }
        }
    }
    return y
}
