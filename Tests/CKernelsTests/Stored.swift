import CKernels
import Foundation
import Testing

/// The rows of the kernels' table, as tests' arguments.
struct Format: CustomTestStringConvertible, Sendable {
    let row: ck_format

    init(_ row: ck_format) { self.row = row }

    static let all = (0..<ck_format_count.rawValue).map { Format(ck_format(rawValue: $0)) }
    static let writable = all.filter { ck_is_writable($0.row) }
    static let blocks = all.filter { $0.hasBlocks }

    var facts: ck_format_facts { unsafe ck_facts(row).pointee }
    var hasBlocks: Bool { unsafe facts.block_elements > 1 }
    var testDescription: String { unsafe String(cString: facts.name) }

    /// A fixture of `Tests/Fixtures/gguf/make.py`, whose two halves are `first` bytes and the rest.
    func fixture(_ ending: String) throws -> [UInt8] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return [UInt8](try Data(contentsOf: folder.appending(path: "Fixtures/gguf/blocks/\(testDescription)\(ending)")))
    }

    /// Bytes of 1024 elements in the fixtures.
    var fixtureBytes: Int { ck_row_bytes(row, 1024) }

    /// Stored rows [rows, columns] of the fixture's blocks, again and again.
    func stored(rows: Int, columns: Int) throws -> [UInt8] {
        let blocks = try fixture(".bin").prefix(fixtureBytes)
        let count = rows * ck_row_bytes(row, columns)
        return (0..<count).map { blocks[$0 % blocks.count] }
    }
}

/// A weight in the kernels' order.
@safe final class Stored {
    let memory: UnsafeMutableRawPointer
    let matrix: ck_matrix

    init(_ format: Format, _ stored: [UInt8], rows: Int, columns: Int) {
        unsafe memory = .allocate(byteCount: ck_matrix_bytes(format.row, rows, columns), alignment: 64)
        unsafe matrix = ck_matrix(format: format.row, elements: memory, rows: rows, columns: columns)
        unsafe ck_regroup(memory, matrix, stored, 0, rows)
    }

    deinit { unsafe memory.deallocate() }

    func widened(_ range: Range<Int>) -> Numbers<Float> {
        let y = unsafe Numbers<Float>.zeros(range.count * matrix.columns)
        unsafe ck_widen(y.pointer, matrix, range.lowerBound, range.count)
        return y
    }
}
