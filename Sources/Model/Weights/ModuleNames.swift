/// The names of one family's modules on disk, and as modules of transformers, whose names adapters use:
///
///     published        transformers 4    transformers 5
///     decoder.model    the same          model.decoder
///
/// A row is one module, a column one naming of all of them. The first column is that of published checkpoints; the last is that of the newest
/// transformers'. Published names are the canonical ones: everywhere else in the program, a tensor has its published name.
package struct ModuleNames: Sendable {
    private let rows: [[String]]

    /// - Parameter rows: module paths; all rows have the same columns.
    package init(_ rows: [[String]]) {
        precondition(rows.allSatisfy { $0.count == rows[0].count && !$0.isEmpty }, "rows of module names differ in length")
        self.rows = rows
    }

    /// The column of the newest transformers.
    package var newest: Int { (rows.first?.count ?? 1) - 1 }

    /// The published name of a module or tensor that is named by any column.
    package func published(_ name: String) -> String {
        guard let place = place(of: name) else { return name }
        return rows[place.row][0] + name.dropFirst(rows[place.row][place.column].count)
    }

    /// The name in `column` of a module or tensor with this published name.
    package func name(of published: String, column: Int) -> String {
        guard let row = Self.longest(rows.indices, { rows[$0][0] }, in: published) else { return published }
        return rows[row][column] + published.dropFirst(rows[row][0].count)
    }

    /// The name that the newest transformers gives to a published name.
    package func newest(_ published: String) -> String { name(of: published, column: newest) }

    /// The first column that has the module's name; nil if none has.
    package func column(of name: String) -> Int? { place(of: name)?.column }

    private func place(of name: String) -> (row: Int, column: Int)? {
        let places = rows.indices.flatMap { row in rows[row].indices.map { (row: row, column: $0) } }
        return Self.longest(places, { rows[$0.row][$0.column] }, in: name)
    }

    /// The place whose path is the longest that `name` lies in; of equals, the first.
    private static func longest<Place>(_ places: some Sequence<Place>, _ path: (Place) -> String, in name: String) -> Place? {
        var found: Place?
        for place in places where name == path(place) || name.hasPrefix(path(place) + ".") {
            if found.map({ path($0).count < path(place).count }) ?? true { found = place }
        }
        return found
    }

    /// The model's names by the names in a file, to which wrappers of training may have added prefixes: `module.`
    /// (DistributedDataParallel), `base_model.model.` (peft), `_orig_mod.` (torch.compile) and those of FSDP, in any order.
    ///
    /// Prefixes are removed if every name has them. The others, which may be anywhere, are always removed.
    package static func withoutWrappers(
        _ names: some Sequence<String>, prefixes: [String] = ["module.", "base_model.model."]
    ) -> [String: String] {
        let wrappers: Set<Substring> = ["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"]
        var plain: [String: Substring] = [:]
        for name in names {
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            let isWrapped = parts.contains { wrappers.contains($0) }
            plain[name] = isWrapped ? parts.filter { !wrappers.contains($0) }.joined(separator: ".")[...] : name[...]
        }
        while !plain.isEmpty,
            let prefix = prefixes.first(where: { prefix in plain.values.allSatisfy { $0.hasPrefix(prefix) } })
        {
            plain = plain.mapValues { $0.dropFirst(prefix.count) }
        }
        return plain.mapValues(String.init)
    }
}
