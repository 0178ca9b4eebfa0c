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
    /// Other ranks, by regular expressions that the ends of modules' paths match: peft's `rank_pattern`.
    package var ranks: [String: Int] = [:]

    /// - Parameter alpha: twice the rank where nil.
    package init(rank: Int = 16, alpha: Double? = nil) {
        self.rank = rank
        self.alpha = alpha ?? 2 * Double(rank)
    }

    package var settings: AdapterSettings { AdapterSettings(isRankStabilized: isRankStabilized) }

    func scale(rank: Int) -> Float { Float(alpha / settings.divisor(rank: rank)) }

    /// The linear layers that get adapters, each with its rank, in the order of `candidates`.
    ///
    /// Names are those that the newest transformers gives, as in `adapter_config.json`. What chooses experts gets no adapter, nor does the
    /// output head.
    ///
    /// - Throws: ``TrainingError/plan(_:)`` for what cannot be given, by the option's name.
    func selection(of candidates: [Parameter], in model: AudioLanguageModel) throws -> [(parameter: Parameter, rank: Int)] {
        if let wrong = ([rank] + ranks.values.sorted()).first(where: { $0 < 1 }) {
            throw TrainingError.plan("rank \(wrong); at least 1 is needed")
        }
        let linear = candidates.filter { $0.kind == .linear && $0.index != model.decoder.head.weight.index }
        if targets == .allLinear, ranks.isEmpty { return linear.map { ($0, rank) } }
        let names = Dictionary(uniqueKeysWithValues: linear.map { ($0.index, model.names.newest($0.moduleName)) })
        do {
            let configuration = try PEFTConfiguration(targets: targets, rank: rank, ranks: ranks)
            try refuseOthers(candidates, Set(names.values), configuration, model)
            let chosen = try linear.filter { try configuration.targets(names[$0.index]!) }
            try refuseIdle(chosen.map { names[$0.index]! }, of: names.values.sorted())
            return try chosen.map { ($0, try rank(of: names[$0.index]!, configuration)) }
        } catch PEFTError.pattern(let field, let reason) {
            throw TrainingError.plan("\(field): \(reason)")
        }
    }

    /// Names and expressions mean linear layers alone: peft, too, refuses whatever else they select.
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

    /// What selects nothing was misspelt.
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
        for (pattern, rank) in ranks.sorted(by: { $0.key < $1.key }) {
            let single = try PEFTConfiguration(targets: targets, rank: self.rank, ranks: [pattern: rank])
            if try !chosen.contains(where: { try !single.exceptionalRanks(of: $0).isEmpty }) {
                throw TrainingError.plan("rank_pattern: \"\(pattern)\" matches no module that gets an adapter")
            }
        }
    }

    private func rank(of module: String, _ configuration: PEFTConfiguration) throws -> Int {
        let found = Set(try configuration.exceptionalRanks(of: module)).sorted()
        if found.count > 1 {
            throw TrainingError.plan("rank_pattern: expected one rank for \(module), found \(found.map(String.init).joined(separator: " and "))")
        }
        return found.first ?? rank
    }
}

/// As stored: members that came later stand there where they say something.
extension LoRA: Codable {
    private enum CodingKeys: CodingKey { case rank, alpha, useRslora, targets, ranks }

    package init(from decoder: any Swift.Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(rank: try container.decode(Int.self, forKey: .rank), alpha: try container.decode(Double.self, forKey: .alpha))
        isRankStabilized = try container.decodeIfPresent(Bool.self, forKey: .useRslora) ?? isRankStabilized
        targets = try container.decodeIfPresent(TargetModules.self, forKey: .targets) ?? targets
        ranks = try container.decodeIfPresent([String: Int].self, forKey: .ranks) ?? ranks
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(rank, forKey: .rank)
        try container.encode(alpha, forKey: .alpha)
        if isRankStabilized { try container.encode(true, forKey: .useRslora) }
        if targets != .allLinear { try container.encode(targets, forKey: .targets) }
        if !ranks.isEmpty { try container.encode(ranks, forKey: .ranks) }
    }
}
