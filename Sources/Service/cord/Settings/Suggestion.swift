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
}
