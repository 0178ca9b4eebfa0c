import CKernels
import TestSupport
import Testing

@Suite(.ownThread) struct StorageTests {
    /// To the bit what llama.cpp's Python package makes of the same blocks, whole and by rows.
    @Test(arguments: allKernels, Format.all) func formatsWidenAsGGMLDefinesThem(kernels: String, format: Format) throws {
        let fixture = try format.fixture(".bin"), blocks = Array(fixture.prefix(format.fixtureBytes))
        let expected = unsafe fixture.dropFirst(format.fixtureBytes).withUnsafeBytes { unsafe Array($0.bindMemory(to: UInt32.self)) }
        #expect(expected.count == 1024)
        let weight = Stored(format, blocks, rows: 4, columns: 256)
        with(kernels) {
            #expect(weight.widened(0..<4).bits == expected)
            #expect(weight.widened(2..<3).bits.elementsEqual(expected[512..<768]))
        }
    }

    /// To the byte what llama.cpp's Python package makes of the same numbers.
    @Test(arguments: allKernels, Format.writable) func formatsAreEncodedAsGGMLDoes(kernels: String, format: Format) throws {
        let fixture = try format.fixture(".encoded.bin")
        let x = unsafe Numbers<Float>(fixture.prefix(4096).withUnsafeBytes { unsafe Array($0.bindMemory(to: Float.self)) })
        let bytes = Numbers<UInt8>(repeating: 0xEE, count: format.fixtureBytes)
        with(kernels) { unsafe ck_encode(bytes.pointer, format.row, x.pointer, 4, 256) }
        #expect(bytes.array == Array(fixture.dropFirst(4096)))
    }

    /// Rows that end within a block, of a count that ends within a group, come back as they went in.
    @Test(arguments: allKernels, Format.writable) func partsOfBlocksAndGroupsAreKept(kernels: String, format: Format) throws {
        let (rows, columns) = (21, 77), x = Numbers<Float>.random(rows * columns, seed: 4)
        let bytes = Numbers<UInt8>(repeating: 0, count: rows * ck_row_bytes(format.row, columns))
        with(kernels) {
            unsafe ck_encode(bytes.pointer, format.row, x.pointer, rows, columns)
            let wide = Stored(format, bytes.array, rows: rows, columns: columns).widened(0..<rows)
            // Q4_0 has no code for the largest magnitude with the other sign: an eighth is missing there.
            #expect(wide.difference(from: x) < (format.testDescription == "Q4_0" ? 0.13 : 0.005))
        }
    }

    @Test(arguments: allKernels) func everyHalfSurvivesWideningAndNarrowing(kernels: String) {
        for format in [ck_format_bf16, ck_format_f16] {
            let halves = Numbers<UInt16>((0...UInt16.max).map { $0 }), wide = Numbers<Float>.zeros(65_536)
            let back = Numbers<UInt16>(repeating: 0, count: 65_536)
            let matrix = unsafe ck_matrix(format: format, elements: halves.pointer, rows: 1, columns: 65_536)
            with(kernels) {
                unsafe ck_widen(wide.pointer, matrix, 0, 1)
                unsafe ck_encode(back.pointer, format, wide.pointer, 1, 65_536)
            }
            for i in 0..<65_536 {
                let half = halves[i], isFloat16 = format == ck_format_f16
                let value = isFloat16 ? Float(Float16(bitPattern: half)) : Float(bitPattern: UInt32(half) << 16)
                if value.isNaN {
                    #expect(wide[i].isNaN && back[i] & 0x7FFF > (isFloat16 ? 0x7C00 : 0x7F80))
                } else {
                    #expect(wide[i].bitPattern == value.bitPattern && back[i] == half)
                }
            }
        }
    }

    @Test(arguments: allKernels) func narrowingRoundsToNearestEven(kernels: String) {
        let cases: [(Float, UInt16)] = [
            (.init(bitPattern: 0x3F80_8000), 0x3F80), (.init(bitPattern: 0x3F81_8000), 0x3F82),
            (.init(bitPattern: 0x3F80_8001), 0x3F81), (.greatestFiniteMagnitude, 0x7F80), (.infinity, 0x7F80),
            (-.infinity, 0xFF80), (.init(bitPattern: 0x7F80_0001), 0x7FC0), (.init(bitPattern: 0xFFFF_FFFF), 0xFFFF),
        ]
        let x = Numbers<Float>(cases.map(\.0)), y = Numbers<UInt16>(repeating: 0, count: cases.count)
        with(kernels) { unsafe ck_encode(y.pointer, ck_format_bf16, x.pointer, 1, cases.count) }
        #expect(y.array == cases.map(\.1))
        let random = Numbers<Float>.random(20_000, seed: 9, scale: 70_000)
        for i in 0..<10_000 { random[i] *= 1e-9 }
        let halves = Numbers<UInt16>(repeating: 0, count: random.count)
        with(kernels) { unsafe ck_encode(halves.pointer, ck_format_f16, random.pointer, 1, random.count) }
        for i in 0..<random.count { #expect(halves[i] == Float16(random[i]).bitPattern) }
    }

    @Test func theFirstElementThatIsNotFiniteIsFound() {
        var words = [UInt32](repeating: Float.greatestFiniteMagnitude.bitPattern, count: 10_000)
        #expect(unsafe ck_find_not_finite(ck_format_f32, words, words.count) == words.count)
        for (index, value) in [(9_999, Float.nan), (4_096, -.infinity), (4_095, .infinity), (0, .nan)] {
            words[index] = value.bitPattern
            #expect(unsafe ck_find_not_finite(ck_format_f32, words, words.count) == index)
        }
        #expect(unsafe ck_find_not_finite(ck_format_f32, words, 0) == 0)
        let halves = (0...UInt16.max).map { $0 }
        for half in halves {
            #expect(unsafe (ck_find_not_finite(ck_format_f16, [half], 1) == 0) == !Float16(bitPattern: half).isFinite)
            #expect(unsafe (ck_find_not_finite(ck_format_bf16, [half], 1) == 0) == !Float(bitPattern: UInt32(half) << 16).isFinite)
        }
    }

    /// A scale that is not finite is found by the first element that it makes so.
    @Test(arguments: Format.blocks) func aScaleThatIsNotFiniteIsFound(format: Format) throws {
        var blocks = Array(try format.fixture(".bin").prefix(format.fixtureBytes))
        #expect(unsafe ck_find_not_finite(format.row, blocks, 1024) == 1024)
        let elements = unsafe format.facts.block_elements, bytes = unsafe format.facts.block_bytes
        let block = 1024 / elements - 1
        // A block's scale, and behind it the minimum or the scale of minima where a format has one.
        let places =
            switch format.testDescription {
            case "Q6_K": [208]
            case "Q4_1", "Q5_1", "Q4_K", "Q5_K": [0, 2]
            default: [0]
            }
        for place in places.map({ block * bytes + $0 }) {
            let whole = blocks
            (blocks[place], blocks[place + 1]) = (0, 0x7C)
            #expect(unsafe ck_find_not_finite(format.row, blocks, 1024) == block * elements)
            blocks = whole
        }
    }
}
