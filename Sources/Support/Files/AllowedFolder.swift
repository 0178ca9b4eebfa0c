package import Foundation
import Glibc

/// A folder that no path can leave, for files named by requests or manifests.
///
///     place     requests: absolute or relative paths, with all links followed     what an operator allows
///     member    manifests: relative paths without `..`, through no link           what lies beside a manifest
package struct AllowedFolder: Sendable {
    package enum Content: Sendable { case file, folder }

    package enum Refusal: Error, Equatable, Sendable {
        case zeroByte
        /// The path leads out of the folder, perhaps through a link.
        case outside
        /// A member's path passes a symbolic link.
        case link
        case absent
    }

    private let folder: URL

    package init(_ folder: URL) { self.folder = folder }

    /// The file or folder at a path, after following all links. The folder itself is included.
    ///
    /// - Parameter base: The base of a relative path; nil for the folder itself.
    package func place(_ path: String, _ content: Content, from base: URL? = nil) throws(Refusal) -> URL {
        // C ends a path at a zero byte, but Swift compares all of it.
        guard !path.utf8.contains(0) else { throw .zeroByte }
        let root = folder.resolvingSymlinksInPath().standardizedFileURL
        let asked = path.utf8.first == UInt8(ascii: "/") ? URL(fileURLWithPath: path) : (base ?? root).appendingPathComponent(path)
        let place = asked.standardizedFileURL.resolvingSymlinksInPath().standardizedFileURL
        let isBelow = place.path.utf8.starts(with: (root.path + "/").utf8)
        guard isBelow || (place.path.utf8.elementsEqual(root.path.utf8) && content == .folder) else { throw .outside }
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: place.path, isDirectory: &isFolder),
            isFolder.boolValue == (content == .folder)
        else { throw .absent }
        return place
    }

    /// A regular file below the folder, reached through no symbolic link.
    package func member(_ path: String) throws(Refusal) -> URL {
        let parts = path.pathParts
        guard path.utf8.first != UInt8(ascii: "/"), !path.utf8.contains(UInt8(ascii: "\\")), !path.utf8.contains(0), !parts.contains(".."),
            !path.unicodeScalars.contains("://".unicodeScalars)
        else { throw .outside }
        var place = folder.path
        var kind: mode_t = 0
        for part in parts where !part.isEmpty && part != "." {
            place += "/" + part
            var status = stat()
            kind = unsafe lstat(place, &status) == 0 ? status.st_mode & S_IFMT : 0
            if kind == S_IFLNK { throw .link }
        }
        guard kind == S_IFREG else { throw .absent }
        return URL(fileURLWithPath: place)
    }
}

extension String {
    /// The parts of a path between its slashes, divided by bytes as the system does. In Swift, a slash before a combining mark is another character.
    package var pathParts: [String] {
        utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    }
}
