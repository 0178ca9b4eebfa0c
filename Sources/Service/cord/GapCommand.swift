import CordBench
import API
import ArgumentParser
import Evaluation
import Foundation
import Server
import Workshop

struct Gap: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gap", abstract: "Gap reports: of a running server, or of files that cord eval wrote.",
        discussion: """
            EXAMPLES
              cord gap                                        the server's latest reports
              cord gap run --benchmark cord-bench-1           measure what is in force
              cord gap add spoken/ --name mine                a question set of your own
              cord gap show gaprep_4m1x… --format html        a report as a page
              cord gap compare gaprep_4m1x… gaprep_9kq2…      what changed
              cord gap compare results/base results/candidate   without a server
              cord gap table base=results/base CORD=results/cord   a paper's table
              cord gap formats                                which sets are read
            """,
        subcommands: [List.self, Add.self, Run.self, Runs.self, Show.self, Cancel.self, Compare.self, Table.self, Formats.self],
        defaultSubcommand: List.self)

    private static let reports = "/v1/gap/reports"
    private static let runs = "/v1/gap/runs"

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The latest reports of a running server, newest first.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Option(help: "How many.") var limit = 20

        func run() async throws {
            try await server.call("GET", "\(Gap.reports)?limit=\(limit)", as: ListObject<GapReportSummary>.self) { list in
                RunningServer.table(
                    [["ID", "VERSION", "BENCHMARK", "N", "TEXT", "AUDIO", "GAP", "CREATED"]]
                        + list.data.map { report in
                            [
                                report.id, report.weightVersion, report.benchmark, "\(report.n)",
                                Gap.percent(report.accuracy["text"]),
                                Gap.percent(report.accuracy["audio"]),
                                report.gap.map { String(format: "%+.1f", $0) } ?? "not measured",
                                RunningServer.time(report.createdAt),
                            ]
                        })
                if list.hasMore { print("… there are more; ask with --limit") }
            }
        }
    }

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Measure a model of a running server and print the report.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Option(help: "The model, or a version of it. Without it, the server's first.") var model: String?
        @Option(help: "A question set of the server.") var benchmark = CordBench.standard.rawValue
        @Option(help: "Ask the first so many items of the seeded order.") var limit: Int?
        @Option(help: "Draws the order, and what is sampled.") var seed = 0
        @Option(help: ArgumentHelp("text, audio, transcript, no_audio and shuffled_audio, separated by commas.", valueName: "arms"))
        var arms = "text,audio"
        @Flag(help: "Print the run's id at once instead of waiting for the report.") var noWait = false

        func run() async throws {
            let wanted = try arms.split(separator: ",").map { name in
                guard let arm = GapArm(rawValue: String(name)) else {
                    throw ValidationError("--arms: expected text, audio, transcript, no_audio or shuffled_audio, found \(name).")
                }
                return arm
            }
            var request = GapRunRequest(model: try await server.model(model), benchmark: benchmark, limit: limit)
            request.seed = seed
            request.arms = wanted
            var run = try WireDecoder.response(
                GapRun.self, from: try await server.bytes("POST", Gap.runs, body: try WireEncoder.encode(request)))
            if noWait { return print(run.id) }
            let bar = ProgressBar("answers")
            defer { bar.end() }
            while [.queued, .running, .paused].contains(run.status) {
                bar.show(run.progress.done, of: run.progress.total)
                try await Task.sleep(for: .milliseconds(500))
                run = try WireDecoder.response(GapRun.self, from: try await server.bytes("GET", Gap.path(Gap.runs, run.id)))
            }
            bar.end()
            guard let report = run.reportId else {
                throw ServerRefusal(
                    description: "The run \(run.id) \(run.status.rawValue)\(run.error.map { ": \($0.message)" } ?? "").")
            }
            try await Gap.show(report, server.json ? .json : .md, server)
        }
    }

    struct Runs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The latest measurements of a running server, also those under way.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Option(help: "How many.") var limit = 20

        func run() async throws {
            try await server.call("GET", "\(Gap.runs)?limit=\(limit)", as: ListObject<GapRun>.self) { list in
                RunningServer.table(
                    [["ID", "STATUS", "VERSION", "BENCHMARK", "DONE", "REPORT", "CREATED"]]
                        + list.data.map { run in
                            [
                                run.id, run.status.rawValue, run.weightVersion ?? "", run.benchmark,
                                "\(run.progress.done)/\(run.progress.total)",
                                run.reportId ?? "", RunningServer.time(run.createdAt),
                            ]
                        })
                if list.hasMore { print("… there are more; ask with --limit") }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "One report of a running server.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "The report's id.") var report: String
        @Option(help: "md, json, csv or html.") var format: ReportFormat = .md

        func run() async throws { try await Gap.show(report, server.json ? .json : format, server) }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a measurement now.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: ArgumentHelp("The run's id.", valueName: "run")) var id: String

        func run() async throws {
            try await server.call("POST", Gap.path(Gap.runs, id) + "/cancel", body: Data("{}".utf8), as: GapRun.self) {
                print("\($0.id): \($0.status.rawValue)")
            }
        }
    }

    struct Compare: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What a candidate changed against its base, both measured on one question set.",
            discussion: """
                Each of BASE and CANDIDATE is a report.json, a folder that cord eval --output wrote, or the id of a report of a running server.
                """)

        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: ArgumentHelp("The report before.", valueName: "base")) var base: String
        @Argument(help: ArgumentHelp("The report after.", valueName: "candidate")) var candidate: String
        @Option(help: "What is printed: md, json or html.") var format: ComparisonFormat = .md

        func run() async throws {
            let (before, after) = (try await report(base), try await report(candidate))
            let comparison = try GapComparison(base: before, candidate: after)
            switch server.json ? .json : format {
            case .md: print(comparison.markdown(), terminator: "")
            case .json: print(String(decoding: try comparison.json(), as: UTF8.self))
            case .html:
                // Clips that travel in the program are heard in the page; others lie wherever their set does.
                let set = try? CordBench(rawValue: comparison.benchmark)?.questionSet()
                let clips: (ItemResult) -> String? = try set?.embeddedClips(of: comparison.changed(before)) ?? { _ in nil }
                print(comparison.html(base: before, candidate: after, clip: clips), terminator: "")
            }
        }

        private func report(_ place: String) async throws -> GapReport { try await Gap.report(place, server) }
    }

    struct Formats: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Which question sets are read: an example of each, and the one line that exports it.")

        func run() async throws {
            print(RowFormat.text([.questions, .typed]))
            print("\nA folder of one of them is measured with: cord eval --benchmark FOLDER --output results/")
            print("Training rows and everything else: cord data formats")
        }
    }

    /// A report.json, a folder that cord eval wrote, or a report of a running server by its id.
    static func report(_ place: String, _ server: RunningServer) async throws -> GapReport {
        guard place.hasPrefix("gaprep_"), !FileManager.default.fileExists(atPath: place) else { return try ReportFolder.read(place) }
        return try GapReport(json: try await server.bytes("GET", Gap.path(Gap.reports, place)))
    }

    private static func path(_ root: String, _ id: String) -> String { "\(root)/\(RunningServer.escaped(id))" }

    private static func show(_ report: String, _ format: ReportFormat, _ server: RunningServer) async throws {
        let text = String(
            decoding: try await server.bytes("GET", path(reports, report) + "?format=\(format.rawValue)"), as: UTF8.self)
        print(text, terminator: text.hasSuffix("\n") ? "" : "\n")
    }

    private static func percent(_ accuracy: Double?) -> String { accuracy.map { String(format: "%.1f %%", 100 * $0) } ?? "" }
}

/// The forms of a comparison.
enum ComparisonFormat: String, ExpressibleByArgument, CaseIterable { case md, json, html }
