import CKernels
import COpenBLAS
import Glibc

/// Float32 products by OpenBLAS, for the backward passes.
///
/// OpenBLAS runs one thread per call, because its own pool spins while it waits and starves other processes. The
/// calls are spread over ``Threads`` by rows of the result.
package enum BLAS {
    /// Chooses OpenBLAS's kernels for this processor, once. Debian's 0.3.21 does not know recent AMD cores and falls back to AVX2
    /// kernels, at half the speed; where the CPU has AVX-512 and the detected core does not use it, the SkylakeX kernels are taken.
    package static let coreName: String = {
        openblas_set_num_threads(1)
        let detected = unsafe String(cString: openblas_get_corename())
        let uses512 = ["SkylakeX", "Cooperlake", "Sapphirerapids"].contains(detected)
        guard unsafe getenv("OPENBLAS_CORETYPE") == nil, !uses512, unsafe String(cString: ck_kernel_name()).hasPrefix("avx512")
        else { return detected }
        typealias Routine = @convention(c) () -> Void
        guard let handle = unsafe dlopen(nil, RTLD_NOW),
            let quit = unsafe dlsym(handle, "gotoblas_dynamic_quit"),
            let start = unsafe dlsym(handle, "gotoblas_dynamic_init")
        else { return detected }
        unsafe setenv("OPENBLAS_CORETYPE", "SkylakeX", 1)
        unsafe unsafeBitCast(quit, to: Routine.self)()
        unsafe unsafeBitCast(start, to: Routine.self)()
        unsafe unsetenv("OPENBLAS_CORETYPE")
        return unsafe String(cString: openblas_get_corename())
    }()

    /// c[m, n] = a · b + beta·c, where `a` is [m, k] or, transposed, [k, m], and `b` is [k, n] or, transposed, [n, k]. The bits are the same on
    /// any number of threads.
    @unsafe package static func product(
        _ c: UnsafeMutablePointer<Float>, _ a: UnsafePointer<Float>, transposeA: Bool = false, _ b: UnsafePointer<Float>,
        transposeB: Bool = false, m: Int, n: Int, k: Int, beta: Float, threads: Int = Threads.count
    ) {
        guard m > 0 && n > 0 else { return }
        _ = coreName
        let call = { (rows: Range<Int>) in
            let aStart = unsafe transposeA ? a + rows.lowerBound : a + rows.lowerBound * k
            unsafe cblas_sgemm(
                CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
                Int32(rows.count), Int32(n), Int32(k), 1, aStart, Int32(transposeA ? m : k), b,
                Int32(transposeB ? k : n), beta, c + rows.lowerBound * n, Int32(n))
        }
        let pieces = pieces(rows: m, costing: n * k, threads: threads)
        if pieces.count == 1 { return call(0..<m) }
        Threads.parallel(pieces.count, grain: 1) { places in
            for place in places { call(pieces[place]) }
        }
    }

    /// Rows that OpenBLAS's kernels take at once divide it: 12 (Haswell, Zen), 8 or 4.
    private static let tile = 24
    /// Multiplications from which on OpenBLAS has left its kernels for small matrices, which add in another order, at 1,000,000.
    private static let least = 1 << 20

    /// Pieces of a product's rows. Each begins where a kernel's tile would begin in the product in one piece, and none is small: a row's bits
    /// do not depend on how many pieces there are.
    private static func pieces(rows: Int, costing cost: Int, threads: Int) -> [Range<Int>] {
        let tiles = rows / tile
        let most = tiles / (least / (cost * tile) + 1)
        let count = max(1, min(threads, most))
        return (0..<count).map { piece in
            let end = piece == count - 1 ? rows : tiles * (piece + 1) / count * tile
            return tiles * piece / count * tile..<end
        }
    }
}
