import ArgumentParser
import Foundation
import Jobs
import Workshop

struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data",
        abstract: "The data folder: check it, back it up, restore it; and how data is written.",
        discussion: """
            A backup is a folder with the same names as the data folder. It may be taken while a server runs: everything that was \
            acknowledged before it began is in it. Copying the data folder by other means needs a server that is stopped.

            EXAMPLES
              cord data check                               is all of it there?
              cord data backup --output /backup/cord        again: only what is new
              cord data check --data /backup/cord           is the backup whole?
              cord data restore --from /backup/cord --data ~/restored
              cord data restore --from /backup/cord --replace   sets aside what is
              cord data formats                             every kind of row
            """,
        subcommands: [Check.self, Backup.self, Restore.self, Formats.self])

    struct Folder: ParsableArguments {
        @Option(help: ArgumentHelp("The data folder. Without it, $XDG_DATA_HOME/cord or ~/.local/share/cord.", valueName: "dir"))
        var data: String?

        var url: URL { data.map { URL(fileURLWithPath: $0, isDirectory: true) } ?? DataFolder.standard }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read all of a data folder, or of a backup, and say what is lost.",
            discussion: """
                Holds every stored content against its SHA-256, the database against itself, and reports against their digests. Changes \
                nothing, and works beside a running server. Exits with 1 where something is damaged or missing, or nothing was ever stored.
                """)
        @OptionGroup var folder: Folder

        func run() throws {
            guard FileManager.default.fileExists(atPath: folder.url.path) else {
                throw DataFolderError.absent(path: folder.url.path)
            }
            let bar = ProgressBar("MiB")
            let check = try Store.check(folder.url) { bar.show($0 >> 20, of: $1 >> 20) }
            bar.end()
            for note in check.notes { print(note) }
            print("\(check.whole) contents are whole; \(size(check.bytes)) were read")
            guard !check.losses.isEmpty else { return print("nothing is lost") }
            for loss in check.losses { print("LOST \(loss)") }
            print(
                """
                \(check.losses.count) losses. A version that is not whole is left by cord versions rollback or promote, and deleted by cord \
                versions delete; a file may be uploaded once more, which mends it; everything else is in a backup or lost.
                """)
            throw ExitCode.failure
        }
    }

    struct Backup: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copy a data folder, also while a server runs.",
            discussion: "Exits with 1 where something was damaged or missing already; the backup holds everything else.")
        @OptionGroup var folder: Folder
        @Option(
            name: .shortAndLong,
            help: ArgumentHelp("Where to: a new folder, or one with an earlier backup, which then follows.", valueName: "dir"))
        var output: String

        func run() throws {
            let output = URL(fileURLWithPath: output, isDirectory: true)
            let bar = ProgressBar("MiB")
            let outcome = try StoreBackup.make(of: folder.url, in: output) { bar.show($0 >> 20, of: $1 >> 20) }
            bar.end()
            print(
                "\(output.path): \(outcome.copied) contents copied (\(size(outcome.bytes))), \(outcome.kept) were there already")
            try tell(outcome.losses)
        }
    }

    struct Restore: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Bring a backup back, while no server runs on the folder.",
            discussion: "Nothing is destroyed: what the folder holds is moved into its set-aside folder.")
        @OptionGroup var folder: Folder
        @Option(help: ArgumentHelp("The backup.", valueName: "dir")) var from: String
        @Flag(help: "Set aside what the folder holds.") var replace = false

        func run() throws {
            let lock = try DataFolder(folder.url)
            let bar = ProgressBar("MiB")
            let outcome = try StoreBackup.restore(URL(fileURLWithPath: from, isDirectory: true), to: lock.url, replacing: replace) {
                bar.show($0 >> 20, of: $1 >> 20)
            }
            bar.end()
            print(
                "\(lock.url.path): \(outcome.copied) contents restored (\(size(outcome.bytes))), \(outcome.kept) were there already"
            )
            for line in outcome.settlement?.warnings ?? [] { print(line) }
            try tell(outcome.losses)
        }
    }

    struct Formats: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Every kind of row and message that is read: training, question sets, requests, batches, rewards.",
            discussion: "Each example is accepted as it stands. /openapi.json of a server has them, too.")
        @Flag(help: "Print them as a page of Markdown.") var markdown = false

        func run() {
            if markdown { print(RowFormat.page(), terminator: "") } else { print(RowFormat.text(RowFormat.Use.allCases)) }
        }
    }

    private static func tell(_ losses: [String]) throws {
        for loss in losses { print("LOST \(loss)") }
        if !losses.isEmpty { throw ExitCode.failure }
    }

    private static func size(_ bytes: Int) -> String { String(format: "%.1f MiB", Double(bytes) / Double(1 << 20)) }
}
