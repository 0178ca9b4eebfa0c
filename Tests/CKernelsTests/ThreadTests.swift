import CKernels
import Synchronization
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// Which indices a region visited, and how often.
final class Visits: Sendable {
    let count: Mutex<[Int]>
    let nested: Bool

    init(_ size: Int, nested: Bool = false) {
        count = Mutex([Int](repeating: 0, count: size))
        self.nested = nested
    }

    func run(grain: Int = 1) {
        let size = count.withLock { $0.count }
        unsafe ck_parallel(size, grain, Unmanaged.passUnretained(self).toOpaque()) { context, begin, end in
            let visits = unsafe Unmanaged<Visits>.fromOpaque(context!).takeUnretainedValue()
            if visits.nested { Visits(50).run() }
            visits.count.withLock { for i in begin..<end { $0[i] += 1 } }
        }
    }

    var once: Bool { count.withLock { $0.allSatisfy { $0 == 1 } } }
}

/// How many indices regions visited.
private final class Sum: Sendable {
    let value = Atomic<Int>(0)
}

struct ThreadTests {
    @Test func everyIndexIsVisitedOnce() {
        for size in [0, 1, 2, 7, 1000] {
            for grain in [0, 1, 3, 2000] {
                let visits = Visits(size)
                visits.run(grain: grain)
                #expect(visits.once)
            }
        }
    }

    /// Threads that reach for the same piece: one that two of them took, or none, shows in the sum of many pieces.
    @Test func noPieceIsTakenTwiceOrLeft() {
        ck_set_threads(8)
        let (regions, size) = (10_000, 100_000)
        let sum = Sum()
        for _ in 0..<regions {
            unsafe ck_parallel(size, 1, Unmanaged.passUnretained(sum).toOpaque()) { context, begin, end in
                unsafe Unmanaged<Sum>.fromOpaque(context!).takeUnretainedValue().value.add(end - begin, ordering: .relaxed)
            }
        }
        ck_set_threads(0)
        #expect(sum.value.load(ordering: .relaxed) == regions * size)
    }

    /// Whoever ends first waits for the others' pieces.
    @Test func aRegionEndsWithItsLastPiece() {
        ck_set_threads(4)
        for _ in 0..<10 {
            let sum = Sum()
            unsafe ck_parallel(8, 1, Unmanaged.passUnretained(sum).toOpaque()) { context, begin, end in
                usleep(begin % 2 == 0 ? 500 : 4000)
                unsafe Unmanaged<Sum>.fromOpaque(context!).takeUnretainedValue().value.add(end - begin, ordering: .relaxed)
            }
            #expect(sum.value.load(ordering: .relaxed) == 8)
        }
        ck_set_threads(0)
    }

    @Test func nestedRegionsRunInline() {
        let visits = Visits(20, nested: true)
        visits.run()
        #expect(visits.once)
    }

    @Test func callersMayComeAtOnce() async {
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<2000).allSatisfy { _ in
                        let visits = Visits(16)
                        visits.run()
                        return visits.once
                    }
                }
            }
            for await complete in group { #expect(complete) }
        }
    }

    @Test func sleepingWorkersWake() {
        for _ in 0..<20 {
            usleep(2000)
            let visits = Visits(64)
            visits.run()
            #expect(visits.once)
        }
    }

    @Test func threadCountMayChangeBetweenRegions() {
        for threads in [1, 6, 2, 3] {
            ck_set_threads(threads)
            let visits = Visits(500)
            visits.run()
            #expect(visits.once)
        }
        ck_set_threads(0)
        #expect(ck_threads() >= 1)
    }
}
