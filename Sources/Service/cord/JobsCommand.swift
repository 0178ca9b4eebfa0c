import API
import ArgumentParser
import Foundation
import Server

struct Jobs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fine-tuning jobs of a running server.",
        discussion: """
            EXAMPLES
              cord jobs                                       the latest jobs
              cord jobs create spoken/ --suffix mine          CORD on what cord speak wrote
              cord jobs create pairs.jsonl --follow           on a file, with a bar
              cord jobs events ftjob-0c7h… --follow           what happens
              cord jobs cancel ftjob-0c7h…
            """,
        subcommands: [List.self, Create.self, Show.self, Events.self, Cancel.self, Pause.self, Resume.self],
        defaultSubcommand: List.self)

    static let root = "/v1/fine_tuning/jobs"

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The latest jobs, newest first.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Option(help: "How many.") var limit = 20

        func run() async throws {
            try await server.call("GET", "\(Jobs.root)?limit=\(limit)", as: ListObject<FineTuningJob>.self) { list in
                RunningServer.table(
                    [["ID", "STATUS", "METHOD", "STEP", "VERSION", "CREATED"]]
                        + list.data.map { job in
                            [
                                job.id, Jobs.status(job), job.method.type.rawValue, "\(job.cord.step)/\(job.cord.totalSteps)",
                                job.fineTunedModel ?? "", RunningServer.time(job.createdAt),
                            ]
                        })
                if list.hasMore { print("… there are more; ask with --limit") }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "One job.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "The job's id.") var job: String

        func run() async throws { try await server.call("GET", Jobs.path(job), show: Jobs.show) }
    }

    struct Events: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What a job did, oldest first.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "The job's id.") var job: String
        @Flag(help: "Wait for more until the job ends.") var follow = false

        func run() async throws {
            var after = ""
            while true {
                // Asked for first: what happens between the two answers is still told.
                let status = try WireDecoder.response(FineTuningJob.self, from: try await server.bytes("GET", Jobs.path(job))).status
                let page = try WireDecoder.response(
                    ListObject<FineTuningEvent>.self,
                    from: try await server.bytes("GET", Jobs.path(job) + "/events?order=asc&limit=1000\(after.isEmpty ? "" : "&after=\(after)")"))
                let lines = page.data.map { "\(RunningServer.time($0.createdAt))  \($0.level)  \($0.message)\n" }.joined()
                try Terminal.emit(lines)
                after = page.data.last?.id ?? after
                if page.hasMore { continue }
                if !follow || [.succeeded, .failed, .cancelled].contains(status) { return }
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a job now.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "The job's id.") var job: String

        func run() async throws { try await server.call("POST", Jobs.path(job) + "/cancel", body: Data("{}".utf8), show: Jobs.show) }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a job wait; it goes on from where it was.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "The job's id.") var job: String

        func run() async throws { try await server.call("POST", Jobs.path(job) + "/pause", body: Data("{}".utf8), show: Jobs.show) }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a paused job go on.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "The job's id.") var job: String

        func run() async throws { try await server.call("POST", Jobs.path(job) + "/resume", body: Data("{}".utf8), show: Jobs.show) }
    }

    static func path(_ job: String) -> String { "\(root)/\(RunningServer.escaped(job))" }

    private static func status(_ job: FineTuningJob) -> String { job.cord.paused ? "paused" : job.status.rawValue }

    static func show(_ job: FineTuningJob) {
        print("\(job.id): \(status(job)), step \(job.cord.step) of \(job.cord.totalSteps)")
        if let version = job.fineTunedModel { print("version: \(version)") }
        if let error = job.error { print("error: \(error.message)") }
        if let reason = job.cord.reason { print("\(job.cord.promoted == true ? "promoted" : "not promoted"): \(reason)") }
    }
}
