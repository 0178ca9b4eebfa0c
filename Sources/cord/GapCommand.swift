import ArgumentParser
import Evaluation
import Foundation

struct Gap: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gap", abstract: "Work with gap reports.", subcommands: [Compare.self])

    struct Compare: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What a candidate changed against its base, both measured on one question set.",
            discussion: "Each of BASE and CANDIDATE is a report.json, or a folder that cord eval --output wrote.")

        @Argument(help: ArgumentHelp("The report before.", valueName: "base")) var base: String
        @Argument(help: ArgumentHelp("The report after.", valueName: "candidate")) var candidate: String
        @Flag(help: "Print JSON instead of Markdown.") var json = false

        func run() async throws {
            let comparison = try GapComparison(base: try ReportFolder.read(base), candidate: try ReportFolder.read(candidate))
            print(json ? String(decoding: try comparison.json(), as: UTF8.self) + "\n" : comparison.markdown(), terminator: "")
        }
    }
}
