import Foundation
import Synchronization

/// Files and folders that are being written and have not their names yet, and temporary ones: a process that a signal ends leaves none of them.
///
///     Leftovers.add(place)         before the place is made
///     …                            written, then renamed or removed
///     Leftovers.remove(place)
package enum Leftovers {
    private static let places = Mutex<Set<String>>([])

    package static func add(_ place: String) { places.withLock { _ = $0.insert(place) } }

    /// Forgets a place; the files stay as they are.
    package static func remove(_ place: String) { places.withLock { _ = $0.remove(place) } }

    /// Removes them from the disk and ends the process by `end`. Nothing is added meanwhile: threads that still write wait for the end.
    package static func removeAll(then end: () -> Void) {
        places.withLock { places in
            for place in places {
                // A thread may be writing into the folder that is being removed.
                for _ in 0..<3 where (try? FileManager.default.removeItem(atPath: place)) == nil && FileManager.default.fileExists(atPath: place) {}
            }
            end()
        }
    }
}
