import Models
import Tensors
package import Weights

/// Low-rank adapters of a training (Hu et al., 2021), in the terms of peft's `LoraConfig`.
///
///     W' = W + scaling · B A      scaling = alpha / r, or alpha / √r where it is rank-stabilised (Kalajdzievski, 2023)
package struct LoRA: Sendable, Equatable {
    package var rank: Int
    package var alpha: Double
    /// peft's `use_rslora`.
    package var isRankStabilized = false
    package var targets = TargetModules.allLinear
    /// Ranks that differ, by regular expressions that match the ends of module paths: peft's `rank_pattern`.
    package var ranks: [String: Int] = [:]
    /// Other alphas, in the same way: peft's `alpha_pattern`.
    package var alphas: [String: Double] = [:]

    /// - Parameter alpha: Twice the rank if nil.
    package init(rank: Int = 16, alpha: Double? = nil) {
        self.rank = rank
        self.alpha = alpha ?? 2 * Double(rank)
    }

    package var settings: AdapterSettings { AdapterSettings(isRankStabilized: isRankStabilized) }

    /// A linear layer that gets an adapter.
    struct Adapted {
        let parameter: Parameter
        let rank: Int
        let alpha: Double
    }

    func scale(_ adapted: Adapted) -> Float { Float(adapted.alpha / settings.divisor(rank: adapted.rank)) }

    /// The linear layers that get adapters, in the order of `candidates`.
    ///
    /// Names are those that the newest transformers gives, as in `adapter_config.json`. What chooses experts gets no adapter, nor does the
    /// output head; experts get one where targets name them, and not as "all linear layers", which to peft, too, they are not.
    ///
    /// - Throws: ``TrainingError/plan(_:)`` that names the option which cannot be satisfied.
    func selection(of candidates: [Parameter], in model: AudioLanguageModel) throws -> [Adapted] {
        if let wrong = ([rank] + ranks.values.sorted()).first(where: { $0 < 1 }) {
            throw TrainingError.plan("rank \(wrong); at least 1 is needed")
        }
        if let wrong = ([alpha] + alphas.values.sorted()).first(where: { !(1e-30...1e6).contains($0) }) {
            throw TrainingError.plan("alpha \(wrong); expected 1e-30 to 1000000")
        }
        let linear = candidates.filter {
            $0.kind == .linear && $0.index != model.decoder.head.weight.index && !(targets == .allLinear && $0.isOfExpert)
        }
        if targets == .allLinear, ranks.isEmpty, alphas.isEmpty { return linear.map { Adapted(parameter: $0, rank: rank, alpha: alpha) } }
        let names = Dictionary(uniqueKeysWithValues: linear.map { ($0.index, model.names.newest($0.moduleName)) })
        do {
            let configuration = try PEFTConfiguration(targets: targets, rank: rank, ranks: ranks, alphas: alphas)
            try refuseOthers(candidates, Set(names.values), configuration, model)
            let chosen = try linear.filter { try configuration.targets(names[$0.index]!) }
            try refuseIdle(chosen.map { names[$0.index]! }, of: names.values.sorted())
            return try chosen.map { parameter in
                let name = names[parameter.index]!
                return Adapted(
                    parameter: parameter, rank: try one("rank_pattern", configuration.exceptionalRanks(of: name), for: name) ?? rank,
                    alpha: try one("alpha_pattern", configuration.exceptionalAlphas(of: name), for: name) ?? alpha)
            }
        } catch PEFTError.pattern(let field, let reason) {
            throw TrainingError.plan("\(field): \(reason)")
        }
    }

    /// Names and expressions may select linear layers only; peft also refuses anything else.
    private func refuseOthers(
        _ candidates: [Parameter], _ linear: Set<String>, _ configuration: PEFTConfiguration, _ model: AudioLanguageModel
    ) throws {
        if targets == .allLinear { return }
        var others: Set<String> = []
        for parameter in candidates {
            var module = model.names.newest(parameter.moduleName)[...]
            while !module.isEmpty, !others.contains(String(module)) {
                if !linear.contains(String(module)) { others.insert(String(module)) }
                module = module.lastIndex(of: ".").map { module[..<$0] } ?? ""
            }
        }
        for module in others.sorted() where try configuration.targets(module) {
            throw TrainingError.plan(
                "target_modules selects \(module) too, and only linear layers behind the embedding and before the output head get adapters")
        }
    }

    /// A pattern that selects nothing is probably misspelt.
    private func refuseIdle(_ chosen: [String], of all: [String]) throws {
        func ends(_ name: String, in path: String) -> Bool { path == name || path.hasSuffix("." + name) }
        let known = Set(all.map { String($0.split(separator: ".").last!) }).sorted()
        switch targets {
        case .allLinear: break
        case .names(let names):
            if let idle = names.first(where: { name in !chosen.contains { ends(name, in: $0) } }) {
                throw TrainingError.plan(
                    "target_modules: expected names of linear layers in what is trained (\(known.joined(separator: ", "))), found \"\(idle)\"")
            }
        case .expression(let text):
            if chosen.isEmpty {
                throw TrainingError.plan(
                    "target_modules: expected an expression for whole names like \(all.first ?? "none"), found \"\(text)\", which matches none")
            }
        }
        for (field, patterns) in [("rank_pattern", ranks.keys.sorted()), ("alpha_pattern", alphas.keys.sorted())] {
            for pattern in patterns {
                let isRank = field == "rank_pattern"
                let single = try PEFTConfiguration(
                    targets: targets, rank: rank, ranks: isRank ? [pattern: rank] : [:], alphas: isRank ? [:] : [pattern: alpha])
                if try !chosen.contains(where: { try !single.exceptionalRanks(of: $0).isEmpty || !single.exceptionalAlphas(of: $0).isEmpty }) {
                    throw TrainingError.plan("\(field): \"\(pattern)\" matches no module that gets an adapter")
                }
            }
        }
    }

    /// The common value of all patterns that match a module. peft takes the first one, but JSON does not preserve their order.
    private func one<Value: Hashable & Comparable>(_ field: String, _ found: [Value], for module: String) throws -> Value? {
        let found = Set(found).sorted()
        if found.count > 1 {
            throw TrainingError.plan("\(field): expected one value for \(module), found \(found.map { "\($0)" }.joined(separator: " and "))")
        }
        return found.first
    }
}

/// The stored form. Later members are written only if they differ from their default.
extension LoRA: Codable {
    private enum CodingKeys: CodingKey { case rank, alpha, useRslora, targets, ranks, alphas }

    package init(from decoder: any Swift.Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(rank: try container.decode(Int.self, forKey: .rank), alpha: try container.decode(Double.self, forKey: .alpha))
        isRankStabilized = try container.decodeIfPresent(Bool.self, forKey: .useRslora) ?? isRankStabilized
        targets = try container.decodeIfPresent(TargetModules.self, forKey: .targets) ?? targets
        ranks = try container.decodeIfPresent([String: Int].self, forKey: .ranks) ?? ranks
        alphas = try container.decodeIfPresent([String: Double].self, forKey: .alphas) ?? alphas
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(rank, forKey: .rank)
        try container.encode(alpha, forKey: .alpha)
        if isRankStabilized { try container.encode(true, forKey: .useRslora) }
        if targets != .allLinear { try container.encode(targets, forKey: .targets) }
        if !ranks.isEmpty { try container.encode(ranks, forKey: .ranks) }
        if !alphas.isEmpty { try container.encode(alphas, forKey: .alphas) }
    }
}
