import Foundation
package import Models
import Synchronization

/// Which weights answer to which `model` name.
///
///     "cord-nano"         → the version in force; the base weights if there is none
///     "cord-nano@base"    → the base weights
///     "my-adapter"        → a version over them
///     stored names, ids   → found by the closure given to ``answer(by:)``
///
/// A request looks its version up once and keeps it. Replacing or removing a name affects later requests only.
package final class VersionRegistry: Sendable {
    package struct Entry: Sendable {
        package let name: String
        /// Nil stands for the base weights as loaded.
        package let version: WeightVersion?
        /// The source of the version, for `root` of the model object.
        package let root: String
        /// Unix seconds.
        package let created: Int

        /// The id that stands for the base weights.
        package static let baseVersionID = "base"

        /// The value of `weight_version` in answers.
        package var versionID: String { version?.id ?? Self.baseVersionID }
    }

    private struct State {
        /// In order of registration, the base first.
        var entries: [Entry]
        /// The version that the base's name stands for; nil for the base itself.
        var current: WeightVersion?
        var stored: (@Sendable (String) throws -> Entry?)?
    }

    package let baseName: String
    private let state: Mutex<State>

    package init(baseName: String, root: String) {
        self.baseName = baseName
        state = Mutex(State(entries: [Entry(name: baseName, version: nil, root: root, created: Self.now)]))
    }

    package var entries: [Entry] {
        state.withLock { state in
            guard let current = state.current, let base = state.entries.first else { return state.entries }
            return [Entry(name: baseName, version: current, root: base.root, created: base.created)] + state.entries.dropFirst()
        }
    }

    /// The registered versions beside the base.
    var adapters: ArraySlice<Entry> { state.withLock { $0.entries.dropFirst() } }

    /// The name of the base weights, whichever version is in force.
    package var pinnedBaseName: String { baseName + "@base" }

    /// Makes the base's name stand for `version`, or for the base itself if nil.
    package func point(to version: WeightVersion?) { state.withLock { $0.current = version } }

    /// Sets the look-up for names that are not registered here.
    package func answer(by stored: @escaping @Sendable (String) throws -> Entry?) { state.withLock { $0.stored = stored } }

    /// The entry of a name in memory; nil asks for the base.
    package func registered(_ name: String?) -> Entry? {
        let name = name ?? baseName
        let entries = entries
        if let entry = entries.first(where: { $0.name == name }) { return entry }
        if name == pinnedBaseName {
            return Entry(name: name, version: nil, root: entries[0].root, created: entries[0].created)
        }
        return nil
    }

    /// The entry of a name; nil asks for the base. Blocks while a stored version is read.
    ///
    /// - Throws: ``WorkshopError/Kind/unknownModel`` with the existing names.
    package func entry(_ name: String?) throws -> Entry {
        if let entry = registered(name) { return entry }
        let name = name ?? baseName
        guard let entry = try state.withLock({ $0.stored })?(name) else {
            let known = entries.map { "\"\($0.name)\"" }.joined(separator: ", ")
            throw WorkshopError(.unknownModel, "There is no model \"\(name)\"; this server has \(known).", at: "model")
        }
        return entry
    }

    /// Publishes a version under a new name.
    ///
    /// - Throws: ``WorkshopError/Kind/modelNameTaken``
    package func add(_ name: String, _ version: WeightVersion, root: String) throws(WorkshopError) {
        try checkIsFree(name)
        let isAdded = state.withLock { state in
            if state.entries.contains(where: { $0.name == name }) { return false }
            state.entries.append(Entry(name: name, version: version, root: root, created: Self.now))
            return true
        }
        if !isAdded { throw taken(name) }
    }

    /// Checks that a name is not used. An adapter with the name of the base or of a stored version would answer in its place, even when a job
    /// measures or judges with it.
    ///
    /// - Throws: ``WorkshopError/Kind/modelNameTaken``
    package func checkIsFree(_ name: String) throws(WorkshopError) {
        if name == pinnedBaseName || name == Entry.baseVersionID { throw taken(name) }
        let (entries, stored) = state.withLock { ($0.entries, $0.stored) }
        if entries.contains(where: { $0.name == name }) { throw taken(name) }
        // A stored version that cannot be read still owns its name.
        do { if try stored?(name) != nil { throw taken(name) } } catch { throw taken(name) }
    }

    private func taken(_ name: String) -> WorkshopError {
        WorkshopError(
            .modelNameTaken, "A model \"\(name)\" is served already; unload it first or choose another name.", at: "lora_name")
    }

    /// Removes a name. Answers in progress keep their version.
    ///
    /// - Throws: ``WorkshopError`` for an unknown name and for the base's.
    package func remove(_ name: String) throws(WorkshopError) -> Entry {
        if name == baseName {
            throw WorkshopError(.baseStaysLoaded, "\"\(name)\" is the base model, which stays loaded.", at: "lora_name")
        }
        let removed: Entry? = state.withLock { state in
            guard let index = state.entries.firstIndex(where: { $0.name == name }) else { return nil }
            return state.entries.remove(at: index)
        }
        guard let removed else {
            throw WorkshopError(.unknownAdapter, "There is no adapter \"\(name)\".", at: "lora_name")
        }
        return removed
    }

    private static var now: Int { Int(Date().timeIntervalSince1970) }
}
