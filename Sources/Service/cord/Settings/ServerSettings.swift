import ArgumentParser
import Files
import Foundation
import JSON
import TOMLKit

/// The options of `cord serve` from where they may stand: the command line, before the environment, before a file.
///
///     --max-queue 64        CORD_MAX_QUEUE=64        max-queue = 64
///
/// An option that may be repeated is a list: separated by commas in the environment, an array in the file. The first place that names an option
/// gives all of its values. What the environment and the file add becomes arguments, so that every option is checked and explained once.
struct ServerSettings {
    enum Source: Equatable {
        case commandLine, environment(variable: String), file(path: String)

        var description: String {
            switch self {
            case .commandLine: "command line"
            case .environment(let variable): variable
            case .file(let path): path
            }
        }
    }

    struct Setting {
        let option: CommandInfo.Argument
        let name: String
        /// Texts as on the command line; of a flag, `true` or `false`.
        let values: [String]
        let source: Source?
    }

    /// Options that are about this call alone. Keys have their own variable, `CORD_API_KEY`, which adds one.
    private static let withoutVariable: Set = ["config", "print-config", "print-scopes", "help", "version", "api-key"]
    /// Read elsewhere.
    private static let otherVariables: Set = ["CORD_API_KEY", "CORD_JUDGE_KEY", "CORD_REWARD_KEY", "CORD_KERNELS"]
    private static let withoutKey: Set = ["config", "print-config", "print-scopes", "help", "version"]

    private let settings: [Setting]
    private let given: [String]
    /// Whether `CORD_API_KEY` adds a key to those that the settings name.
    private let addsKey: Bool
    /// A line for each variable that begins as ours do and is none.
    let warnings: [String]

    /// - Parameter given: What follows `serve` on the command line.
    /// - Throws: ``SettingsError``, `FileError`.
    init(_ given: [String], environment: [String: String], options: [CommandInfo.Argument]) throws {
        self.given = given
        addsKey = environment["CORD_API_KEY"] != nil
        let known = Self.otherVariables.union(options.compactMap { $0.long.map(Self.variable) })
        warnings = environment.keys.filter { $0.hasPrefix("CORD_") && !known.contains($0) }.sorted().map { name in
            "\(name) is no setting\(NearestName.to(name, among: known.sorted()).map { "; did you mean \($0)?" } ?? ".")"
        }
        let line = Self.values(on: given, options)
        let path = line["config"]?.last ?? environment["CORD_CONFIG"]
        let file = try path.map { try Self.file($0, options) } ?? [:]
        settings = try options.compactMap { option in
            guard let name = option.long, option.kind != .positional, !Self.withoutKey.contains(name) else { return nil }
            if let values = line[name] { return Setting(option: option, name: name, values: values, source: .commandLine) }
            let variable = Self.variable(name)
            if !Self.withoutVariable.contains(name), let text = environment[variable], !text.isEmpty {
                let values = option.isRepeating ? text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } : [text]
                let source = Source.environment(variable: variable)
                return Setting(option: option, name: name, values: try Self.checked(values, option, source), source: source)
            }
            if let path, let values = file[name] {
                let source = Source.file(path: path)
                return Setting(option: option, name: name, values: try Self.checked(values, option, source), source: source)
            }
            return Setting(option: option, name: name, values: option.defaultValue.map { [$0] } ?? [], source: nil)
        }
    }

    /// All arguments of `serve`.
    var arguments: [String] {
        var added: [String] = []
        for setting in settings {
            guard let source = setting.source, source != .commandLine else { continue }
            switch setting.option.kind {
            case .flag: if setting.values == ["true"] { added.append("--\(setting.name)") }
            case .option, .positional: for value in setting.values { added.append("--\(setting.name)=\(value)") }
            }
        }
        return added + given
    }

    /// Where an option comes from that a message of the parser names; nil where the message names none, or one of the command line.
    func blame(for message: String) -> String? {
        for setting in settings {
            guard let source = setting.source, source != .commandLine, message.contains("--\(setting.name)") else { continue }
            let rest = message.components(separatedBy: "--\(setting.name)").dropFirst()
            guard rest.contains(where: { $0.first.map { !$0.isLetter && $0 != "-" } ?? true }) else { continue }
            return "--\(setting.name) is set by \(source.description)."
        }
        return nil
    }

    /// The settings in force, as a file that can be given to `--config`; what is not set is a comment. Keys are not shown.
    var toml: String {
        var lines = ["# cord serve: command line before environment before file"]
        for setting in settings {
            let isSecret = setting.name == "api-key"
            let sources = [setting.source?.description, isSecret && addsKey ? "CORD_API_KEY" : nil].compactMap(\.self)
            let shown = isSecret ? Array(repeating: "\"…\"", count: setting.values.count + (addsKey ? 1 : 0)) : nil
            let values = shown ?? setting.values.map { Self.literal($0, setting.option) }
            let value = setting.option.isRepeating ? "[\(values.joined(separator: ", "))]" : values.last ?? "false"
            let isSet = setting.source != nil && !isSecret
            let isKnown = !setting.values.isEmpty || setting.option.isRepeating || setting.option.kind == .flag
            let origin = sources.isEmpty ? "" : "  # \(sources.joined(separator: ", "))"
            lines.append("\(isSet ? "" : "# ")\(setting.name) =\(isKnown ? " \(value)" : "")\(origin)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    static func variable(_ name: String) -> String { "CORD_" + name.uppercased().replacing("-", with: "_") }

    private static func literal(_ text: String, _ option: CommandInfo.Argument) -> String {
        if option.kind == .flag || Int(text).map(String.init) == text || Double(text).map({ "\($0)" }) == text { return text }
        // JSON's strings without escaped slashes are strings of TOML.
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return (try? encoder.encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    }

    private static func checked(_ values: [String], _ option: CommandInfo.Argument, _ source: Source) throws -> [String] {
        guard option.kind == .flag else { return values }
        switch values.last?.lowercased() {
        case "true", "1", "yes": return ["true"]
        case "false", "0", "no": return ["false"]
        default: throw SettingsError(description: "\(source.description): expected true or false, found \(values.joined(separator: ", "))")
        }
    }

    /// The options that stand on the command line, with their values.
    private static func values(on line: [String], _ options: [CommandInfo.Argument]) -> [String: [String]] {
        var values: [String: [String]] = [:]
        var index = 0
        while index < line.count, line[index] != "--" {
            let word = line[index]
            index += 1
            guard word.hasPrefix("--") else { continue }
            let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = parts.first.map(String.init), let option = options.first(where: { $0.long == name }) else { continue }
            switch option.kind {
            case .flag: values[name] = ["true"]
            case .option, .positional:
                if parts.count == 2 {
                    values[name, default: []].append(String(parts[1]))
                } else if index < line.count {
                    values[name, default: []].append(line[index])
                    index += 1
                }
            }
        }
        return values
    }

    private static func file(_ path: String, _ options: [CommandInfo.Argument]) throws -> [String: [String]] {
        let text = String(decoding: try Data(reading: URL(fileURLWithPath: path)), as: UTF8.self)
        let table: TOMLTable
        do { table = try TOMLTable(string: text) } catch { throw SettingsError(description: "\(path): \(error)") }
        let names = options.compactMap(\.long).filter { !withoutKey.contains($0) }
        var values: [String: [String]] = [:]
        for (key, value) in table {
            guard let option = options.first(where: { $0.long == key && names.contains(key) }) else {
                let near = NearestName.to(key, among: names).map { ". Did you mean `\($0)`?" } ?? ": it is none of cord serve --help"
                throw SettingsError(description: "\(path): unknown key `\(key)`\(near)")
            }
            guard let texts = texts(value), option.isRepeating || value.array == nil else {
                let expected = option.isRepeating ? "a value or an array of values" : "one value"
                throw SettingsError(description: "\(path): `\(key)`: expected \(expected), found \(value.type)")
            }
            values[key] = texts
        }
        return values
    }

    /// The values of a key as the command line would have them; nil for tables and dates.
    private static func texts(_ value: any TOMLValueConvertible) -> [String]? {
        if let array = value.array {
            let parts = array.map { texts($0) }
            return parts.contains { $0?.count != 1 } ? nil : parts.compactMap { $0?[0] }
        }
        if let text = value.string { return [text] }
        if let flag = value.bool { return ["\(flag)"] }
        if let integer = value.int { return ["\(integer)"] }
        return value.double.map { ["\($0)"] }
    }
}

/// A setting outside of the command line that cannot be read.
struct SettingsError: Error, CustomStringConvertible { let description: String }
