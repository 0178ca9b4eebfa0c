package import Foundation

/// A folder out of which no path leads: the one place in which an operator lets strangers name files.
package struct AllowedFolder: Sendable {
    package enum Content: Sendable { case file, folder }

    package enum Refusal: Error, Equatable, Sendable {
        case zeroByte
        /// The path leads out of the folder, perhaps through a link.
        case outside
        case absent
    }

    private let folder: URL

    package init(_ folder: URL) { self.folder = folder }

    /// What lies at a path, absolute or relative to the folder, with all links followed. The folder itself is a folder in it.
    package func place(_ path: String, _ content: Content) throws(Refusal) -> URL {
        // C ends a path there, after Swift has compared all of it.
        guard !path.utf8.contains(0) else { throw .zeroByte }
        let root = folder.resolvingSymlinksInPath().standardizedFileURL
        let asked = path.hasPrefix("/") ? URL(fileURLWithPath: path) : root.appendingPathComponent(path)
        let place = asked.standardizedFileURL.resolvingSymlinksInPath().standardizedFileURL
        guard place.path.hasPrefix(root.path + "/") || (place.path == root.path && content == .folder) else { throw .outside }
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: place.path, isDirectory: &isFolder), isFolder.boolValue == (content == .folder) else {
            throw .absent
        }
        return place
    }
}
