import ArgumentParser
import Foundation
import Jobs
import Workshop

/// A data folder that no server has, for commands that otherwise ask a running one.
struct StoppedServer: ParsableArguments {
    @Option(help: ArgumentHelp("Work on this data folder while no server runs, instead of asking one.", valueName: "dir"))
    var data: String?

    @Option(help: ArgumentHelp("The model, where the folder has versions of several.", valueName: "name"))
    var base: String?

    var folder: URL? { data.map { URL(fileURLWithPath: $0, isDirectory: true) } }

    /// The model whose versions are meant.
    func base(in store: Store) throws -> String {
        let known = try store.promotedBases()
        if let base {
            guard known.contains(base) else {
                throw ValidationError(
                    "--base: no version of \(base) was ever in force here; of \(known.joined(separator: ", ")) were.")
            }
            return base
        }
        guard let only = known.first else { throw ValidationError("No version was ever in force here: the base weights answer.") }
        guard known.count == 1 else { throw ValidationError("--base: expected one of \(known.joined(separator: ", ")).") }
        return only
    }

    /// Goes back to what was in force before, and says from what to what.
    func rollBack(in folder: URL) throws {
        let lock = try DataFolder(folder, existing: true)
        let store = try Store(folder: lock.url)
        let base = try base(in: store)
        let change = try store.rollBack(base: base)
        print(
            "\(try name(change.versionID, in: store)) is in force for \(base); before it was \(try name(change.previousVersionID, in: store))."
        )
        if let id = change.versionID {
            let version = try store.version(id)
            do { _ = try store.contents.verified(version.hash, as: "the weight version \(version.name)") } catch {
                print("\(error) Roll back once more.")
                throw ExitCode.failure
            }
        }
        try store.close()
    }

    /// The latest versions, newest first; also beside a running server.
    func list(in folder: URL, limit: Int) throws {
        let store = try Store(reading: folder)
        let inForce = try Set(store.promotedBases().compactMap { try store.promotion(base: $0)?.versionID })
        let page = try store.versions(limit: limit)
        RunningServer.table(
            [["", "ID", "NAME", "KIND", "STEP", "PARENT", "CREATED"]]
                + page.elements.map {
                    [
                        inForce.contains($0.id) ? "*" : "", $0.id, $0.name, $0.kind, $0.step.map(String.init) ?? "",
                        $0.parentID ?? "base",
                        RunningServer.time(Int($0.createdAt.timeIntervalSince1970)),
                    ]
                })
        if page.hasMore { print("… there are more; ask with --limit") }
    }

    private func name(_ id: String?, in store: Store) throws -> String {
        guard let id else { return "base" }
        do { return "\(try store.version(id).name) (\(id))" } catch StoreError.notFound { return id }
    }
}
