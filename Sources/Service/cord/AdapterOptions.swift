import ArgumentParser
import Objectives
import Training
import Weights

/// Options of peft's `LoraConfig` beside rank and alpha.
struct AdapterOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Linear layers of what is trained that get adapters: names with commas between them, which ends of paths match (q_proj,v_proj), a \
            regular expression for whole paths as the newest transformers has them, or all-linear.
            """, valueName: "names or expression"))
    var targetModules: String?
    @Option(help: "What of their input adapters do not see in a step. Rollouts, teacher and validation see all of it.") var loraDropout = 0.0
    @Flag(help: "Scale by alpha over the root of the rank.") var useRslora = false
    @Option(
        help: ArgumentHelp("Another rank for modules whose paths end as the expression says; may be repeated.", valueName: "expression=rank"))
    var rankPattern: [String] = []
    @Option(
        help: ArgumentHelp("Another alpha for modules whose paths end as the expression says; may be repeated.", valueName: "expression=alpha"))
    var alphaPattern: [String] = []

    /// The first option that was given.
    var given: String? {
        if targetModules != nil { return "target-modules" }
        if loraDropout != 0 { return "lora-dropout" }
        if useRslora { return "use-rslora" }
        if !rankPattern.isEmpty { return "rank-pattern" }
        return alphaPattern.isEmpty ? nil : "alpha-pattern"
    }

    func lora(rank: Int, alpha: Double?) -> LoRA {
        var lora = LoRA(rank: rank, alpha: alpha)
        lora.isRankStabilized = useRslora
        if let targetModules { lora.targets = Self.targets(targetModules) }
        lora.ranks = Dictionary(rankPattern.compactMap(Self.rank), uniquingKeysWith: { $1 })
        lora.alphas = Dictionary(alphaPattern.compactMap(Self.alpha), uniquingKeysWith: { $1 })
        return lora
    }

    /// Names have no other characters than letters, digits, `_` and dots; what has others is an expression.
    private static func targets(_ text: String) -> TargetModules {
        let isList = text.allSatisfy { $0.isLetter || $0.isNumber || "_.,".contains($0) }
        return isList ? .names(text.split(separator: ",").map(String.init)) : TargetModules(text)
    }

    /// `EXPRESSION=VALUE`.
    private static func exception(_ text: String) -> (expression: String, value: Substring)? {
        guard let place = text.lastIndex(of: "="), place > text.startIndex else { return nil }
        return (String(text[..<place]), text[text.index(after: place)...])
    }

    private static func rank(_ text: String) -> (String, Int)? {
        guard let (expression, value) = exception(text), let rank = Int(value), (1...4096).contains(rank) else { return nil }
        return (expression, rank)
    }

    private static func alpha(_ text: String) -> (String, Double)? {
        guard let (expression, value) = exception(text), let alpha = Double(value), NumericOption.loraAlpha.allows(alpha) else { return nil }
        return (expression, alpha)
    }

    func validate() throws {
        try NumericOption.check([(.loraDropout, loraDropout)])
        if targetModules?.contains(where: { $0 != "," }) == false { throw ValidationError("--target-modules: expected names or an expression.") }
        for text in rankPattern where Self.rank(text) == nil {
            throw ValidationError("--rank-pattern: expected EXPRESSION=RANK with a rank from 1 to 4096, found \(text).")
        }
        for text in alphaPattern where Self.alpha(text) == nil {
            throw ValidationError("--alpha-pattern: expected EXPRESSION=ALPHA with an alpha above 0, at most 1000000, found \(text).")
        }
        for (name, given) in [("rank-pattern", rankPattern), ("alpha-pattern", alphaPattern)] {
            let patterns = given.compactMap { Self.exception($0)?.expression }
            if Set(patterns).count < patterns.count { throw ValidationError("--\(name): expected each expression once.") }
        }
    }
}
