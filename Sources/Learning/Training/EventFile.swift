package import Foundation

/// Scalars in TensorBoard's event format: records of a length, its checksum, a protocol buffer and its checksum.
///
///     Event   { 1: wall time (double), 2: step (varint), 3: file version (string), 5: Summary }
///     Summary { 1: Value { 1: tag (string), 2: value (float) } }
package struct EventFile {
    private let file: FileHandle

    /// A new file; TensorBoard reads all files of a folder as one run.
    package init(directory: URL) throws {
        let name = "events.out.tfevents.\(UInt64(Date().timeIntervalSince1970 * 1000)).cord"
        let url = directory.appendingPathComponent(name)
        try Data().write(to: url)
        file = try FileHandle(forWritingTo: url)
        try write(step: 0, Message.bytes(3, Array("brain.Event:2".utf8)))
    }

    package func append(step: Int, _ values: [(tag: String, value: Double)]) throws {
        let summary = values.flatMap { tag, value in
            Message.bytes(1, Message.bytes(1, Array(tag.utf8)) + Message.float(2, Float(value)))
        }
        try write(step: step, Message.bytes(5, summary))
    }

    private func write(step: Int, _ content: [UInt8]) throws {
        let event = Message.double(1, Date().timeIntervalSince1970) + Message.varint(2, UInt64(step)) + content
        let length = littleEndian(UInt64(event.count))
        try file.write(
            contentsOf: Data(length + littleEndian(maskedChecksum(length)) + event + littleEndian(maskedChecksum(event))))
    }

    /// Fields of protocol buffers.
    private enum Message {
        static func varint(_ field: UInt8, _ value: UInt64) -> [UInt8] { [field << 3] + number(value) }
        static func double(_ field: UInt8, _ value: Double) -> [UInt8] { [field << 3 | 1] + littleEndian(value.bitPattern) }
        static func bytes(_ field: UInt8, _ value: [UInt8]) -> [UInt8] {
            [field << 3 | 2] + number(UInt64(value.count)) + value
        }
        static func float(_ field: UInt8, _ value: Float) -> [UInt8] { [field << 3 | 5] + littleEndian(value.bitPattern) }

        private static func number(_ value: UInt64) -> [UInt8] {
            var left = value
            var bytes: [UInt8] = []
            while left >= 0x80 {
                bytes.append(UInt8(left & 0x7f) | 0x80)
                left >>= 7
            }
            return bytes + [UInt8(left)]
        }
    }
}

private func littleEndian<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
    (0..<Integer.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> Integer($0 * 8)) }
}

/// CRC-32C (Castagnoli), rotated and offset as the record format asks.
private func maskedChecksum(_ bytes: [UInt8]) -> UInt32 {
    var crc = UInt32.max
    for byte in bytes { crc = checksumTable[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] ^ (crc >> 8) }
    crc = ~crc
    return (crc >> 15 | crc << 17) &+ 0xa282_ead8
}

private let checksumTable: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0x82f6_3b78 : crc >> 1 }
}
