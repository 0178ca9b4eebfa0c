import Archives
package import Foundation
package import Jobs

/// Clients' operations on weight versions and files, by name. All of them block on the disk.
extension Workshop {
    /// Puts a version in force.
    ///
    /// - Throws: Why the version does not exist or cannot be read. A damaged version never comes in force.
    package func promote(_ name: String) throws -> PromotionRecord {
        guard let record = try versions.record(name) else {
            throw WorkshopError(.conflict, "The base weights are no version; POST /v1/weights/rollback leads back to them.")
        }
        _ = try versions.version(record)
        return try versions.change { try $0.promote(record.id, reason: "promoted by request") }
    }

    /// Puts the previous version back in force.
    package func rollBack() throws -> PromotionRecord { try versions.change { try $0.rollBack(base: versions.baseName) } }

    /// - Throws: ``WorkshopError/Kind/versionInUse`` if an unfinished job or run needs it; `StoreError`.
    package func deleteVersion(_ idOrName: String) throws -> WeightVersionRecord {
        let record = try store.version(idOrName)
        if versions.isLoaded(record) {
            throw WorkshopError(.conflict, "\"\(record.name)\" is an adapter that this server loads at its start; it stays among the versions.")
        }
        if let job = try store.openJob(using: record) {
            throw WorkshopError(
                .versionInUse,
                "The weight version \(record.name) is needed by \(job), which has not ended. Cancel that first, or wait for it.")
        }
        try versions.delete(record)
        return record
    }

    /// Deletes the stored version behind a model's name.
    ///
    /// - Throws: ``WorkshopError/Kind/conflict`` for the base and for adapters outside the store; otherwise as ``deleteVersion(_:)``.
    package func deleteModel(_ name: String) throws {
        let isStored = (try? store.version(name)) != nil
        if !isStored, runtime.versions.registered(name) != nil {
            throw WorkshopError(
                .conflict,
                "\"\(name)\" is no tuned version: the base model stays, and an adapter goes with POST /v1/unload_lora_adapter.")
        }
        _ = try deleteVersion(name)
    }

    /// - Throws: ``WorkshopError/Kind/fileInUse`` if an unfinished job reads it; `StoreError`.
    package func deleteFile(_ id: String) throws {
        if let job = try job(using: id) {
            throw WorkshopError(
                .fileInUse, "The file \(id) belongs to the job \(job), which has not ended. Cancel the job first, or wait for it.")
        }
        try store.deleteFile(id: id)
    }

    /// Deletes expired files, which lookups no longer find, unless a job still reads them.
    package func removeExpiredFiles() throws {
        for id in try store.expiredFiles() where try job(using: id) == nil { try store.deleteFile(id: id) }
    }

    private func job(using file: String) throws -> String? { try fineTuning.job(using: file) ?? batches.job(using: file) }

    /// A version's folder as a tar archive, open for reading. It is deleted when the handle closes.
    ///
    /// - Parameters:
    ///   - name: The name of the folder in the archive.
    ///   - check: Called repeatedly; an error that it throws ends the packing.
    package func packed(_ record: WeightVersionRecord, under name: String, check: () throws -> Void) throws -> FileHandle {
        let archive = store.folder.appending(path: "temporary/\(UUID().uuidString).tar")
        defer { try? FileManager.default.removeItem(at: archive) }
        let files = try store.contents.verified(record.hash, as: "the weight version \(record.name)")
        try ArchiveWriter.tar(files, under: name, to: archive, check: check)
        return try FileHandle(forReadingFrom: archive)
    }
}

extension Store {
    /// The unfinished job, gap run or batch that needs the version.
    func openJob(using version: WeightVersionRecord) throws -> String? {
        let kinds: [(String, (Job) throws -> [String?])] = [
            (FineTuning.kind, FineTuning.versions), (Measuring.kind, Measuring.versions), (Batches.kind, Batches.versions),
        ]
        for (kind, versions) in kinds {
            let found = try openJobs(kind: kind).first { job in
                let needed = try versions(job)
                return needed.contains(version.id) || needed.contains(version.name)
            }
            if let found { return found.id }
        }
        return nil
    }
}
