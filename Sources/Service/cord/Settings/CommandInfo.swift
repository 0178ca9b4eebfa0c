import ArgumentParser
import Foundation

/// What ArgumentParser knows of a command, as `--experimental-dump-help` prints it: the one list of commands and options, from which settings and
/// suggestions are read.
struct CommandInfo: Decodable {
    struct Argument: Decodable {
        struct Name: Decodable { let kind, name: String }
        enum Kind: String, Decodable { case positional, option, flag }

        let kind: Kind
        let isRepeating: Bool
        let names: [Name]?
        let defaultValue: String?

        /// The name behind `--`; nil of positional arguments.
        var long: String? { names?.first { $0.kind == "long" }?.name }
    }

    let commandName: String
    let subcommands: [CommandInfo]?
    /// Its name, where it is written out.
    let defaultSubcommand: String?
    let arguments: [Argument]?

    /// Whether words behind it may be arguments of what it does without a subcommand.
    var takesWords: Bool {
        let byDefault = subcommands?.first { $0.commandName == defaultSubcommand }
        return byDefault?.arguments?.contains { $0.kind == .positional } ?? false
    }

    /// - Parameter command: The root or one of its subcommands.
    static func of(_ command: any ParsableCommand.Type) throws -> CommandInfo {
        struct Dump: Decodable { let command: CommandInfo }
        return try JSONDecoder().decode(Dump.self, from: Data(command._dumpHelp().utf8)).command
    }
}
