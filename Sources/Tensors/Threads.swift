import CKernels
import Glibc

/// The threads that every operation runs on.
package enum Threads {
    package static var count: Int { ck_threads() }

    /// The instruction set that the kernels were chosen for.
    package static var kernels: String { unsafe String(cString: ck_kernel_name()) }

    /// Sets how many threads run an operation, the caller included. For start-up, before the first operation.
    package static func use(_ count: Int) { ck_set_threads(max(1, count)) }

    /// Calls `body` with pieces of `0..<count`, at least `grain` long, on all threads; returns when all are done.
    package static func parallel(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
        if count <= grain || ck_threads() == 1 {
            if count > 0 { body(0..<count) }
            return
        }
        withoutActuallyEscaping(body) { escaping in
            var box = Closure(body: escaping)
            unsafe withUnsafeMutablePointer(to: &box) { pointer in
                unsafe ck_parallel(count, grain, pointer) { context, begin, end in
                    unsafe context!.assumingMemoryBound(to: Closure.self).pointee.body(Int(begin)..<Int(end))
                }
            }
        }
    }

    private struct Closure { let body: (Range<Int>) -> Void }
}
