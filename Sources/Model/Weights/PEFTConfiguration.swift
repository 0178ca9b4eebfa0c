package import JSON
import Patterns

/// The `adapter_config.json` of a LoRA adapter, in the form of Python's peft: the modules of the base model that it
/// changes, their rank, and the scaling.
///
///     W' = W + scaling · B A      scaling = alpha / r, or alpha / √r with `use_rslora`
///
/// Fields that change what an adapter computes in ways not supported are refused by name; those that only concern
/// training are ignored. Matching is peft's (`check_target_module_exists`, `get_pattern_key`), within a ``PatternBudget``.
package struct PEFTConfiguration: Sendable {
    private enum Selection: Sendable {
        case allLinear
        case pattern(Pattern)
        case names(Set<Substring>)
    }

    /// A value for the modules whose path ends as the key says.
    private struct Exception<Value: Sendable>: Sendable {
        let pattern: Pattern
        let value: Value
    }

    private let rank: Int
    private let alpha: Double
    package let settings: AdapterSettings
    private let targets: Selection
    private let exclusions: Selection?
    private let layers: Set<Int>?
    private let layerPatterns: [Pattern]
    private let rankPattern: [Exception<Int>]
    private let alphaPattern: [Exception<Double>]
    private let modulesToSave: [String]
    private let savedPatterns: [Pattern]
    private let budget = PatternBudget()

    static let ranks = 1...(1 << 20)

    package init(_ json: JSONValue) throws {
        let type = try json.string("peft_type")
        guard type == "LORA" else { throw PEFTError.unsupported(field: "peft_type", found: type) }
        try Self.refuseUnsupported(json)
        let rank = try json.integer("r", default: 8)
        guard Self.ranks.contains(rank) else { throw Self.outOfRange("r", .integer(rank)) }
        self.rank = rank
        alpha = try json.number("lora_alpha", default: 8)
        settings = AdapterSettings(
            dropout: json.value("lora_dropout")?.number.flatMap { (0..<1).contains($0) ? $0 : nil } ?? 0,
            isRankStabilized: try json.boolean("use_rslora", default: false))
        guard let targets = try Self.selection("target_modules", in: json, budget) else {
            throw JSONError.unexpected(
                path: "target_modules", expected: "a pattern or a list of names", found: "nothing")
        }
        self.targets = targets
        exclusions = try Self.selection("exclude_modules", in: json, budget)
        let layers = try json.integers("layers_to_transform", default: [])
        self.layers = layers.isEmpty ? nil : Set(layers)
        if case .names = targets {
        } else if !layers.isEmpty {
            throw PEFTError.unsupported(field: "layers_to_transform", found: "given beside a pattern as target_modules")
        }
        layerPatterns = try Self.layerPatterns(json, budget)
        rankPattern = try Self.exceptions("rank_pattern", in: json, budget) { path, value in
            guard let rank = value.exactInteger, Self.ranks.contains(rank) else { throw Self.outOfRange(path, value) }
            return rank
        }
        alphaPattern = try Self.exceptions("alpha_pattern", in: json, budget) { path, value in
            guard let alpha = value.number else {
                throw JSONError.unexpected(path: path, expected: "a number", found: value.summary)
            }
            return alpha
        }
        modulesToSave = try json.strings("modules_to_save", default: [])
        guard modulesToSave.count <= 128 else {
            throw JSONError.unexpected(path: "modules_to_save", expected: "at most 128 names", found: "\(modulesToSave.count)")
        }
        savedPatterns = try modulesToSave.map { [budget] in try Self.pattern("(^|.*\\.)\($0)($|\\..*)", "modules_to_save", budget) }
    }

    /// Creates the selection of an adapter that is to be trained.
    ///
    /// - Parameters:
    ///   - ranks: as `rank_pattern` has them.
    ///   - alphas: as `alpha_pattern` has them.
    package init(targets: TargetModules, rank: Int, ranks: [String: Int], alphas: [String: Double] = [:]) throws {
        var (rankPattern, alphaPattern) = (JSONObject(), JSONObject())
        for (pattern, rank) in ranks.sorted(by: { $0.key < $1.key }) { rankPattern[pattern] = .integer(rank) }
        for (pattern, alpha) in alphas.sorted(by: { $0.key < $1.key }) { alphaPattern[pattern] = .real(alpha) }
        try self.init(
            .object([
                "peft_type": "LORA", "r": .integer(rank), "target_modules": targets.json, "rank_pattern": .object(rankPattern),
                "alpha_pattern": .object(alphaPattern),
            ]))
    }

    /// Whether the adapter changes the linear module at `path`, in the adapter's own naming.
    package func targets(_ path: String) throws -> Bool {
        if try savedPatterns.contains(where: { try matches($0, path, "modules_to_save", whole: false) }) { return false }
        if let exclusions, try selects(exclusions, path, "exclude_modules") { return false }
        guard try selects(targets, path, "target_modules") else { return false }
        // peft asks for layers only where a name matched the path's end.
        guard let layers, case .names(let names) = targets, !names.contains(path[...]) else { return true }
        for pattern in layerPatterns {
            let found = try naming("layers_pattern") { () throws(PatternError) in try pattern.capture("idx", in: path, budget) }
            if let found { return Int(found).map(layers.contains) ?? false }
        }
        return false
    }

    /// A pattern matches the whole path; a name all of it or its end after a dot.
    private func selects(_ selection: Selection, _ path: String, _ field: String) throws -> Bool {
        switch selection {
        case .allLinear: return !path.hasSuffix("lm_head")
        case .pattern(let pattern): return try matches(pattern, path, field, whole: true)
        case .names(let names):
            var end = path[...]
            while !names.contains(end) {
                guard let dot = end.firstIndex(of: ".") else { return false }
                end = end[end.index(after: dot)...]
            }
            return true
        }
    }

    /// Whether the module at `path`, or one that holds it, is stored whole. peft compares ends of paths as plain text.
    func saves(_ path: String) -> Bool {
        guard !modulesToSave.isEmpty else { return false }
        var module = path[...]
        while true {
            if modulesToSave.contains(where: { module.hasSuffix($0) }) { return true }
            guard let dot = module.lastIndex(of: ".") else { return false }
            module = module[..<dot]
        }
    }

    package func rank(of path: String) throws -> Int {
        try rankPattern.first { try matches($0.pattern, path, "rank_pattern", whole: false) }?.value ?? rank
    }

    /// The ranks of all patterns that match the module.
    package func exceptionalRanks(of path: String) throws -> [Int] {
        try rankPattern.filter { try matches($0.pattern, path, "rank_pattern", whole: false) }.map(\.value)
    }

    /// The alphas of all patterns that match the module.
    package func exceptionalAlphas(of path: String) throws -> [Double] {
        try alphaPattern.filter { try matches($0.pattern, path, "alpha_pattern", whole: false) }.map(\.value)
    }

    /// - Throws: Where the scaling is beyond float32.
    package func scaling(of path: String) throws -> Double {
        let rank = try rank(of: path)
        let exception = try alphaPattern.first { try matches($0.pattern, path, "alpha_pattern", whole: false) }
        let alpha = exception?.value ?? alpha
        let scaling = alpha / settings.divisor(rank: rank)
        guard Float(scaling).isFinite else {
            throw PEFTError.scaling(
                field: exception == nil ? "lora_alpha" : "alpha_pattern", module: path, alpha: alpha, rank: rank,
                stabilized: settings.isRankStabilized)
        }
        return scaling
    }

    private func matches(_ pattern: Pattern, _ path: String, _ field: String, whole: Bool) throws -> Bool {
        try naming(field) { () throws(PatternError) in try pattern.matches(path, whole: whole, budget) }
    }

    // MARK: Reading

    /// Fields that only training, quantised bases or bookkeeping read.
    private static let inert: Set<String> = [
        "auto_mapping", "base_model_name_or_path", "corda_config", "ensure_weight_tying", "eva_config",
        "inference_mode",
        "loftq_config", "lora_dropout", "lora_ga_config", "megatron_config", "megatron_core", "peft_version",
        "qalora_group_size", "revision", "runtime_config", "task_type",
    ]
    private static let read: Set<String> = [
        "alpha_pattern", "exclude_modules", "layers_pattern", "layers_to_transform", "lora_alpha", "modules_to_save", "peft_type", "r",
        "rank_pattern", "target_modules", "use_rslora",
    ]
    /// Ways to initialise that leave the base weights as they are; the others store what makes no sense without a changed base.
    private static let initializations: Set<String> = ["gaussian", "eva", "orthogonal"]

    private static func refuseUnsupported(_ json: JSONValue) throws {
        for field in try json.object("").keys where !inert.contains(field) && !read.contains(field) {
            guard let value = json[field] else { continue }
            let off =
                switch value {
                case .null, .boolean(false): true
                case .array(let array): array.isEmpty
                case .object(let object): object.keys.isEmpty
                case .boolean(true): field == "init_lora_weights"
                case .string("none"): field == "bias"
                case .string(let name): field == "init_lora_weights" && initializations.contains(name)
                default: false
                }
            guard off else { throw PEFTError.unsupported(field: field, found: value.summary) }
        }
    }

    private static func outOfRange(_ path: String, _ value: JSONValue) -> JSONError {
        .unexpected(path: path, expected: "an integer from \(ranks.lowerBound) to \(ranks.upperBound)", found: value.summary)
    }

    private static func selection(_ field: String, in json: JSONValue, _ budget: PatternBudget) throws -> Selection? {
        switch json.value(field) {
        case nil: return nil
        case .string(let text) where text.lowercased() == "all-linear" && field == "target_modules": return .allLinear
        case .string(let text): return text.isEmpty ? nil : .pattern(try pattern(text, field, budget))
        default: return .names(Set(try json.strings(field).map { $0[...] }))
        }
    }

    /// Patterns with the layer's number as the group `idx`; those of peft for any name of a list of layers without `layers_pattern`.
    private static func layerPatterns(_ json: JSONValue, _ budget: PatternBudget) throws -> [Pattern] {
        let given: [String] =
            switch json.value("layers_pattern") {
            case nil: []
            case .string(let text): text.isEmpty ? [] : [text]
            default: try json.strings("layers_pattern")
            }
        guard !given.isEmpty else { return [try pattern(#".*?\.[^.]*\.(?P<idx>\d+)\."#, "layers_pattern", budget)] }
        return try given.map { try pattern("(?:^|.*?\\.)\($0)\\.(?P<idx>\\d+)\\.", "layers_pattern", budget) }
    }

    /// Patterns match the end of a path from a dot on; the first that matches counts.
    private static func exceptions<Value>(
        _ field: String, in json: JSONValue, _ budget: PatternBudget, _ read: (String, JSONValue) throws -> Value
    ) throws -> [Exception<Value>] {
        let object = try json.object(field, default: [:])
        return try object.keys.map { key in
            let value = try read("\(field).\(key)", object[key] ?? .null)
            return Exception(pattern: try pattern("(.*\\.)?(\(key))$", field, budget), value: value)
        }
    }

    private static func pattern(_ text: String, _ field: String, _ budget: PatternBudget) throws -> Pattern {
        try naming(field) { () throws(PatternError) in
            let pattern = try Pattern(text, .python, limits: .name)
            try budget.charge(pattern)
            return pattern
        }
    }
}

/// Runs `body` and attributes its error to the field.
private func naming<Value>(_ field: String, _ body: () throws(PatternError) -> Value) throws(PEFTError) -> Value {
    do { return try body() } catch { throw .pattern(field: field, reason: error.description) }
}
