/// The line of a help text that shows how a command is written, broken between options. ArgumentParser breaks every line but this one.
///
///     USAGE: cord gap runs [--server <url>] [--key <secret>]
///            [--limit <limit>]
enum UsageText {
    static func wrapped(_ help: String, columns: Int) -> String {
        help.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            guard line.hasPrefix("USAGE: ") || line.hasPrefix("Usage: "), line.count > columns else { return String(line) }
            return lines(line.dropFirst(7), columns: columns - 7).enumerated().map { ($0 == 0 ? line.prefix(7) : "       ") + $1 }
                .joined(separator: "\n")
        }.joined(separator: "\n")
    }

    private static func lines(_ usage: Substring, columns: Int) -> [String] {
        var lines: [String] = []
        for part in parts(usage) {
            if let last = lines.last, last.count + 1 + part.count <= columns {
                lines[lines.count - 1] += " " + part
            } else {
                lines.append(part)
            }
        }
        return lines
    }

    /// The words, with an option's brackets around it and its value beside it.
    private static func parts(_ usage: Substring) -> [String] {
        var (parts, depth): ([String], Int) = ([], 0)
        for word in usage.split(separator: " ").map(String.init) {
            let isValue = word.first == "<" && parts.last?.hasPrefix("--") == true
            if depth > 0 || isValue || word == "..." { parts[parts.count - 1] += " " + word } else { parts.append(word) }
            depth += word.count { $0 == "[" } - word.count { $0 == "]" }
        }
        return parts
    }
}
