import ArgumentParser
import JSON

/// What somebody meant who wrote a name that there is not.
enum Suggestion {
    /// The message for the first word that should name a command and does not; nil where all do.
    static func unknownCommand(_ arguments: [String], in root: CommandInfo) -> String? {
        var (command, path) = (root, [root.commandName])
        for word in arguments {
            guard let subcommands = command.subcommands, !subcommands.isEmpty, !word.hasPrefix("-"), word != "help" else { return nil }
            if let next = subcommands.first(where: { $0.commandName == word }) {
                command = next
                path.append(word)
                continue
            }
            if command.takesWords { return nil }
            let names = subcommands.map(\.commandName)
            let whole = path.joined(separator: " ")
            guard let near = NearestName.to(word, among: names) else {
                return "there is no command '\(whole) \(word)'. There are: \(names.joined(separator: ", "))"
            }
            return "there is no command '\(whole) \(word)'. Did you mean '\(whole) \(near)'?"
        }
        return nil
    }

    /// ArgumentParser's text of an error with another guess at an unknown option: it guesses by letters alone, and names one that shares hardly any.
    static func improved(_ text: String, _ arguments: [String], in root: CommandInfo) -> String {
        guard let found = text.firstMatch(of: /Unknown option '--([^']+)'(\. Did you mean '[^']*'\?)?/) else { return text }
        var command = root
        for word in arguments { command = command.subcommands?.first { $0.commandName == word } ?? command }
        let byDefault = command.subcommands?.first { $0.commandName == command.defaultSubcommand }
        let options = ((command.arguments ?? []) + (byDefault?.arguments ?? [])).compactMap(\.long)
        let near = NearestName.to(String(found.1), among: options)
        return text.replacing(text[found.range], with: "Unknown option '--\(found.1)'" + (near.map { ". Did you mean '--\($0)'?" } ?? ""))
    }
}
