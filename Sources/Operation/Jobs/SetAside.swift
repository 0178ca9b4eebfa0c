import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// A dated folder for things that are no longer used and must not be destroyed, under their previous names.
///
///     set-aside/2026-11-26T013417Z/objects/ab/abcdef…
struct SetAside {
    static let name = "set-aside"
    /// The data folder.
    private let root: URL
    private let stamp: String
    /// The folder that the last thing was moved to.
    private(set) var folder: URL

    init(in root: URL, at date: Date) {
        self.root = root
        stamp = date.formatted(.iso8601.timeSeparator(.omitted))
        folder = root.appending(path: Self.name).appending(path: stamp)
    }

    /// Moves the item with that name in the data folder, if it exists.
    mutating func take(_ path: String) throws(StoreError) {
        let source = root.appending(path: path)
        guard FileManager.default.fileExists(atPath: source.path) else { return }
        // Nothing that was set aside in the same second is overwritten.
        var number = 1
        while FileManager.default.fileExists(atPath: folder.appending(path: path).path) {
            number += 1
            folder = root.appending(path: Self.name).appending(path: "\(stamp)-\(number)")
        }
        try Self.move(source, to: folder.appending(path: path), attempted: "Setting \(path) aside")
    }

    /// Restores a content that was set aside earlier. Returns whether there was one.
    static func restore(_ path: String, in root: URL) throws(StoreError) -> Bool {
        let parent = root.appending(path: name)
        for date in ((try? FileManager.default.contentsOfDirectory(atPath: parent.path)) ?? []).sorted().reversed() {
            let source = parent.appending(path: date).appending(path: path)
            guard FileManager.default.fileExists(atPath: source.path) else { continue }
            try move(source, to: root.appending(path: path), attempted: "Putting \(path) back")
            return true
        }
        return false
    }

    private static func move(_ source: URL, to target: URL, attempted: String) throws(StoreError) {
        do {
            try FileManager.default.createDirectory(
                at: target.deletingLastPathComponent(), withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch { throw ContentStore.failure(error, attempted) }
        guard unsafe rename(source.path, target.path) == 0 else { throw StoreError(code: errno, attempted: attempted) }
    }
}
