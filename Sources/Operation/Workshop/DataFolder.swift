import Files
package import Foundation
import Glibc

/// The operator's folder for everything that outlives the process: the store, contents and jobs. Only one server can hold it.
///
/// The lock belongs to the process and ends with it, however it ends.
package final class DataFolder: Sendable {
    package let url: URL
    private let descriptor: Int32

    /// Locks the folder. Creates it, readable by its owner only, if there is none.
    ///
    /// - Parameter existing: Whether the folder must exist already.
    /// - Throws: ``DataFolderError``
    package init(_ url: URL, existing: Bool = false) throws {
        self.url = url
        let files = FileManager.default
        var isDirectory: ObjCBool = false
        if unsafe files.fileExists(atPath: url.path, isDirectory: &isDirectory) {
            guard isDirectory.boolValue else {
                throw DataFolderError.unusable(path: url.path, reason: "it is a file; expected a folder")
            }
        } else if existing {
            throw DataFolderError.absent(path: url.path)
        } else if (try? files.destinationOfSymbolicLink(atPath: url.path)) != nil {
            throw DataFolderError.unusable(path: url.path, reason: "it is a link to what does not exist")
        } else {
            do {
                try files.createDirectory(at: url, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            } catch { throw DataFolderError.unusable(path: url.path, reason: FileError.reason(error)) }
        }
        descriptor = unsafe open(url.appending(path: "lock").path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw DataFolderError.unusable(path: url.path, reason: unsafe String(cString: strerror(errno)))
        }
        // From here on `deinit` closes the descriptor.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw DataFolderError.held(path: url.path) }
    }

    deinit { close(descriptor) }

    /// `$XDG_DATA_HOME/cord`, or `~/.local/share/cord`.
    package static var standard: URL {
        let environment = ProcessInfo.processInfo.environment
        if let home = environment["XDG_DATA_HOME"], home.hasPrefix("/") {
            return URL(fileURLWithPath: home, isDirectory: true).appending(path: "cord", directoryHint: .isDirectory)
        }
        return FileManager.default.homeDirectoryForCurrentUser
            .appending(path: ".local/share/cord", directoryHint: .isDirectory)
    }
}

package enum DataFolderError: Error, Equatable, CustomStringConvertible {
    case unusable(path: String, reason: String)
    case held(path: String)
    case absent(path: String)

    package var description: String {
        switch self {
        case .unusable(let path, let reason):
            "The data folder \(path) cannot be used: \(reason). Name one that this user may write with --data."
        case .absent(let path): "There is no data folder \(path). Name the one that a server has written with --data."
        case .held(let path):
            "The data folder \(path) belongs to a server that is running. Stop it, or name another folder with --data."
        }
    }
}
