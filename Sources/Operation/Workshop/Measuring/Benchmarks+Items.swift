package import Evaluation
import Files
package import Foundation
import Synchronization

/// The question sets read last, cached for people who browse them page by page and clip by clip.
final class BenchmarkShelf: Sendable {
    private static let kept = 4
    private let sets = Mutex<[(hash: String, set: QuestionSet)]>([])

    /// The set with that hash, read if it is not cached. Readers do not wait for each other.
    func set(_ hash: String, read: () throws -> QuestionSet) throws -> QuestionSet {
        if let found = sets.withLock({ $0.first { $0.hash == hash } }) { return found.set }
        let set = try read()
        sets.withLock { sets in
            sets.removeAll { $0.hash == hash }
            sets.insert((hash, set), at: 0)
            if sets.count > Self.kept { sets.removeLast() }
        }
        return set
    }
}

/// Selects items of a set.
package struct ItemFilter: Sendable {
    package var category: String?
    /// A text to find in the question, the answer or the id, ignoring case.
    package var contains: String?
    /// Selects items by id; nil selects all.
    package var among: (@Sendable (String) -> Bool)?

    package init(category: String? = nil, contains: String? = nil, among: (@Sendable (String) -> Bool)? = nil) {
        self.category = category
        self.contains = contains
        self.among = among
    }

    func matches(_ item: QuestionSet.Item) -> Bool {
        if let category, item.category != category { return false }
        if let among, !among(item.id) { return false }
        return contains.map { part in [item.text, item.answer, item.id].contains { $0.localizedCaseInsensitiveContains(part) } } ?? true
    }
}

extension Benchmarks {
    /// A page of the matching items, in the order of the set. Blocks.
    ///
    /// - Parameter after: The id of the item after which the page begins.
    /// - Throws: ``WorkshopError`` for an unknown set or item.
    package func items(
        of nameOrID: String, _ filter: ItemFilter, after: String?, limit: Int, check: @escaping @Sendable () throws -> Void = {}
    ) throws -> (items: [QuestionSet.Item], hasMore: Bool, total: Int) {
        let set = try shelved(nameOrID, check: check)
        let matching = set.items.filter(filter.matches)
        var first = 0
        if let after {
            guard let place = set.items.firstIndex(where: { $0.id == after }) else { throw Self.noItem(after, of: set) }
            let behind = Set(set.items[...place].map(\.id))
            first = matching.firstIndex { !behind.contains($0.id) } ?? matching.count
        }
        let page = matching[first...].prefix(limit)
        return (Array(page), first + page.count < matching.count, matching.count)
    }

    /// - Throws: ``WorkshopError`` for an unknown set or item.
    package func item(_ id: String, of nameOrID: String, check: @escaping @Sendable () throws -> Void = {}) throws -> QuestionSet.Item {
        let set = try shelved(nameOrID, check: check)
        guard let item = set.items.first(where: { $0.id == id }) else { throw Self.noItem(id, of: set) }
        return item
    }

    /// The bytes of an item's clip, as they were uploaded. Blocks.
    ///
    /// - Throws: ``WorkshopError`` for an unknown set, for an unknown item and for one without a clip.
    package func clip(of id: String, in nameOrID: String, check: @escaping @Sendable () throws -> Void = {}) throws -> Data {
        let set = try shelved(nameOrID, check: check)
        guard let item = set.items.first(where: { $0.id == id }) else { throw Self.noItem(id, of: set) }
        guard let clip = set.clip(item) else { throw WorkshopError(.notFound, "The item \"\(id)\" of \(set.name) has no clip.") }
        do { return try clip.read() } catch {
            throw WorkshopError(.notFound, "The clip of the item \"\(id)\" of \(set.name) is not to be had: \(error.reason).")
        }
    }

    private static func noItem(_ id: String, of set: QuestionSet) -> WorkshopError {
        WorkshopError(.notFound, "The set \(set.name) has no item \"\(id)\".")
    }
}
