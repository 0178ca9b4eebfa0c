package import Models
import Randomness
import Tensors
import Weights

/// Which tensors of a model are trained: low-rank adapters on the linear layers of some of its parts, or all tensors of these parts.
package struct AdapterPlan: Sendable, Equatable, Codable {
    package typealias Part = Parameter.Part

    package enum Method: Sendable, Equatable {
        /// Adapters on linear layers.
        case lowRank(LoRA)
        /// All tensors.
        case full
        /// All tensors except the encoder's position table.
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
        AdapterPlan(parts, .lowRank(LoRA(rank: rank, alpha: alpha)))
    }

    package static func full(_ parts: [Part] = Part.allCases) -> AdapterPlan { AdapterPlan(parts, .full) }

    /// Whether whole tensors are trained.
    package var isFull: Bool {
        switch method {
        case .lowRank: false
        case .full, .fullButPositions: true
        }
    }

    private func candidates(in model: AudioLanguageModel) -> [Parameter] { model.parameters.filter { parts.contains($0.part) } }

    /// A tensor to train: the tensor itself, or an adapter with its initial rank and scale.
    struct Selected {
        let parameter: Parameter
        let adapter: (rank: Int, scale: Float)?
    }

    /// The tensors that the plan selects in a model. Throws if there are none.
    func selection(in model: AudioLanguageModel) throws -> [Selected] {
        let candidates = candidates(in: model)
        let chosen: [Selected] =
            switch method {
            case .lowRank(let lora):
                try lora.selection(of: candidates, in: model).map { Selected(parameter: $0.parameter, adapter: ($0.rank, lora.scale($0))) }
            case .full: candidates.filter { $0.kind != .router }.map { Selected(parameter: $0, adapter: nil) }
            case .fullButPositions:
                candidates.filter { $0.kind != .router && ($0.kind != .table || $0.part != .encoder) }
                    .map { Selected(parameter: $0, adapter: nil) }
            }
        if chosen.isEmpty { throw TrainingError.plan("it selects nothing to train") }
        return chosen
    }

    /// What of a mixture of experts the plan leaves as it is within its parts, in words: what chooses experts always, and experts unless they are
    /// trained. Empty for other models.
    package func frozen(in model: AudioLanguageModel) throws -> [String] {
        let candidates = candidates(in: model)
        let routers = candidates.filter { $0.kind == .router }
        guard let first = routers.first else { return [] }
        var words = ["what chooses experts in \(routers.count) layers (\(model.names.newest(first.moduleName)) and so on)"]
        if try !selection(in: model).contains(where: \.parameter.isOfExpert) {
            words.append("the experts themselves, which only target_modules that name their layers train")
        }
        return words
    }

    /// How adapters of the plan are scaled; nil where it has none.
    var settings: AdapterSettings? {
        switch method {
        case .lowRank(let lora): lora.settings
        case .full, .fullButPositions: nil
        }
    }

    /// Checks the requested settings against the adapter that training continues from, whose rank and scale are fixed.
    ///
    /// - Parameters:
    ///   - rank: Nil if none was requested.
    ///   - alpha: Nil if none was requested.
    ///   - isRankStabilized: Nil if it was not requested.
    package func check(
        rank: Int?, alpha: Double?, isRankStabilized: Bool? = nil, against parent: WeightVersion?, in model: AudioLanguageModel
    ) throws {
        guard case .lowRank(let lora) = method else { return }
        for adapted in try lora.selection(of: candidates(in: model), in: model) {
            let (parameter, planned) = (adapted.parameter, adapted.rank)
            guard let parent, let adapter = parent.adapters[parameter.index] else { continue }
            let settings = parent.settings
            func refused(_ asked: String, _ found: String) -> TrainingError {
                .plan(
                    "\(asked) was asked for, and \(parameter.moduleName) has an adapter \(found): training goes on from that adapter; leave it out, or give the same"
                )
            }
            let known = adapter.a.rows
            if rank != nil || planned != lora.rank, planned != known { throw refused("the rank \(planned)", "of rank \(known)") }
            if let isRankStabilized, isRankStabilized != settings.isRankStabilized {
                throw refused("use_rslora \(isRankStabilized)", "whose alpha is over \(settings.isRankStabilized ? "√" : "")r")
            }
            let wanted = adapted.alpha != lora.alpha ? adapted.alpha : alpha
            let scale = wanted.map { Float($0 / settings.divisor(rank: known)) }
            if let alpha = wanted, let scale, abs(scale - adapter.scale) > 1e-6 * abs(adapter.scale) {
                throw refused("the alpha \(alpha)", "with \(settings.alpha(scaling: Double(adapter.scale), rank: known))")
            }
        }
    }

    /// A [rank, in] as peft begins it, uniform within ±1/√in (Kaiming with a = √5), and B [out, rank] zero: no change at first.
    static func initial(_ parameter: Parameter, rank: Int, scale: Float, seed: UInt64) -> LowRank {
        var random = RandomStream(seed: seed, index: parameter.index)
        let columns = parameter.stored.columns
        let bound = 1 / Double(columns).squareRoot()
        let a = Tensor(
            (0..<rank * columns).map { _ in Float((2 * random.unit() - 1) * bound) }, rows: rank, columns: columns)
        return LowRank(a: a, b: Tensor(zeros: parameter.stored.rows, rank), scale: scale)
    }
}

extension AdapterPlan {
    private enum CodingKeys: CodingKey { case parts, method }
    private enum FormerKeys: CodingKey { case modules, parameters, rank, alpha }

    /// Also reads what earlier programs stored: patterns over tensor names that include the parts' prefixes.
    package init(from decoder: any Swift.Decoder) throws {
        let former = try decoder.container(keyedBy: FormerKeys.self)
        func parts(_ pattern: String) -> [Part] { Part.allCases.filter { pattern.contains($0.formerPrefix) } }
        if let modules = try former.decodeIfPresent(String.self, forKey: .modules) {
            self.init(
                parts(modules),
                .lowRank(LoRA(rank: try former.decode(Int.self, forKey: .rank), alpha: try former.decode(Double.self, forKey: .alpha))))
        } else if let parameters = try former.decodeIfPresent(String.self, forKey: .parameters) {
            self.init(parts(parameters), .full)
        } else {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            self.init(try container.decode([Part].self, forKey: .parts), try container.decode(Method.self, forKey: .method))
        }
    }
}

extension AdapterPlan.Method: Codable {
    private enum CodingKeys: CodingKey { case lowRank, full, fullButPositions }

    package init(from decoder: any Swift.Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch container.allKeys.first {
        case .lowRank: self = .lowRank(try container.decode(LoRA.self, forKey: .lowRank))
        case .full: self = .full
        case .fullButPositions: self = .fullButPositions
        case nil: throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "no method of training"))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .lowRank(let lora): try container.encode(lora, forKey: .lowRank)
        case .full: try container.encode([String: Bool](), forKey: .full)
        case .fullButPositions: try container.encode([String: Bool](), forKey: .fullButPositions)
        }
    }
}
