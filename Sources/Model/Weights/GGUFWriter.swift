package import Foundation
package import Tensors

/// Writes GGUF files of version 3, tensors in the order given.
///
/// The file appears whole or not at all (``AtomicFile``). Rows are encoded piece by piece, so that no tensor exists twice.
package enum GGUFWriter {
    /// A value of metadata in the type that readers expect.
    package enum Value {
        case uint32(Int)
        case float32(Double)
        case boolean(Bool)
        case string(String)
        case strings([String])
        case int32s([Int])
    }

    package struct Item {
        let name: String
        let shape: [Int]
        let format: StoredFormat
        let matrix: StoredMatrix

        /// `matrix` under any shape of as many elements, whose last dimension is in whole blocks of `format`, a writable one.
        package init(_ name: String, _ matrix: StoredMatrix, shape: [Int], as format: StoredFormat) {
            precondition(shape.reduce(1, *) == matrix.rows * matrix.columns, "shape \(shape) for [\(matrix.rows), \(matrix.columns)]")
            precondition((shape.last ?? 1) % format.blockElements == 0 && format.isWritable, "\(name) \(shape) in \(format)")
            self.name = name
            self.shape = shape
            self.format = format
            self.matrix = matrix
        }

        package var byteCount: Int { format.byteCount(rows: matrix.rows, columns: matrix.columns) }
    }

    private static let alignment = 32

    /// - Parameter wrote: Called with the bytes of each written piece.
    package static func write(
        _ metadata: [(key: String, value: Value)], _ items: [Item], to url: URL, wrote: (_ bytes: Int) -> Void = { _ in }
    ) throws(FileWriteError) {
        let header = header(metadata, items)
        let size = items.reduce(header.count) { $0 + padded($1.byteCount) }
        var file = try AtomicFile(path: url.path, byteCount: size)
        try unsafe file.write(header.span.bytes)
        for item in items {
            let rows = max(1, (4 << 20) / max(1, item.matrix.columns))
            for start in stride(from: 0, to: item.matrix.rows, by: rows) {
                let bytes = item.matrix.encoded(start..<min(start + rows, item.matrix.rows), as: item.format)
                try unsafe file.write(bytes.span.bytes)
                wrote(bytes.count)
            }
            try unsafe file.write([UInt8](repeating: 0, count: padded(item.byteCount) - item.byteCount).span.bytes)
        }
        try file.commit()
    }

    private static func header(_ metadata: [(key: String, value: Value)], _ items: [Item]) -> [UInt8] {
        var header = Header()
        header.bytes += "GGUF".utf8
        header.add(UInt32(3))
        header.add(UInt64(items.count))
        header.add(UInt64(metadata.count))
        for (key, value) in metadata {
            header.add(key)
            header.add(value)
        }
        var offset = 0
        for item in items {
            header.add(item.name)
            header.add(UInt32(item.shape.count))
            for size in item.shape.reversed() { header.add(UInt64(size)) }
            header.add(item.format.ggufType)
            header.add(UInt64(offset))
            offset += padded(item.byteCount)
        }
        header.bytes += [UInt8](repeating: 0, count: padded(header.bytes.count) - header.bytes.count)
        return header.bytes
    }

    private static func padded(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }

    /// Bytes of a header, little-endian.
    private struct Header {
        var bytes: [UInt8] = []

        mutating func add<Number: FixedWidthInteger>(_ number: Number) {
            for shift in stride(from: 0, to: Number.bitWidth, by: 8) { bytes.append(UInt8(truncatingIfNeeded: number >> Number(shift))) }
        }

        mutating func add(_ text: String) {
            add(UInt64(text.utf8.count))
            bytes += text.utf8
        }

        mutating func add(_ value: Value) {
            func type(_ type: GGUFValueType) -> UInt32 { type.rawValue }
            switch value {
            case .uint32(let value):
                add(type(.uint32))
                add(UInt32(value))
            case .float32(let value):
                add(type(.float32))
                add(Float(value).bitPattern)
            case .boolean(let value):
                add(type(.bool))
                bytes.append(value ? 1 : 0)
            case .string(let value):
                add(type(.string))
                add(value)
            case .strings(let values):
                add(type(.array))
                add(type(.string))
                add(UInt64(values.count))
                for value in values { add(value) }
            case .int32s(let values):
                add(type(.array))
                add(type(.int32))
                add(UInt64(values.count))
                for value in values { add(Int32(value)) }
            }
        }
    }
}
