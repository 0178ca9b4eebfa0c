import CKernels
import TestSupport
import Testing

/// One product in each of the stored formats.
struct Product: CustomStringConvertible, Sendable {
    let m: Int, n: Int, k: Int

    var description: String { "\(m)×\(n)×\(k)" }
    static let formats = ["f32", "bf16", "bf16_bf16", "q8"]

    /// y for the first rows of x, computed at once.
    func run(_ format: String, rows: Range<Int>? = nil, bias: Bool = true) -> Numbers<Float> {
        let rows = rows ?? 0..<m
        let x = Numbers<Float>.random(m * k, seed: 1), w = Numbers<Float>.random(n * k, seed: 2)
        let b = Numbers<Float>.random(n, seed: 3), y = Numbers<Float>.zeros(rows.count * n)
        let halves = Numbers<UInt16>(repeating: 0, count: n * k), bytes = Numbers<Int8>(repeating: 0, count: n * k)
        let scale = Numbers<Float>.zeros(n)
        unsafe ck_narrow_bf16(halves.pointer, w.pointer, n * k)
        unsafe ck_quantize_q8(bytes.pointer, scale.pointer, w.pointer, n, k)
        let from = unsafe x.pointer + rows.lowerBound * k, offset = unsafe bias ? b.pointer : nil
        switch format {
        case "f32": unsafe ck_linear_f32(y.pointer, from, w.pointer, offset, rows.count, n, k)
        case "bf16": unsafe ck_linear_bf16(y.pointer, from, halves.pointer, offset, rows.count, n, k)
        case "bf16_bf16": unsafe ck_linear_bf16_bf16(y.pointer, from, halves.pointer, offset, rows.count, n, k)
        default: unsafe ck_linear_q8(y.pointer, from, bytes.pointer, scale.pointer, offset, rows.count, n, k)
        }
        return y
    }
}

@Suite(.ownThread) struct LinearTests {
    static let shapes = [
        Product(m: 1, n: 1, k: 1), Product(m: 3, n: 5, k: 7), Product(m: 8, n: 67, k: 513), Product(m: 9, n: 65, k: 1100),
        Product(m: 37, n: 130, k: 96), Product(m: 801, n: 6, k: 40),
    ]

    @Test func referenceIsTheDotProduct() {
        let (m, n, k) = (3, 4, 37)
        let x = Numbers<Float>.random(m * k, seed: 1), w = Numbers<Float>.random(n * k, seed: 2)
        let y = Numbers<Float>.zeros(m * n), bias = Numbers<Float>.random(n, seed: 3)
        with("reference") { unsafe ck_linear_f32(y.pointer, x.pointer, w.pointer, bias.pointer, m, n, k) }
        for i in 0..<m {
            for j in 0..<n {
                let exact = (0..<k).reduce(Double(bias[j])) { $0 + Double(x[i * k + $1]) * Double(w[j * k + $1]) }
                #expect(abs(Double(y[i * n + j]) - exact) < 1e-5)
            }
        }
    }

    @Test(arguments: fastKernels, Product.formats) func agreesWithReference(kernels: String, format: String) {
        for shape in Self.shapes {
            let expected = with("reference") { shape.run(format) }
            let found = with(kernels) { shape.run(format) }
            #expect(expected.difference(from: found) < 2e-6, "\(shape)")
        }
    }

    /// Every row alone, and chunks of rows, give the bits that they have in the batch.
    @Test(arguments: allKernels, Product.formats) func rowsDoNotDependOnTheBatch(kernels: String, format: String) {
        for shape in Self.shapes {
            let whole = with(kernels) { shape.run(format).bits }
            for first in stride(from: 0, to: shape.m, by: max(1, shape.m / 7)) {
                for count in [1, 2, 6, 8, 11, 19] where first + count <= shape.m {
                    let rows = with(kernels) { shape.run(format, rows: first..<first + count).bits }
                    #expect(rows == Array(whole[first * shape.n..<(first + count) * shape.n]), "\(shape) rows \(first) + \(count)")
                }
            }
        }
    }

    @Test(arguments: allKernels) func threadsDoNotChangeBits(kernels: String) {
        let shape = Product(m: 40, n: 515, k: 700)
        let results = [1, 2, 5].map { threads in
            ck_set_threads(threads)
            return with(kernels) { shape.run("bf16").bits }
        }
        ck_set_threads(0)
        #expect(results[1] == results[0] && results[2] == results[0])
    }

    @Test(arguments: allKernels) func biasMayBeMissing(kernels: String) {
        let shape = Product(m: 2, n: 9, k: 33)
        let plain = with(kernels) { shape.run("f32", bias: false) }, shifted = with(kernels) { shape.run("f32") }
        let bias = Numbers<Float>.random(9, seed: 3)
        for i in 0..<18 { #expect(plain[i] + bias[i % 9] == shifted[i]) }
    }
}
