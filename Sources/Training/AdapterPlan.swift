import Generation
import Models
import Randomness
import Tensors

/// Which tensors of a model are trained: low-rank adapters on linear layers, whole parameters, or both.
///
/// Modules and parameters are chosen by their published names, such as
/// `language_model.model.layers.0.self_attn.q_proj` and `multi_modal_projector.linear.weight`.
package struct AdapterPlan: Sendable, Equatable, Codable {
    /// Linear layers with an adapter: a regular expression that matches a whole module path, as peft's `target_modules`.
    package var modules: String?
    package var rank: Int
    package var alpha: Double
    /// Parameters trained themselves: a regular expression that matches a whole tensor name.
    package var parameters: String?

    package init(modules: String? = nil, rank: Int = 16, alpha: Double = 32, parameters: String? = nil) {
        self.modules = modules
        self.rank = rank
        self.alpha = alpha
        self.parameters = parameters
    }

    /// Parts of an audio language model.
    package enum Part: String, Sendable, Codable, CaseIterable {
        case decoder, projector, encoder

        var pattern: String {
            switch self {
            case .decoder: #"language_model\..*"#
            case .projector: #"multi_modal_projector\..*"#
            case .encoder: #"audio_tower\..*"#
            }
        }
    }

    /// Adapters on every linear layer of `parts` but the output head, as peft's "all-linear".
    package static func lowRank(_ parts: [Part] = [.decoder], rank: Int = 16, alpha: Double? = nil) -> AdapterPlan {
        AdapterPlan(
            modules: "(?!.*lm_head)(" + parts.map(\.pattern).joined(separator: "|") + ")", rank: rank,
            alpha: alpha ?? 2 * Double(rank))
    }

    /// Every parameter of `parts`.
    package static func full(_ parts: [Part] = Part.allCases) -> AdapterPlan {
        AdapterPlan(parameters: parts.map(\.pattern).joined(separator: "|"))
    }

    /// What the plan selects in a model. Throws where a pattern is malformed or selects nothing.
    func selection(in model: AudioLanguageModel) throws -> (adapted: [Parameter], replaced: [Parameter]) {
        let adapted: [Parameter] = try modules.map { pattern in
            let regex = try Self.compiled(pattern, "modules")
            return model.parameters.filter { $0.isLinear && $0.moduleName.wholeMatch(of: regex) != nil }
        } ?? []
        let replaced: [Parameter] = try parameters.map { pattern in
            let regex = try Self.compiled(pattern, "parameters")
            return model.parameters.filter { $0.name.wholeMatch(of: regex) != nil }
        } ?? []
        if modules != nil && adapted.isEmpty {
            throw TrainingError.plan("modules \"\(modules ?? "")\" matches no linear layer of the model")
        }
        if parameters != nil && replaced.isEmpty {
            throw TrainingError.plan("parameters \"\(parameters ?? "")\" matches no tensor of the model")
        }
        if adapted.isEmpty && replaced.isEmpty { throw TrainingError.plan("it selects nothing to train") }
        if rank < 1 { throw TrainingError.plan("rank \(rank); at least 1 is needed") }
        return (adapted, replaced)
    }

    private static func compiled(_ pattern: String, _ field: String) throws -> Regex<AnyRegexOutput> {
        do {
            return try Regex(pattern)
        } catch {
            throw TrainingError.plan("\(field) \"\(pattern)\" is no regular expression: \(error)")
        }
    }

    /// A [rank, in] as peft begins it, uniform within ±1/√in (Kaiming with a = √5), and B [out, rank] zero: no change at first.
    func initial(_ parameter: Parameter, seed: UInt64) -> LowRank {
        var random = RandomStream(seed: seed, index: parameter.index)
        let columns = parameter.stored.columns
        let bound = 1 / Double(columns).squareRoot()
        let a = Tensor(
            (0..<rank * columns).map { _ in Float((2 * random.unit() - 1) * bound) }, rows: rank, columns: columns)
        return LowRank(a: a, b: Tensor(zeros: parameter.stored.rows, rank), scale: Float(alpha / Double(rank)))
    }
}

extension Parameter {
    /// The module that holds this tensor: its name without the last part.
    var moduleName: String { name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name }

    /// Whether this is the weight of a linear layer: no vector, no table, no convolution.
    var isLinear: Bool {
        let layer = moduleName.split(separator: ".").last ?? ""
        return vector == nil && !layer.hasPrefix("embed_") && !isConvolution
    }

    /// Convolutions over time lie in memory as [out, width · in], in files as [out, in, width].
    var isConvolution: Bool { ["conv1", "conv2"].contains(moduleName.split(separator: ".").last ?? "") && vector == nil }

    static var convolutionWidth: Int { 3 }
}
