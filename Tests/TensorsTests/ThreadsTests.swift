import Tensors
import TestSupport
import Testing

@Suite struct ThreadsTests {
    @Test func everyPieceOfWorkIsInOneShare() {
        let sizes = (0..<150 * Threads.count).map { $0 % 7 == 0 ? 20 + $0 % 5 : 1 }
        let shares = Threads.shares(of: sizes, atLeast: 32, enough: 100)
        #expect(shares.flatMap { $0 }.sorted() == Array(sizes.indices))
        #expect(shares.allSatisfy { $0 == $0.sorted() })
        #expect(shares.count == (Threads.count == 1 ? 1 : 4 * Threads.count))
        let loads = shares.map { $0.reduce(0) { $0 + sizes[$1] } }
        #expect(loads == loads.sorted(by: >))
        #expect(loads[0] - loads[loads.count - 1] <= 2)
    }

    @Test func workThatIsLittleOrUnevenStaysTogether() {
        #expect(Threads.shares(of: [1, 1, 1], atLeast: 32, enough: 100) == [[0, 1, 2]])
        #expect(Threads.shares(of: [1000, 40, 40], atLeast: 32, enough: 100) == [[0, 1, 2]])
        #expect(Threads.shares(of: [], atLeast: 32, enough: 100) == [[]])
        #expect(Threads.shares(of: [5000], atLeast: 32, enough: 100) == [[0]])
    }

    /// How often the rows of a product are cut changes no bit, whatever kernels OpenBLAS has for this processor.
    @Test(arguments: [
        (300, 224, 400), (897, 661, 777), (654, 64, 400), (245, 224, 424), (696, 8, 384), (1149, 64, 777), (25, 700, 300), (1000, 16, 1024),
        (16, 896, 1000), (47, 2000, 129), (1501, 96, 1),
    ])
    func productsHaveTheSameBitsOnAnyNumberOfThreads(m: Int, n: Int, k: Int) {
        var random = SplitMix(seed: UInt64(m * n + k))
        func numbers(_ count: Int) -> [Float] { (0..<count).map { _ in Float.random(in: -1...1, using: &random) } }
        let (a, b, c) = (numbers(m * k), numbers(k * n), numbers(m * n))
        for (transposeA, transposeB) in [(false, false), (true, false), (false, true), (true, true)] {
            func product(_ threads: Int) -> [Float] {
                var result = c
                unsafe result.withUnsafeMutableBufferPointer { result in
                    unsafe BLAS.product(
                        result.baseAddress!, a, transposeA: transposeA, b, transposeB: transposeB, m: m, n: n, k: k, beta: 1, threads: threads)
                }
                return result
            }
            let alone = product(1)
            #expect(!alone.contains { !$0.isFinite })
            for threads in [2, 3, 7, 16] { #expect(product(threads) == alone, "\(threads) threads") }
        }
    }

    /// What is computed on one thread alone has the bits of what all of them compute.
    @Test func operationsWithinAMapAreTheSame() {
        func numbers(_ count: Int, _ factor: Int) -> [Float] { (0..<count).map { Float($0 * factor % 23) - 11 } }
        let inputs = (1..<7).map { Tensor(numbers(40 * 64, $0), rows: 40, columns: 64) }
        let weight = Tensor(numbers(48 * 64, 5), rows: 48, columns: 64)
        let together = Threads.map(inputs) { linear($0, weight).values }
        #expect(together == inputs.map { linear($0, weight).values })
        #expect(Threads.map([Int]()) { $0 } == [])
    }
}
