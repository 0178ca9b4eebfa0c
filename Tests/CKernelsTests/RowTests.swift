import CKernels
import Foundation
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#endif

func exponential(_ x: Double) -> Double { exp(x) }

/// Norms, activations, positions, windows: fast versions against references, and backward against finite differences.
@Suite(.ownThread) struct RowTests {
    /// Tests over `fastKernels` pass without any; what the processor has is read from the system here.
    @Test func fastKernelsAreThoseOfTheProcessor() throws {
        #if arch(x86_64)
            let flags = Set(try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8).split { " \t\n".contains($0) })
            let avx2: Set<Substring> = ["avx2", "fma", "f16c"], avx512 = avx2.union(["avx512f", "avx512bw", "avx512dq", "avx512vl"])
            let expected: [(String, Set<Substring>)] = [
                ("avx2", avx2), ("avx2_vnni", avx2.union(["avx_vnni"])), ("avx512", avx512), ("avx512_vnni", avx512.union(["avx512_vnni"])),
                ("avx512_bf16", avx512.union(["avx512_vnni", "avx512_bf16"])),
            ]
            for (name, needed) in expected { #expect(fastKernels.contains(name) == flags.isSuperset(of: needed), "\(name)") }
        #else
            #expect(fastKernels.isEmpty)
        #endif
    }

    @Test(arguments: fastKernels) func activationsAgreeWithReference(kernels: String) {
        let count = 1003, x = Numbers<Float>.random(count, seed: 1, scale: 15), up = Numbers<Float>.random(count, seed: 2)
        x[0] = 100
        x[1] = -100
        x[2] = 0
        func run(_ name: String) -> [Numbers<Float>] {
            let y = (0..<5).map { _ in Numbers<Float>.zeros(count) }
            with(name) {
                unsafe ck_gelu(y[0].pointer, x.pointer, count)
                unsafe ck_gelu_backward(y[1].pointer, up.pointer, x.pointer, count)
                unsafe ck_silu_mul(y[2].pointer, x.pointer, up.pointer, count)
                unsafe ck_silu_mul_backward(y[3].pointer, y[4].pointer, up.pointer, x.pointer, up.pointer, count)
            }
            return y
        }
        for (expected, found) in zip(run("reference"), run(kernels)) { #expect(expected.difference(from: found) < 5e-7) }
    }

    @Test(arguments: allKernels) func geluIsExactWithin1e7(kernels: String) {
        let x = Numbers<Float>((-600...600).map { Float($0) / 100 }), y = Numbers<Float>.zeros(x.count)
        with(kernels) { unsafe ck_gelu(y.pointer, x.pointer, x.count) }
        for i in 0..<x.count {
            let value = Double(x[i]), exact = value / 2 * erfc(-value / 2.0.squareRoot())
            #expect(abs(Double(y[i]) - exact) < 1.5e-7 * max(1, abs(value)))
        }
    }

    @Test(arguments: allKernels) func activationsBackward(kernels: String) {
        let count = 77, x = Numbers<Float>.random(count, seed: 1, scale: 3), up = Numbers<Float>.random(count, seed: 2)
        let dy = Numbers<Float>.random(count, seed: 3), y = Numbers<Float>.zeros(count)
        let dx = Numbers<Float>.zeros(count), dgate = Numbers<Float>.zeros(count), dup = Numbers<Float>.zeros(count)
        with(kernels) {
            unsafe ck_gelu_backward(dx.pointer, dy.pointer, x.pointer, count)
            let gelu = {
                unsafe ck_gelu(y.pointer, x.pointer, count)
                return y.dot(dy)
            }
            expectGradients(of: gelu, [(x, dx)])
            unsafe ck_silu_mul_backward(dgate.pointer, dup.pointer, dy.pointer, x.pointer, up.pointer, count)
            let silu = {
                unsafe ck_silu_mul(y.pointer, x.pointer, up.pointer, count)
                return y.dot(dy)
            }
            expectGradients(of: silu, [(x, dgate), (up, dup)])
        }
    }

    @Test(arguments: allKernels) func normsBackward(kernels: String) {
        let (rows, n) = (5, 83), x = Numbers<Float>.random(rows * n, seed: 1), w = Numbers<Float>.random(n, seed: 2)
        let b = Numbers<Float>.random(n, seed: 3), dy = Numbers<Float>.random(rows * n, seed: 4), y = Numbers<Float>.zeros(rows * n)
        let dx = [Numbers<Float>.zeros(rows * n), .zeros(rows * n)], dw = [Numbers<Float>.zeros(n), .zeros(n)]
        let db = Numbers<Float>.zeros(n)
        with(kernels) {
            unsafe ck_rmsnorm_backward(dx[0].pointer, dw[0].pointer, dy.pointer, x.pointer, w.pointer, rows, n, 1e-5)
            let rms = {
                unsafe ck_rmsnorm(y.pointer, x.pointer, w.pointer, rows, n, 1e-5)
                return y.dot(dy)
            }
            expectGradients(of: rms, [(x, dx[0]), (w, dw[0])])
            unsafe ck_layernorm_backward(
                dx[1].pointer, dw[1].pointer, db.pointer, dy.pointer, x.pointer, w.pointer, rows, n, 1e-5)
            let layer = {
                unsafe ck_layernorm(y.pointer, x.pointer, w.pointer, b.pointer, rows, n, 1e-5)
                return y.dot(dy)
            }
            expectGradients(of: layer, [(x, dx[1]), (w, dw[1]), (b, db)])
        }
    }

    @Test(arguments: allKernels) func normsDoNotDependOnTheBatch(kernels: String) {
        let (rows, n) = (40, 3000), x = Numbers<Float>.random(rows * n, seed: 1), w = Numbers<Float>.random(n, seed: 2)
        let whole = Numbers<Float>.zeros(rows * n), one = Numbers<Float>.zeros(rows * n)
        with(kernels) {
            unsafe ck_rmsnorm(whole.pointer, x.pointer, w.pointer, rows, n, 1e-6)
            for row in 0..<rows { unsafe ck_rmsnorm(one.pointer + row * n, x.pointer + row * n, w.pointer, 1, n, 1e-6) }
        }
        #expect(whole.bits == one.bits)
    }

    @Test(arguments: allKernels, [8, 96, 128]) func ropeAgreesWithDoublePrecision(kernels: String, size: Int) {
        let positions: [Int32] = [0, 1, 30_000, 77, 77, 131_071], heads = 3, stride = heads * size + 5
        let frequency = Numbers<Float>((0..<size / 2).map { Float(pow(10_000, -2 * Double($0) / Double(size))) })
        let x = Numbers<Float>.random(positions.count * stride, seed: 1), y = x.copy()
        with(kernels) { unsafe ck_rope(y.pointer, positions, frequency.pointer, positions.count, heads, size, stride, false) }
        for (row, position) in positions.enumerated() {
            for i in 0..<size / 2 {
                let angle = Double(position) * Double(frequency[i]), at = row * stride + 2 * size + i
                let (low, high) = (Double(x[at]), Double(x[at + size / 2]))
                #expect(abs(Double(y[at]) - (low * cos(angle) - high * sin(angle))) < 1e-6)
                #expect(abs(Double(y[at + size / 2]) - (high * cos(angle) + low * sin(angle))) < 1e-6)
            }
        }
        with(kernels) { unsafe ck_rope(y.pointer, positions, frequency.pointer, positions.count, heads, size, stride, true) }
        #expect(x.difference(from: y) < 1e-6)
    }

    @Test(arguments: [(1, 0), (2, 1), (3, 2)]) func windowsBackward(stride: Int, padding: Int) {
        let (t, channels, width) = (11, 5, 3), rows = (t + 2 * padding - width) / stride + 1
        let x = Numbers<Float>.random(t * channels, seed: 1), dy = Numbers<Float>.random(rows * width * channels, seed: 2)
        let y = Numbers<Float>.zeros(dy.count), dx = Numbers<Float>.zeros(x.count)
        unsafe ck_windows_backward(dx.pointer, dy.pointer, t, channels, width, stride, padding)
        let loss = {
            unsafe ck_windows(y.pointer, x.pointer, t, channels, width, stride, padding)
            return y.dot(dy)
        }
        expectGradients(of: loss, [(x, dx)])
        _ = loss()
        #expect(y[(rows - 1) * width * channels] == x[((rows - 1) * stride - padding) * channels])
        if padding > 0 { #expect(y[0] == 0) }
    }

    @Test func averagePairsBackward() {
        let x = Numbers<Float>.random(7 * 3, seed: 1), dy = Numbers<Float>.random(3 * 3, seed: 2)
        let y = Numbers<Float>.zeros(9), dx = Numbers<Float>.zeros(21)
        unsafe ck_average_pairs_backward(dx.pointer, dy.pointer, 7, 3)
        let loss = {
            unsafe ck_average_pairs(y.pointer, x.pointer, 7, 3)
            return y.dot(dy)
        }
        expectGradients(of: loss, [(x, dx)])
        #expect(dx[18] == 0)
    }

    /// Two steps of PyTorch's formula in double precision.
    @Test(arguments: allKernels) func adamWFollowsItsFormula(kernels: String) {
        let count = 37, p = Numbers<Float>.random(count, seed: 1), g = Numbers<Float>.random(count, seed: 2)
        let m = Numbers<Float>.zeros(count), v = Numbers<Float>.zeros(count), start = p.copy()
        for step in 1...2 {
            with(kernels) {
                unsafe ck_adamw(p.pointer, m.pointer, v.pointer, g.pointer, count, 0.01, 0.9, 0.999, 1e-8, 0.1, step)
            }
        }
        for i in 0..<count {
            var (parameter, first, second) = (Double(start[i]), 0.0, 0.0)
            let gradient = Double(g[i])
            for step in 1...2 {
                parameter *= 1 - 0.01 * 0.1
                first = 0.9 * first + 0.1 * gradient
                second = 0.999 * second + 0.001 * gradient * gradient
                let unbiased = (second / (1 - pow(0.999, Double(step)))).squareRoot() + 1e-8
                parameter -= 0.01 * first / (1 - pow(0.9, Double(step))) / unbiased
            }
            #expect(abs(Double(p[i]) - parameter) < 1e-6)
        }
    }

    @Test func sumOfSquaresIsExactWithinRounding() {
        let x = Numbers<Float>.random(100_001, seed: 1)
        let sum = unsafe ck_sum_of_squares(x.pointer, x.count)
        #expect(abs(sum - x.dot(x)) < 1e-9 * sum)
    }
}
