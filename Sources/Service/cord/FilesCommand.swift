import API
import ArgumentParser
import Foundation

struct FilesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "files", abstract: "Files of a running server: training data, question sets, results of jobs.",
        discussion: """
            EXAMPLES
              cord files                             the latest files
              cord files upload spoken/              a folder of clips, as a tar archive
              cord files download file-8Qk3…         its bytes, under its own name
              cord files delete file-8Qk3…
            """,
        subcommands: [List.self, Upload.self, Download.self, Delete.self], defaultSubcommand: List.self)

    private static let root = "/v1/files"

    private static func path(_ file: String) -> String { "\(root)/\(RunningServer.escaped(file))" }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The latest files, newest first.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Option(help: "How many.") var limit = 20
        @Option(help: "Only those for fine-tune, evals or user_data, or the fine-tune-results of jobs.") var purpose: String?

        func run() async throws {
            let only = purpose.map { "&purpose=\(RunningServer.escaped($0))" } ?? ""
            try await server.call("GET", "\(FilesCommand.root)?limit=\(limit)\(only)", as: ListObject<FileObject>.self) { list in
                RunningServer.table(
                    [["ID", "NAME", "PURPOSE", "BYTES", "CREATED"]]
                        + list.data.map { [$0.id, $0.filename, $0.purpose, "\($0.bytes)", RunningServer.time($0.createdAt)] })
                if list.hasMore { print("… there are more; ask with --limit") }
            }
        }
    }

    struct Upload: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Upload a file, or a folder as a tar archive.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "A file or a folder.") var path: String
        @Option(help: "fine-tune, evals or user_data.") var purpose = "fine-tune"

        func run() async throws {
            let form = try LocalFile(path).form(["purpose": purpose])
            try await server.call("POST", FilesCommand.root, body: form.body, type: form.type, as: FileObject.self) { print($0.id) }
        }
    }

    struct Download: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Write a file's bytes.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "The file's id.") var file: String
        @Option(name: .shortAndLong, help: ArgumentHelp("Where to. Without it, under its own name here.", valueName: "file")) var output: String?

        func run() async throws {
            let place = if let output { URL(fileURLWithPath: output) } else { try await ownPlace() }
            let bytes = try await server.bytes("GET", FilesCommand.path(file) + "/content")
            try bytes.write(to: place, options: .atomic)
            print("\(output ?? place.lastPathComponent): \(bytes.count) bytes")
        }

        /// What a server names never replaces what lies here.
        private func ownPlace() async throws -> URL {
            let file = try WireDecoder.response(FileObject.self, from: try await server.bytes("GET", FilesCommand.path(file)))
            let place = URL(fileURLWithPath: URL(fileURLWithPath: file.filename).lastPathComponent)
            guard !FileManager.default.fileExists(atPath: place.path) else {
                throw ValidationError("\(place.lastPathComponent) exists: name another place with --output.")
            }
            return place
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete a file.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "The file's id.") var file: String

        func run() async throws {
            try await server.call("DELETE", FilesCommand.path(file), as: DeletedObject.self) { print("\($0.id) is deleted.") }
        }
    }
}
