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

    /// Applies `body` to each element, on all threads. Operations inside `body` run on its thread only.
    package static func map<Element, Result>(_ elements: [Element], _ body: (Element) -> Result) -> [Result] {
        if elements.count < 2 { return elements.map(body) }
        return unsafe [Result](unsafeUninitializedCapacity: elements.count) { results, count in
            let base = results.baseAddress!
            parallel(elements.count, grain: 1) { piece in
                for index in piece { unsafe (base + index).initialize(to: body(elements[index])) }
            }
            count = elements.count
        }
    }

    /// Divides work of the given sizes into shares: the indices of each, ascending. There is a share per thread, or several of at least
    /// `enough`, so that disturbed threads end together. All work is in one share if a share would be smaller than `least`, or
    /// the threads would end at very different times.
    package static func shares(of sizes: [Int], atLeast least: Int, enough: Int) -> [[Int]] {
        let all = [Array(sizes.indices)]
        let total = sizes.reduce(0, +), threads = count
        guard threads > 1, total >= threads * least else { return all }
        let many = threads * max(1, min(4, total / (threads * enough)))
        var loads = [Int](repeating: 0, count: many)
        var owner = [Int](repeating: 0, count: sizes.count)
        for index in sizes.indices.sorted(by: { (sizes[$0], $1) > (sizes[$1], $0) }) {
            let share = loads.indices.min { loads[$0] < loads[$1] }!
            loads[share] += sizes[index]
            owner[index] = share
        }
        let tolerated = total / many + total / (threads * 16)
        guard loads.max()! <= tolerated, loads.min()! >= least else { return all }
        let largestFirst = loads.indices.sorted { (loads[$0], $1) > (loads[$1], $0) }
        return largestFirst.map { share in sizes.indices.filter { owner[$0] == share } }
    }

    private struct Closure { let body: (Range<Int>) -> Void }
}
