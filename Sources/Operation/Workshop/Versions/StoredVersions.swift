import Foundation
import Generation
package import Jobs
import Models
import Synchronization

/// The weight versions of the store, served by name or id. They are loaded on first use, and the last few stay in memory.
///
/// The store records what the base's name stands for; the registry's pointer follows it under one lock, so that both agree. If the version in force
/// cannot be read, the base weights answer to the name and the server is degraded.
package final class StoredVersions: Sendable {
    private let store: Store
    private let engine: Engine
    private let registry: VersionRegistry
    private let loaded = Mutex(Loaded())
    private let condition: Condition
    /// Guards the pointer. Holds the reason if the version in force is not served.
    private let pointer = Mutex<Problem?>(nil)

    package struct Problem: Sendable {
        /// A sentence for the condition, without anything that varies.
        package let reason: String
        package let cause: any Error
    }

    /// Versions in memory, the most recently used last.
    private struct Loaded {
        /// The number of versions kept in memory beside the one in force.
        static let kept = 8
        var versions: [WeightVersion] = []
        /// Requests for the base's name do not pass through here, so this version would look unused.
        var inForce: String?

        mutating func used(_ id: String) -> WeightVersion? {
            guard let place = versions.firstIndex(where: { $0.id == id }) else { return nil }
            let version = versions.remove(at: place)
            versions.append(version)
            return version
        }

        /// - Returns: The ids of the versions that were evicted.
        mutating func add(_ version: WeightVersion) -> [String] {
            versions.append(version)
            let others = versions.map(\.id).filter { $0 != inForce }
            let old = Set(others.dropLast(Self.kept))
            versions.removeAll { old.contains($0.id) }
            return Array(old)
        }
    }

    init(store: Store, runtime: Runtime, condition: Condition) throws {
        self.store = store
        self.condition = condition
        engine = runtime.engine
        registry = runtime.versions
        registry.answer { [weak self] name in try self?.entry(name) }
        // A damaged version must not stop the server from answering. The condition keeps the reason.
        try pointer.withLock { problem in
            do { try follow(&problem) } catch  where problem != nil { return }
        }
    }

    /// Why the version in force is not served; nil if it is.
    package var problem: Problem? { pointer.withLock { $0 } }

    package var baseName: String { registry.baseName }

    /// The stored version behind a model's name; nil for the base weights.
    ///
    /// - Throws: ``WorkshopError`` for an unknown name and for an adapter that is only in memory; the cause if the version in force cannot be read.
    package func record(_ model: String?) throws -> WeightVersionRecord? {
        let name = model ?? baseName
        if name == registry.pinnedBaseName { return nil }
        if name == baseName {
            // Training never continues from a version that cannot be served.
            if let problem { throw problem.cause }
            return try store.promotion(base: baseName)?.versionID.map { try store.version($0) }
        }
        do {
            // An adapter in memory takes precedence over a stored version of the same name.
            return try checked(try store.version(adapter(name) ?? name))
        } catch StoreError.notFound {
            _ = try registry.entry(name)
            throw WorkshopError(
                .unstoredAdapter,
                "\"\(name)\" is an adapter that was loaded from a folder; training starts at \"\(baseName)\" or at a stored version.",
                at: "model")
        }
    }

    /// The versions of this base that jobs made or clients uploaded, newest first. Versions of single steps and checkpoints are many; only the list
    /// of weights has them.
    package func tuned() throws -> [WeightVersionRecord] {
        var found: [WeightVersionRecord] = []
        var after: String?
        while true {
            let page = try store.versions(after: after, limit: 1000)
            found += page.elements.filter {
                $0.base == baseName && !JobProgress.isCheckpoint($0) && ($0.name.hasPrefix("ft:") || $0.step == nil) && !isLoaded($0)
            }
            guard page.hasMore, let last = page.elements.last else { return found }
            after = last.id
        }
    }

    /// Stores an adapter in memory as a version under its own id, unless that exists. Blocks.
    ///
    /// - Throws: `StoreError`.
    func keep(adapter name: String) throws {
        guard let version = registry.registered(name)?.version, try !has(version.id) else { return }
        let content = try VersionFiles.store(version, of: engine.model, in: store.contents)
        // An earlier release of the adapter may have the name; it keeps it.
        let free = try has(name) ? version.id : name
        _ = try store.addVersion(NewVersion(id: version.id, name: free, base: baseName, content: content))
    }

    private func has(_ idOrName: String) throws -> Bool {
        do { _ = try store.version(idOrName) } catch StoreError.notFound { return false }
        return true
    }

    /// Whether the version is an adapter in memory.
    func isLoaded(_ record: WeightVersionRecord) -> Bool { registry.adapters.contains { $0.version?.id == record.id } }

    /// The version id of an adapter in memory.
    private func adapter(_ name: String) -> String? { registry.adapters.first { $0.name == name }?.version?.id }

    /// The version's tensors. Blocks while they are read.
    func version(_ record: WeightVersionRecord) throws -> WeightVersion {
        if let version = loaded.withLock({ $0.used(record.id) }) { return version }
        let files = try store.contents.verified(record.hash, as: "the weight version \(record.name)")
        let read = try VersionFiles.load(files, kind: record.kind, id: record.id, model: engine.model)
        let (version, dropped) = loaded.withLock { loaded in
            // Another thread may have read it meanwhile.
            if let version = loaded.used(record.id) { return (version, [String]()) }
            return (read, loaded.add(read))
        }
        for id in dropped { engine.forget(version: id) }
        return version
    }

    private func entry(_ name: String) throws -> VersionRegistry.Entry? {
        let record: WeightVersionRecord
        do { record = try checked(try store.version(name)) } catch StoreError.notFound { return nil }
        return VersionRegistry.Entry(
            name: record.name, version: try version(record), root: record.base,
            created: Int(record.createdAt.timeIntervalSince1970))
    }

    private func checked(_ record: WeightVersionRecord) throws -> WeightVersionRecord {
        guard record.base == baseName else {
            throw WorkshopError(
                .otherBase, "\"\(record.name)\" is a version of the model \"\(record.base)\"; this server has \"\(baseName)\".",
                at: "model")
        }
        return record
    }

    /// Records the promotion that `change` makes, and serves it.
    ///
    /// - Throws: What `change` throws, or why the version now in force cannot be read. The base weights answer in that case.
    @discardableResult
    func change<Value>(_ change: (Store) throws -> Value) throws -> Value {
        try pointer.withLock { problem in
            let value = try change(store)
            try follow(&problem)
            return value
        }
    }

    /// Deletes a version that is not in force.
    ///
    /// - Throws: `StoreError`: not found, or a conflict for a version in force.
    func delete(_ record: WeightVersionRecord) throws {
        try store.deleteVersion(record.id)
        loaded.withLock { $0.versions.removeAll { $0.id == record.id } }
        engine.forget(version: record.id)
    }

    /// The id of the version in force, or "base".
    package func current() throws -> String { try store.promotion(base: baseName)?.versionID ?? VersionRegistry.Entry.baseVersionID }

    private func follow(_ problem: inout Problem?) throws {
        guard let id = try store.promotion(base: baseName)?.versionID else { return serve(nil, &problem) }
        do {
            serve(try version(try store.version(id)), &problem)
        } catch {
            serve(nil, &problem)
            let reason = "\(baseName) answers with its base weights: the weight version \(id), which is in force, cannot be read"
            condition.degrade(reason)
            problem = Problem(reason: reason, cause: error)
            throw error
        }
    }

    private func serve(_ version: WeightVersion?, _ problem: inout Problem?) {
        registry.point(to: version)
        loaded.withLock { $0.inForce = version?.id }
        if let problem { condition.recover(problem.reason) }
        problem = nil
    }
}
