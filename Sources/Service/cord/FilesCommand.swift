import API
import ArgumentParser
import Foundation
import Server

struct FilesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "files",
        abstract: "Files of a running server: training data, question sets, results of jobs.",
        discussion: """
            EXAMPLES
              cord files                                      the latest files
              cord files --purpose fine-tune-results          of jobs that have ended
              cord files upload spoken/                       a folder as an archive
              cord files upload set.zip --purpose evals       for cord gap add's route
              cord files download file-4m1x… -o metrics.csv   its bytes
              cord files delete file-4m1x…
            """,
        subcommands: [List.self, UploadFile.self, Show.self, Download.self, Delete.self], defaultSubcommand: List.self)

    private static let root = "/v1/files"

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The latest files, newest first.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Option(help: "Only those of this purpose: fine-tune, evals, user_data or fine-tune-results.") var purpose: String?
        @Option(help: "How many.") var limit = 20

        func run() async throws {
            let filter = purpose.map { "&purpose=\(RunningServer.escaped($0))" } ?? ""
            try await server.call("GET", "\(FilesCommand.root)?limit=\(limit)\(filter)", as: ListObject<FileObject>.self) { list in
                RunningServer.table(
                    [["ID", "PURPOSE", "NAME", "BYTES", "CREATED"]]
                        + list.data.map { [$0.id, $0.purpose, $0.filename, "\($0.bytes)", RunningServer.time($0.createdAt)] })
                if list.hasMore { print("… there are more; ask with --limit") }
            }
        }
    }

    struct UploadFile: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "upload", abstract: "Bring a file, or a folder as a tar archive.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "The file or folder.") var path: String
        @Option(help: "What it is for: fine-tune, evals or user_data.") var purpose = "fine-tune"

        func run() async throws {
            let form = try MultipartUpload(path).form(["purpose": purpose])
            try await server.call("POST", FilesCommand.root, body: form.body, type: form.type, show: FilesCommand.show)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "One file: its name, purpose, size and digest.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "The file's id.") var file: String

        func run() async throws { try await server.call("GET", FilesCommand.path(file), show: FilesCommand.show) }
    }

    struct Download: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Write a file's bytes.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "The file's id.") var file: String
        @Option(name: .shortAndLong, help: ArgumentHelp("Where to; - prints it. Without it, its own name here.", valueName: "file"))
        var output: String?
        @Flag(help: "Write over what is there.") var replace = false

        func run() async throws {
            let place: String
            if let output {
                place = output
            } else {
                let file = try WireDecoder.response(FileObject.self, from: try await server.bytes("GET", FilesCommand.path(file)))
                // The server's word leads nowhere but into this folder.
                place = URL(fileURLWithPath: file.filename).lastPathComponent
            }
            if place != "-", !replace, FileManager.default.fileExists(atPath: place) {
                throw ValidationError("\(place) exists; --replace writes over it, --output names another place.")
            }
            let bytes = try await server.bytes("GET", FilesCommand.path(file) + "/content")
            if place == "-" { return try Terminal.emit(bytes) }
            try bytes.write(to: URL(fileURLWithPath: place), options: .atomic)
            print("\(place): \(bytes.count) bytes")
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete a file that nothing needs any more.")
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "The file's id.") var file: String

        func run() async throws {
            try await server.call("DELETE", FilesCommand.path(file), as: DeletedObject.self) { print("\($0.id) is deleted.") }
        }
    }

    private static func path(_ file: String) -> String { "\(root)/\(RunningServer.escaped(file))" }

    private static func show(_ file: FileObject) {
        print("\(file.id): \(file.filename), \(file.bytes) bytes, for \(file.purpose)")
        if let sha256 = file.sha256 { print("sha256: \(sha256)") }
    }
}
