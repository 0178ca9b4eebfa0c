import Files
import Foundation
import GRDB

#if canImport(Glibc)
    import Glibc
#endif

/// Why the store refused or failed. A method that throws it has acknowledged and changed nothing.
package enum StoreError: Error, Equatable, CustomStringConvertible, Sendable {
    /// The disk or the operator's quota is full.
    case diskFull(attempted: String)
    /// The folder, the file or its file system cannot be written.
    case readOnly(attempted: String)
    /// The disk failed in another way.
    case diskFailed(attempted: String, reason: String)
    /// The file is not a database of this program, or is damaged.
    case corrupt(path: String, reason: String)
    /// A later program has changed the tables.
    case superseded(path: String, migrations: [String])
    /// The database and its contents do not belong together, and the operator has not said which one is wanted.
    case unexpectedDatabase(StoreFinding, folder: String)
    case contentMissing(what: String, hash: String)
    /// The bytes on disk are not those that were stored.
    case contentDamaged(what: String, expected: String, found: String)
    /// Another process holds the store.
    case busy(attempted: String)
    case notFound(kind: String, id: String)
    /// A folder to read is not a data folder.
    case noStore(folder: String)
    /// The state of the object does not allow the operation.
    case conflict(String)
    /// An idempotency key was reused with another request.
    case keyReused(String)

    package var description: String {
        switch self {
        case .diskFull(let attempted):
            "\(attempted): the disk is full. Nothing was stored; free some space and try again."
        case .readOnly(let attempted):
            "\(attempted): the data folder cannot be written. Nothing was stored; check its permissions and its file system."
        case .diskFailed(let attempted, let reason):
            "\(attempted): the disk failed (\(reason)). Nothing was stored."
        case .corrupt(let path, let reason):
            "\(path): expected a store of this program; found a damaged or foreign file (\(reason)). "
                + "Nothing was touched. Restore a backup (cord data restore), or move it away and start with --accept-store."
        case .superseded(let path, let migrations):
            "\(path): expected the tables of this program; found changes of a later one (\(migrations.joined(separator: ", "))). "
                + "Nothing was touched. Start the later program, or restore a backup that this one made."
        case .unexpectedDatabase(let finding, let folder): Self.choice(finding, folder)
        case .contentMissing(let what, let hash):
            "The content \(hash) of \(what) is missing from the data folder. `cord data check` tells what else is; restore it from "
                + "a backup."
        case .contentDamaged(let what, let expected, let found):
            "The content of \(what) is damaged: expected SHA-256 \(expected), found \(found). "
                + "`cord data check` tells what else is; restore it from a backup."
        case .busy(let attempted):
            "\(attempted): another process holds the store. Stop it, or choose another data folder."
        case .noStore(let folder): "\(folder) holds no store: expected a data folder that a server has written, or a backup of one."
        case .notFound(let kind, let id): "There is no \(kind) with the id \(id)."
        case .conflict(let message): message
        case .keyReused(let key):
            "The idempotency key \"\(key)\" belongs to an earlier request with another body. Use a new key for a new request."
        }
    }

    init(_ error: DatabaseError, attempted: String, path: String) {
        let reason = error.message ?? "\(error.resultCode)"
        switch error.resultCode {
        case .SQLITE_FULL: self = .diskFull(attempted: attempted)
        case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM: self = .readOnly(attempted: attempted)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .corrupt(path: path, reason: reason)
        case .SQLITE_BUSY, .SQLITE_LOCKED: self = .busy(attempted: attempted)
        case .SQLITE_CONSTRAINT: self = .conflict("\(attempted): \(reason)")
        default: self = .diskFailed(attempted: attempted, reason: reason)
        }
    }
}

/// Disk errors arrive through many interfaces; callers that wait for space need not distinguish them.
extension StoreError {
    /// Whether the disk is at fault, so that the same operation may succeed later.
    package var isOfTheDisk: Bool {
        switch self {
        case .diskFull, .readOnly, .diskFailed: true
        case .corrupt, .superseded, .unexpectedDatabase, .contentMissing, .contentDamaged: false
        case .busy, .notFound, .noStore, .conflict, .keyReused: false
        }
    }

    /// Whether stored bytes are damaged, which is a fault of the server whatever was requested.
    package var isOfContent: Bool {
        switch self {
        case .contentMissing, .contentDamaged: true
        default: false
        }
    }

    private static func choice(_ finding: StoreFinding, _ folder: String) -> String {
        let found =
            switch finding {
            case .missing: "there is no store.sqlite beside its contents"
            case .empty: "store.sqlite is empty, and there are contents beside it"
            case .older(let database, let contents):
                "store.sqlite is at change \(database), and \(contents) changes were acknowledged: it is an older copy"
            case .foreign: "store.sqlite belongs to other contents than those beside it"
            case .fresh, .current, .unmarked: "store.sqlite belongs to its contents"
            }
        return "The data folder \(folder) is not as it was left: \(found). Nothing was touched. Put the right store.sqlite back, or "
            + "restore a backup (cord data restore); start with --accept-store to go on with what is there, which sets aside what it does not name; "
            + "or name another folder with --data."
    }

    /// - Parameter code: The system's error number.
    package init(code: Int32, attempted: String) {
        self =
            switch code {
            case ENOSPC, EDQUOT, EFBIG: .diskFull(attempted: attempted)
            case EROFS, EACCES, EPERM: .readOnly(attempted: attempted)
            default: .diskFailed(attempted: attempted, reason: unsafe String(cString: strerror(code)))
            }
    }

    /// Recognises errors of the store or of Foundation that mean a failing disk; nil for any other error.
    package init?(disk error: any Error, attempted: String) {
        if let error = error as? StoreError {
            guard error.isOfTheDisk else { return nil }
            self = error
            return
        }
        let found = error as NSError
        switch (found.domain, found.code) {
        case (NSPOSIXErrorDomain, _): self.init(code: Int32(truncatingIfNeeded: found.code), attempted: attempted)
        case (NSCocoaErrorDomain, CocoaError.Code.fileWriteOutOfSpace.rawValue): self = .diskFull(attempted: attempted)
        case (NSCocoaErrorDomain, CocoaError.Code.fileWriteVolumeReadOnly.rawValue),
            (NSCocoaErrorDomain, CocoaError.Code.fileWriteNoPermission.rawValue):
            self = .readOnly(attempted: attempted)
        case (NSCocoaErrorDomain, CocoaError.Code.fileWriteUnknown.rawValue):
            guard let cause = found.userInfo[NSUnderlyingErrorKey] as? any Error, let own = StoreError(disk: cause, attempted: attempted) else {
                self = .diskFailed(attempted: attempted, reason: FileError.reason(error))
                return
            }
            self = own
        default: return nil
        }
    }
}
