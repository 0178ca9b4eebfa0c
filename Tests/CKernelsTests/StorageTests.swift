import CKernels
import TestSupport
import Testing

@Suite(.ownThread) struct StorageTests {
    @Test(arguments: allKernels) func everyBfloat16SurvivesWideningAndNarrowing(kernels: String) {
        let halves = Numbers<UInt16>((0...UInt16.max).map { $0 }), wide = Numbers<Float>.zeros(65_536)
        let back = Numbers<UInt16>(repeating: 0, count: 65_536)
        with(kernels) {
            unsafe ck_widen_bf16(wide.pointer, halves.pointer, 65_536)
            unsafe ck_narrow_bf16(back.pointer, wide.pointer, 65_536)
        }
        for i in 0..<65_536 {
            #expect(wide[i].bitPattern == UInt32(halves[i]) << 16)
            if wide[i].isNaN { #expect(back[i] == halves[i] | 0x40) } else { #expect(back[i] == halves[i]) }
        }
    }

    @Test(arguments: allKernels) func narrowingRoundsToNearestEven(kernels: String) {
        let cases: [(Float, UInt16)] = [
            (.init(bitPattern: 0x3F80_8000), 0x3F80), (.init(bitPattern: 0x3F81_8000), 0x3F82),
            (.init(bitPattern: 0x3F80_8001), 0x3F81), (.greatestFiniteMagnitude, 0x7F80), (.infinity, 0x7F80),
            (-.infinity, 0xFF80), (.init(bitPattern: 0x7F80_0001), 0x7FC0), (.init(bitPattern: 0xFFFF_FFFF), 0xFFFF),
        ]
        let x = Numbers<Float>(cases.map(\.0)), y = Numbers<UInt16>(repeating: 0, count: cases.count)
        with(kernels) { unsafe ck_narrow_bf16(y.pointer, x.pointer, cases.count) }
        #expect(y.array == cases.map(\.1))
    }

    @Test(arguments: allKernels) func float16WidensExactly(kernels: String) {
        let bits: [UInt16] = [0, 0x8000, 1, 0x03FF, 0x0400, 0x3C00, 0x7BFF, 0x7C00, 0xFC00, 0xC001]
        let values: [Float] = [0, -0.0, 0x1p-24, 0x1.FF8p-15, 0x1p-14, 1, 65_504, .infinity, -.infinity, -0x1.004p+1]
        let y = Numbers<Float>.zeros(bits.count + 1)
        with(kernels) { unsafe ck_widen_f16(y.pointer, bits + [0x7E01], bits.count + 1) }
        for (i, value) in values.enumerated() { #expect(y[i].bitPattern == value.bitPattern) }
        #expect(y[bits.count].isNaN)
    }

    @Test func theFirstElementThatIsNotFiniteIsFound() {
        var words = [UInt32](repeating: Float.greatestFiniteMagnitude.bitPattern, count: 10_000)
        #expect(unsafe ck_find_not_finite_32(words, words.count, 0x7F80_0000) == words.count)
        for (index, value) in [(9_999, Float.nan), (4_096, -.infinity), (4_095, .infinity), (0, .nan)] {
            words[index] = value.bitPattern
            #expect(unsafe ck_find_not_finite_32(words, words.count, 0x7F80_0000) == index)
        }
        #expect(unsafe ck_find_not_finite_32(words, 0, 0x7F80_0000) == 0)
        let halves = (0...UInt16.max).map { $0 }
        for half in halves {
            #expect(unsafe (ck_find_not_finite_16([half], 1, 0x7C00) == 0) == !Float16(bitPattern: half).isFinite)
            #expect(unsafe (ck_find_not_finite_16([half], 1, 0x7F80) == 0) == !Float(bitPattern: UInt32(half) << 16).isFinite)
        }
    }

    @Test(arguments: allKernels) func eightBitsStayWithinHalfAStep(kernels: String) {
        let (rows, columns) = (3, 101), x = Numbers<Float>.random(rows * columns, seed: 1), y = Numbers<Float>.zeros(x.count)
        for i in 0..<columns { x[columns + i] = 0 }
        let bytes = Numbers<Int8>(repeating: 1, count: x.count), scale = Numbers<Float>.zeros(rows)
        with(kernels) {
            unsafe ck_quantize_q8(bytes.pointer, scale.pointer, x.pointer, rows, columns)
            unsafe ck_widen_q8(y.pointer, bytes.pointer, scale.pointer, rows, columns)
        }
        for i in 0..<x.count { #expect(abs(x[i] - y[i]) <= scale[i / columns] * 0.50001) }
        #expect(scale[1] == 0 && bytes.array.map(abs).max() == 127)
    }
}
