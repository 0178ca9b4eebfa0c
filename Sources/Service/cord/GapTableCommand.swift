import ArgumentParser
import Evaluation
import Foundation

extension Gap {
    struct Table: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "table", abstract: "The table of a paper: methods × benchmarks over seeds, against a base.",
            discussion: """
                Each REPORT is METHOD=PLACE: a report.json, a folder that cord eval --output wrote, a folder of such folders, or the id of a \
                report of a running server. Reports of one method on one benchmark are its seeds. Changes are paired by item with the base, \
                with intervals over questions and over seeds and questions; p-values are adjusted by Holm over all methods and benchmarks.

                EXAMPLES
                  cord gap table base=results/base CORD=results/cord-0 CORD=results/cord-1
                  cord gap table base=results/base CORD=results/cord OPD=results/opd
                  cord gap table base=results/base CORD=results/cord --format latex
                """)

        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: ArgumentHelp("METHOD=PLACE, several.", valueName: "report")) var places: [String]
        @Option(help: ArgumentHelp("The method that others are held against. Without it, the first.", valueName: "method")) var base: String?
        @Option(help: "What is printed: md, csv, latex or json.") var format: GapTableFormat = .md

        func run() async throws {
            var entries: [GapTable.Entry] = []
            var seen: Set<String> = []
            for place in places {
                // Names may hold the sign, as in "CORD, K = 5".
                guard let sign = place.lastIndex(of: "="), sign != place.startIndex, place.index(after: sign) != place.endIndex else {
                    throw ValidationError("expected METHOD=PLACE, found \"\(place)\".")
                }
                let method = place[..<sign].trimmingCharacters(in: .whitespaces)
                for report in try Self.reports(String(place[place.index(after: sign)...])) {
                    guard seen.insert(report).inserted else { throw ValidationError("\(report) is named twice.") }
                    entries.append(GapTable.Entry(method: method, report: try await Gap.report(report, server)))
                }
            }
            let table = try GapTable(entries, base: base ?? entries[0].method)
            switch server.json ? .json : format {
            case .md: print(table.markdown(), terminator: "")
            case .csv: print(table.csv(), terminator: "")
            case .latex: print(table.latex(), terminator: "")
            case .json: print(String(decoding: try table.json(), as: UTF8.self))
            }
        }

        /// The report at a place, or those in the folders of a folder.
        private static func reports(_ place: String) throws -> [String] {
            let url = URL(filePath: place)
            let files = FileManager.default
            let isFolder = (try? url.resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory == true
            guard isFolder, !files.fileExists(atPath: url.appending(path: "report.json").path) else { return [place] }
            let found = (files.enumerator(at: url, includingPropertiesForKeys: nil)?.compactMap { ($0 as? URL)?.path } ?? [])
                .filter { $0.hasSuffix("/report.json") }.sorted()
            if found.isEmpty { throw ValidationError("\(place): the folder holds no report.json, nor do its folders.") }
            return found
        }
    }
}

/// The forms of a table.
enum GapTableFormat: String, ExpressibleByArgument, CaseIterable { case md, csv, latex, json }
