import Foundation
import Synchronization

/// The unfinished and temporary files and folders of the process. A process that a signal ends removes them.
///
///     Leftovers.add(place)         before the place is made
///     …                            written, then renamed or removed
///     Leftovers.remove(place)
package enum Leftovers {
    private static let places = Mutex<Set<String>>([])

    package static func add(_ place: String) { places.withLock { _ = $0.insert(place) } }

    /// Forgets a place without touching its files.
    package static func remove(_ place: String) { places.withLock { _ = $0.remove(place) } }

    /// Removes all of them from the disk and ends the process by `end`. Threads that add one meanwhile wait for the end.
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
