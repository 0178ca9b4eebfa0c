import API
import ArgumentParser
import Foundation
import Server

struct Versions: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Weight versions of a running server: which there are, which is in force.",
        discussion: """
            EXAMPLES
              cord versions                        the latest versions
              cord versions promote ver_4m1x…      let the base's name answer with it
              cord versions rollback               go back to what was in force before
              cord versions rollback --data DIR    the same while no server runs
              cord versions download ver_4m1x…     its PEFT directory as a tar archive
              cord versions upload my-lora/        keep an adapter that Python's peft made
            """,
        subcommands: [List.self, Promote.self, Rollback.self, Delete.self, Download.self, Upload.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The latest versions, newest first.")
        @OptionGroup(title: "Server") var server: RunningServer
        @OptionGroup(title: "Without a server") var stopped: StoppedServer
        @Option(help: "How many.") var limit = 20

        func run() async throws {
            if let folder = stopped.folder { return try stopped.list(in: folder, limit: limit) }
            try await server.call("GET", "/v1/weights/versions?limit=\(limit)", as: ListObject<VersionObject>.self) { list in
                RunningServer.table(
                    [["", "ID", "NAME", "KIND", "STEP", "PARENT", "CREATED"]]
                        + list.data.map {
                            [
                                $0.promoted ? "*" : "", $0.id, $0.name, $0.kind.rawValue, $0.step.map(String.init) ?? "", $0.parent ?? "base",
                                RunningServer.time($0.createdAt),
                            ]
                        })
                if list.hasMore { print("… there are more; ask with --limit") }
            }
        }
    }

    struct Promote: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let the base's name answer with a version.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "The version's id or name.") var version: String

        func run() async throws {
            try await server.call(
                "POST", "/v1/weights/versions/\(RunningServer.escaped(version))/promote", body: Data("{}".utf8), show: Versions.show)
        }
    }

    struct Rollback: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Go back to what was in force before.")
        @OptionGroup(title: "Server") var server: RunningServer
        @OptionGroup(title: "Without a server") var stopped: StoppedServer

        func run() async throws {
            if let folder = stopped.folder { return try stopped.rollBack(in: folder) }
            try await server.call("POST", "/v1/weights/rollback", body: Data("{}".utf8), show: Versions.show)
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete a version that is not in force.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "The version's id or name.") var version: String

        func run() async throws {
            try await server.call("DELETE", "/v1/weights/versions/\(RunningServer.escaped(version))", as: DeletedObject.self) {
                print("\($0.id) is deleted.")
            }
        }
    }

    struct Download: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Write a version's files as a tar archive.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "The version's id or name.") var version: String
        @Option(name: .shortAndLong, help: ArgumentHelp("Where to. Without it, VERSION.tar here.", valueName: "file")) var output: String?

        func run() async throws {
            let archive = try await server.bytes("GET", "/v1/weights/versions/\(RunningServer.escaped(version))/download")
            let place = output ?? RunningServer.escaped(version) + ".tar"
            try archive.write(to: URL(fileURLWithPath: place), options: .atomic)
            print("\(place): \(archive.count) bytes")
        }
    }

    struct Upload: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Keep a PEFT directory as a new version.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "A PEFT directory, or an archive of one.") var path: String
        @Option(help: "What the version is called. Without it, a name of its own.") var name: String?

        func run() async throws {
            let form = try MultipartUpload(path).form(name.map { ["name": $0] } ?? [:])
            try await server.call("POST", "/v1/weights/versions", body: form.body, type: form.type, as: VersionObject.self) {
                print("\($0.name) is kept as \($0.id).")
            }
        }
    }

    private static func show(_ promotion: Promotion) {
        print("\(promotion.weightVersion) is in force; before it was \(promotion.previous ?? "base").")
    }
}
