package import Models
import Randomness
import Tensors

/// Which tensors of a model are trained: low-rank adapters on the linear layers of some of its parts, or all tensors of these parts.
package struct AdapterPlan: Sendable, Equatable, Codable {
    package typealias Part = Parameter.Part

    package enum Method: Sendable, Equatable, Codable {
        /// Adapters on every linear layer but the output head, as peft's "all-linear"; what chooses experts is none.
        case lowRank(rank: Int, alpha: Double)
        /// Every tensor itself.
        case full
        /// Every tensor but the table of the encoder's positions.
        case fullButPositions
    }

    /// In the order of `Part.allCases`.
    package let parts: [Part]
    package let method: Method

    package init(_ parts: [Part], _ method: Method) {
        self.parts = Part.allCases.filter { parts.contains($0) }
        self.method = method
    }

    package static func lowRank(_ parts: [Part] = [.decoder], rank: Int = 16, alpha: Double? = nil) -> AdapterPlan {
        AdapterPlan(parts, .lowRank(rank: rank, alpha: alpha ?? 2 * Double(rank)))
    }

    package static func full(_ parts: [Part] = Part.allCases) -> AdapterPlan { AdapterPlan(parts, .full) }

    /// Whether tensors themselves are trained.
    package var isFull: Bool {
        switch method {
        case .lowRank: false
        case .full, .fullButPositions: true
        }
    }

    /// What the plan selects in a model. Throws where that is nothing.
    func selection(in model: AudioLanguageModel) throws -> [Parameter] {
        let candidates = model.parameters.filter { parts.contains($0.part) }
        let chosen: [Parameter]
        switch method {
        case .lowRank(let rank, _):
            if rank < 1 { throw TrainingError.plan("rank \(rank); at least 1 is needed") }
            chosen = candidates.filter { $0.kind == .linear && $0.index != model.decoder.head.weight.index }
        case .full: chosen = candidates
        case .fullButPositions: chosen = candidates.filter { $0.kind != .table || $0.part != .encoder }
        }
        if chosen.isEmpty { throw TrainingError.plan("it selects nothing to train") }
        return chosen
    }

    /// Holds what was asked for against the adapter that training goes on from, whose rank and scale stay as they are.
    ///
    /// - Parameters:
    ///   - rank: nil where nobody asked for one.
    ///   - alpha: the same.
    package func check(rank: Int?, alpha: Double?, against parent: WeightVersion?, in model: AudioLanguageModel) throws {
        guard case .lowRank = method, let parent else { return }
        for parameter in try selection(in: model) {
            guard let adapter = parent.adapters[parameter.index] else { continue }
            let advice = "training goes on from that adapter; leave it out, or give the same"
            if let rank, rank != adapter.a.rows {
                throw TrainingError.plan(
                    "the rank \(rank) was asked for, and \(parameter.moduleName) has an adapter of rank \(adapter.a.rows): \(advice)")
            }
            let scale = alpha.map { Float($0 / Double(adapter.a.rows)) }
            if let alpha, let scale, abs(scale - adapter.scale) > 1e-6 * abs(adapter.scale) {
                let known = Double(adapter.scale) * Double(adapter.a.rows)
                throw TrainingError.plan("the alpha \(alpha) was asked for, and \(parameter.moduleName) has an adapter with \(known): \(advice)")
            }
        }
    }

    /// A [rank, in] as peft begins it, uniform within ±1/√in (Kaiming with a = √5), and B [out, rank] zero: no change at first.
    static func initial(_ parameter: Parameter, rank: Int, alpha: Double, seed: UInt64) -> LowRank {
        var random = RandomStream(seed: seed, index: parameter.index)
        let columns = parameter.stored.columns
        let bound = 1 / Double(columns).squareRoot()
        let a = Tensor(
            (0..<rank * columns).map { _ in Float((2 * random.unit() - 1) * bound) }, rows: rank, columns: columns)
        return LowRank(a: a, b: Tensor(zeros: parameter.stored.rows, rank), scale: Float(alpha / Double(rank)))
    }
}

extension AdapterPlan {
    private enum CodingKeys: CodingKey { case parts, method }
    private enum FormerKeys: CodingKey { case modules, parameters, rank, alpha }

    /// Reads also what earlier programs stored: patterns over names of tensors, with the parts' prefixes in them.
    package init(from decoder: any Swift.Decoder) throws {
        let former = try decoder.container(keyedBy: FormerKeys.self)
        func parts(_ pattern: String) -> [Part] { Part.allCases.filter { pattern.contains($0.formerPrefix) } }
        if let modules = try former.decodeIfPresent(String.self, forKey: .modules) {
            self.init(
                parts(modules),
                .lowRank(rank: try former.decode(Int.self, forKey: .rank), alpha: try former.decode(Double.self, forKey: .alpha)))
        } else if let parameters = try former.decodeIfPresent(String.self, forKey: .parameters) {
            self.init(parts(parameters), .full)
        } else {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            self.init(try container.decode([Part].self, forKey: .parts), try container.decode(Method.self, forKey: .method))
        }
    }
}
