import Evaluation
package import JSON

/// The table of formats as a page, as help text and as parts of the OpenAPI description.
extension RowFormat {
    /// FORMATS.md, as `cord data formats --markdown` prints it. A test compares the two.
    package static func page() -> String {
        var page = """
            # Formats

            Every kind of row and message that `cord` reads, with an example that is accepted as it stands. `cord data formats --markdown` prints this page; `cord data
            formats` and `cord gap formats` say the same in the terminal, and `/openapi.json` in `components.examples`.

            ## Sound

            \(sound)

            ## Not read

            \(refused)

            """
        for use in Use.allCases {
            page += "\n## \(use.title)\n\n\(use.readBy)\n"
            if use == .questions { page += "\n\(ManifestFormat.references)\n" }
            for format in all where format.use == use {
                page += "\n### \(format.name): \(format.title)\n\n\(format.members)."
                if let route = format.route { page += " `POST \(route)`." }
                if let note = format.note { page += " \(note)" }
                page += "\n\n```\(format.isTable ? "csv" : "json")\n\(format.example)\n```\n"
                if let export = format.export { page += "\n```sh\n\(export)\n```\n" }
            }
        }
        return page
    }

    /// The text that the commands print.
    ///
    /// - Parameter uses: The uses whose formats are included.
    package static func text(_ uses: [Use]) -> String {
        func plain(_ text: String) -> String { text.replacing("`", with: "") }
        var lines = ["SOUND", "  " + plain(sound)]
        if uses.contains(.training) { lines += ["", "NOT READ", "  " + plain(refused)] }
        for use in uses {
            lines += ["", use.title.uppercased(), "  Read by: " + plain(use.readBy)]
            if use == .questions { lines.append("  " + ManifestFormat.references) }
            for format in all where format.use == use {
                lines += ["", "  \(format.name): \(format.title)", "    " + format.members]
                if let route = format.route { lines.append("    POST \(route)") }
                if let note = format.note { lines.append("    " + plain(note)) }
                lines += format.example.split(separator: "\n").map { "    " + $0 }
                if let export = format.export { lines.append("    made by: \(export)") }
            }
        }
        return lines.joined(separator: "\n")
    }

    /// What a command's `--help` says of the rows that it reads.
    package static func help(_ use: Use) -> String {
        let kinds = all.filter { $0.use == use }.map { "\($0.name): \($0.members)" }.joined(separator: "; ")
        let command = use == .questions || use == .typed ? "cord gap formats" : "cord data formats"
        return "\(use.title) are read by \(use.readBy.replacing("`", with: "")) Kinds, each shown by \(command) with an example: \(kinds)."
    }

    /// A route's description of the rows of its files.
    package static func told(_ use: Use) -> String {
        let kinds = all.filter { $0.use == use }.map { "`\($0.name)`: \($0.members)" }.joined(separator: "; ")
        return "\(use.title), read by \(use.readBy) Kinds, each with an example in components.examples: \(kinds)."
    }

    /// An entry of OpenAPI's `components.examples`.
    package var openAPI: JSONObject {
        let value = isTable ? nil : try? JSONValue(parsing: example)
        return [
            "summary": .string(title), "description": .string("\(use.title). \(members).\(note.map { " " + $0 } ?? "")"),
            "value": value ?? .string(example),
        ]
    }

    package var isTable: Bool { !example.hasPrefix("{") }
}
