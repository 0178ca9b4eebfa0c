/// `adapter_config.json` of a LoRA adapter, as Python's peft writes and reads it: which modules of the base model it
/// changes, with which rank, and how strongly.
///
///     W' = W + scaling · B A      scaling = alpha / r, or alpha / √r with `use_rslora`
///
/// Fields that change what an adapter computes in ways not supported are refused by name; those that only concern
/// training are passed over.
struct PEFTConfiguration {
    private enum Selection {
        case allLinear
        case pattern(Regex<AnyRegexOutput>)
        case names([String])

        /// A pattern matches the whole path; a name its end, from a dot on.
        func contains(_ path: String) -> Bool {
            switch self {
            case .allLinear: !path.hasSuffix("lm_head")
            case .pattern(let pattern): path.wholeMatch(of: pattern) != nil
            case .names(let names): names.contains { path == $0 || path.hasSuffix("." + $0) }
            }
        }
    }

    private let rank: Int
    private let alpha: Double
    private let stabilized: Bool
    private let targets: Selection
    private let exclusions: Selection?
    private let layers: [Int]?
    private let rankPattern: [(pattern: Regex<AnyRegexOutput>, value: Double)]
    private let alphaPattern: [(pattern: Regex<AnyRegexOutput>, value: Double)]
    let modulesToSave: [String]

    init(_ json: JSONValue) throws {
        let type = try json.string("peft_type")
        guard type == "LORA" else { throw PEFTError.unsupported(field: "peft_type", found: type) }
        try Self.refuseUnsupported(json)
        rank = try json.integer("r", default: 8)
        alpha = try json.number("lora_alpha", default: 8)
        stabilized = try json.boolean("use_rslora", default: false)
        guard let targets = try Self.selection("target_modules", in: json) else {
            throw JSONError.unexpected(
                path: "target_modules", expected: "a pattern or a list of names", found: "nothing")
        }
        self.targets = targets
        exclusions = try Self.selection("exclude_modules", in: json)
        layers = json.value("layers_to_transform") == nil ? nil : try json.integers("layers_to_transform")
        rankPattern = try Self.patterns("rank_pattern", in: json)
        alphaPattern = try Self.patterns("alpha_pattern", in: json)
        modulesToSave = try json.strings("modules_to_save", default: [])
    }

    /// Whether the adapter changes the linear module at `path`, in the adapter's own naming.
    func targets(_ path: String) -> Bool {
        guard targets.contains(path), exclusions?.contains(path) != true, !saves(path) else { return false }
        guard let layers else { return true }
        // The first number between dots is the layer's.
        guard let index = path.split(separator: ".").dropFirst(2).lazy.compactMap({ Int($0) }).first else {
            return false
        }
        return layers.contains(index)
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

    func rank(of path: String) -> Int {
        Int(rankPattern.first { path.wholeMatch(of: $0.pattern) != nil }?.value ?? Double(rank))
    }

    func scaling(of path: String) -> Double {
        let rank = Double(rank(of: path))
        let alpha = alphaPattern.first { path.wholeMatch(of: $0.pattern) != nil }?.value ?? alpha
        return alpha / (stabilized ? rank.squareRoot() : rank)
    }

    /// Fields that only training, quantised bases or bookkeeping read.
    private static let inert: Set<String> = [
        "auto_mapping", "base_model_name_or_path", "corda_config", "ensure_weight_tying", "eva_config",
        "inference_mode",
        "loftq_config", "lora_dropout", "lora_ga_config", "megatron_config", "megatron_core", "peft_version",
        "qalora_group_size", "revision", "runtime_config", "task_type",
    ]
    private static let read: Set<String> = [
        "alpha_pattern", "exclude_modules", "layers_to_transform", "lora_alpha", "modules_to_save", "peft_type", "r",
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

    private static func selection(_ field: String, in json: JSONValue) throws -> Selection? {
        switch json.value(field) {
        case nil: return nil
        case .string(let text) where text.lowercased() == "all-linear": return .allLinear
        case .string(let text): return .pattern(try regex(text, field: field))
        default: return .names(try json.strings(field))
        }
    }

    /// Patterns match the end of a path from a dot on; the first that matches counts.
    private static func patterns(
        _ field: String, in json: JSONValue
    ) throws -> [(pattern: Regex<AnyRegexOutput>, value: Double)] {
        let object = try json.object(field, default: [:])
        return try object.keys.map { key in
            guard let value = object[key]?.number, value > 0 else {
                throw JSONError.unexpected(
                    path: "\(field).\(key)", expected: "a positive number", found: object[key]?.summary ?? "nothing")
            }
            return (try regex("(?:.*\\.)?(?:\(key))", field: field), value)
        }
    }

    private static func regex(_ text: String, field: String) throws -> Regex<AnyRegexOutput> {
        do {
            return try Regex(text)
        } catch {
            throw PEFTError.unsupported(field: field, found: "the pattern \(text), which cannot be compiled: \(error)")
        }
    }
}
