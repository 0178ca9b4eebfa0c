import Tensors
import Testing

@Suite struct StoredMatrixTests {
    /// A matrix of several pieces is converted row by row, and a copy in its own format is itself.
    @Test(arguments: StoredFormat.all.filter(\.isWritable)) func rowsAreConvertedAlone(format: StoredFormat) {
        let wide = Numbers.tensor(20, 65_536, seed: 5)
        let whole = StoredMatrix(wide).converted(to: format), row = Tensor(uninitialized: 1, wide.columns)
        #expect(whole.format == format && whole.converted(to: format).byteCount == whole.byteCount)
        for index in [0, 15, 16, 19] {
            unsafe whole.widen(index..<index + 1, into: row.pointer)
            #expect(row.values == StoredMatrix(wide.rowsCopy(index..<index + 1)).converted(to: format).widened().values, "row \(index)")
        }
    }

    @Test func blocksTakeTheBytesOfTheirFiles() {
        let wide = StoredMatrix(Numbers.tensor(32, 64, seed: 5))
        #expect(wide.byteCount == 32 * 64 * 4)
        #expect(wide.converted(to: .q8_0).byteCount == 32 * 2 * 34)
        #expect(wide.converted(to: .q4_0).byteCount == 32 * 2 * 18)
    }

    @Test func formatsHaveNamesAndNumbersOfTheirOwn() {
        #expect(Set(StoredFormat.all.map(\.name)).count == StoredFormat.all.count)
        #expect(Set(StoredFormat.all.map(\.ggufType)).count == StoredFormat.all.count)
        #expect(StoredFormat.float32.name == "F32" && StoredFormat.q4_0.ggufType == 2)
    }
}
