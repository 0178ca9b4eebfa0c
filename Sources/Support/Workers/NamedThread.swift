import CGNU
package import Foundation

extension Thread {
    /// Starts a thread with a name for the system, of at most 15 bytes.
    ///
    /// The thread names itself by the C library. Foundation drops a name that is set before the start, and one that the thread sets at its beginning
    /// if that is before `start()` has returned.
    package static func start(_ name: String, stackSize: Int = 8 << 20, _ body: @escaping @Sendable () -> Void) {
        let thread = Thread {
            unsafe cord_name_thread(name)
            body()
        }
        thread.stackSize = stackSize
        thread.start()
    }
}
