import CKernels
import TestSupport
import Testing

/// Products of x [m, k] with a weight [n, k] in one of the formats.
struct Shape: CustomStringConvertible, Sendable {
    let m: Int, n: Int, k: Int
    var description: String { "\(m)×\(n)×\(k)" }
}

final class Product {
    let shape: Shape
    private let x: Numbers<Float>, bias: Numbers<Float>, weight: Stored

    init(_ shape: Shape, _ format: Format) throws {
        self.shape = shape
        x = .random(shape.m * shape.k, seed: 1)
        bias = .random(shape.n, seed: 3)
        weight = Stored(format, try format.stored(rows: shape.n, columns: shape.k), rows: shape.n, columns: shape.k)
    }

    /// y for some rows of x, computed at once.
    func run(narrow: Bool, rows: Range<Int>? = nil, biased: Bool = true) -> Numbers<Float> {
        let rows = rows ?? 0..<shape.m, y = Numbers<Float>(repeating: .nan, count: rows.count * shape.n)
        let from = unsafe x.pointer + rows.lowerBound * shape.k, offset = unsafe biased ? bias.pointer : nil
        if narrow {
            unsafe ck_linear_narrow(y.pointer, from, weight.matrix, offset, rows.count)
        } else {
            unsafe ck_linear(y.pointer, from, weight.matrix, offset, rows.count)
        }
        return y
    }
}

@Suite(.ownThread) struct LinearTests {
    static let shapes = [
        Shape(m: 1, n: 1, k: 1), Shape(m: 3, n: 5, k: 7), Shape(m: 8, n: 67, k: 513), Shape(m: 9, n: 65, k: 1100),
        Shape(m: 37, n: 130, k: 96), Shape(m: 801, n: 6, k: 40), Shape(m: 2, n: 33, k: 2400), Shape(m: 29, n: 150, k: 2400),
    ]

    @Test func referenceIsTheDotProduct() throws {
        let (m, n, k) = (3, 4, 37)
        let x = Numbers<Float>.random(m * k, seed: 1), w = Numbers<Float>.random(n * k, seed: 2)
        let y = Numbers<Float>.zeros(m * n), bias = Numbers<Float>.random(n, seed: 3)
        let matrix = unsafe ck_matrix(format: ck_format_f32, elements: w.pointer, rows: n, columns: k)
        with("reference") { unsafe ck_linear(y.pointer, x.pointer, matrix, bias.pointer, m) }
        for i in 0..<m {
            for j in 0..<n {
                let exact = (0..<k).reduce(Double(bias[j])) { $0 + Double(x[i * k + $1]) * Double(w[j * k + $1]) }
                #expect(abs(Double(y[i * n + j]) - exact) < 1e-5)
            }
        }
    }

    /// The product in float32 is that with the widened weight.
    @Test(arguments: Format.all) func referenceMultipliesTheWidenedWeight(format: Format) throws {
        let (n, k) = (5, 300), weight = Stored(format, try format.stored(rows: n, columns: k), rows: n, columns: k)
        let x = Numbers<Float>.random(k, seed: 1), y = Numbers<Float>.zeros(n)
        with("reference") { unsafe ck_linear(y.pointer, x.pointer, weight.matrix, nil, 1) }
        let wide = weight.widened(0..<n)
        for j in 0..<n {
            let exact = (0..<k).reduce(0.0) { $0 + Double(x[$1]) * Double(wide[j * k + $1]) }
            let size = (0..<k).reduce(0.0) { $0 + abs(Double(x[$1]) * Double(wide[j * k + $1])) }
            #expect(abs(Double(y[j]) - exact) <= 1e-6 * size)
        }
    }

    @Test(arguments: fastKernels, Format.all) func agreesWithReference(kernels: String, format: Format) throws {
        for shape in Self.shapes {
            let product = try Product(shape, format)
            for narrow in [false, true] {
                let expected = with("reference") { product.run(narrow: narrow) }
                let found = with(kernels) { product.run(narrow: narrow) }
                #expect(expected.difference(from: found) < 2e-6, "\(shape) narrow \(narrow)")
                // Integers are summed exactly, and floats in the same order everywhere.
                if narrow && format.hasBlocks { #expect(expected.bits == found.bits, "\(shape)") }
            }
        }
    }

    /// Rounding x to 8 bits a block changes a product by less than a hundredth of its usual size.
    @Test(arguments: allKernels, Format.blocks) func roundingIsSmall(kernels: String, format: Format) throws {
        let product = try Product(Shape(m: 9, n: 65, k: 1024), format)
        let exact = with(kernels) { product.run(narrow: false, biased: false) }
        let narrow = with(kernels) { product.run(narrow: true, biased: false) }
        let error = Numbers<Float>((0..<exact.count).map { narrow[$0] - exact[$0] })
        #expect(error.dot(error).squareRoot() < 0.01 * exact.dot(exact).squareRoot())
        #expect(error.dot(error) > 0)
    }

    /// Every row alone, and chunks of rows, give the bits that they have in the batch.
    @Test(arguments: allKernels, Format.all) func rowsDoNotDependOnTheBatch(kernels: String, format: Format) throws {
        for shape in Self.shapes {
            let product = try Product(shape, format)
            for narrow in [false, true] {
                let whole = with(kernels) { product.run(narrow: narrow).bits }
                for first in stride(from: 0, to: shape.m, by: max(1, shape.m / 5)) {
                    for count in [1, 2, 6, 8, 11, 19] where first + count <= shape.m {
                        let rows = with(kernels) { product.run(narrow: narrow, rows: first..<first + count).bits }
                        #expect(
                            rows.elementsEqual(whole[first * shape.n..<(first + count) * shape.n]),
                            "\(shape) rows \(first) + \(count), narrow \(narrow)")
                    }
                }
            }
        }
    }

    @Test(arguments: allKernels, Format.all) func threadsDoNotChangeBits(kernels: String, format: Format) throws {
        let product = try Product(Shape(m: 40, n: 515, k: 700), format)
        let results = [1, 2, 5].map { threads in
            ck_set_threads(threads)
            return with(kernels) { [false, true].map { product.run(narrow: $0).bits } }
        }
        ck_set_threads(0)
        #expect(results[1] == results[0] && results[2] == results[0])
    }

    @Test(arguments: allKernels, Format.all) func biasMayBeMissing(kernels: String, format: Format) throws {
        let product = try Product(Shape(m: 2, n: 9, k: 33), format), bias = Numbers<Float>.random(9, seed: 3)
        for narrow in [false, true] {
            let (plain, shifted) = with(kernels) { (product.run(narrow: narrow, biased: false), product.run(narrow: narrow)) }
            for i in 0..<18 { #expect(plain[i] + bias[i % 9] == shifted[i]) }
        }
    }

    /// What is not a number in x is none in the products of its row, and of no other.
    @Test(arguments: allKernels, Format.all) func whatIsNotFiniteStaysSo(kernels: String, format: Format) throws {
        let (m, n, k) = (3, 17, 96), weight = Stored(format, try format.stored(rows: n, columns: k), rows: n, columns: k)
        for value in [Float.nan, .infinity, -.infinity] {
            let x = Numbers<Float>.random(m * k, seed: 1), y = Numbers<Float>.zeros(m * n)
            x[k + 40] = value
            with(kernels) { unsafe ck_linear_narrow(y.pointer, x.pointer, weight.matrix, nil, m) }
            for j in 0..<n { #expect(y[j].isFinite && !y[n + j].isFinite && y[2 * n + j].isFinite) }
        }
    }
}
