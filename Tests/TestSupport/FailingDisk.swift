import Disk
import Glibc

/// Runs `body` on a disk that fails: of what it synchronises on this thread, all but the first `passing` ends in EIO.
package func withFailingDisk<Result>(after passing: Int = 0, _ body: () throws -> Result) rethrows -> Result {
    disk_fail_syncs(EIO, Int32(clamping: passing))
    defer { disk_fail_syncs(0, 0) }
    return try body()
}
