import Foundation
import Testing
import Training

@Suite struct EventFileTests {
    /// CRC-32C bit by bit, masked as the record format asks. Checked against the known value of "123456789".
    private func checksum(_ bytes: some Sequence<UInt8>, masked: Bool = true) -> UInt32 {
        var crc = UInt32.max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0x82f6_3b78 : crc >> 1 }
        }
        crc = ~crc
        return masked ? ((crc >> 15) | (crc << 17)) &+ 0xa282_ead8 : crc
    }

    @Test func recordsHaveLengthsChecksumsAndScalars() throws {
        #expect(checksum(Array("123456789".utf8), masked: false) == 0xe306_9283)
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("cord-events-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let file = try EventFile(directory: directory)
        try file.append(step: 300, [("loss", 1.5), ("kl_mean", -2)])
        let name = try #require(try FileManager.default.contentsOfDirectory(atPath: directory.path).first)
        var bytes = [UInt8](try Data(contentsOf: directory.appendingPathComponent(name)))[...]
        func number<Integer: FixedWidthInteger>(_ count: Int, as _: Integer.Type) -> Integer {
            defer { bytes = bytes.dropFirst(count) }
            return bytes.prefix(count).reversed().reduce(0) { $0 << 8 | Integer($1) }
        }
        var records: [[UInt8]] = []
        while !bytes.isEmpty {
            let header = Array(bytes.prefix(8))
            let length = Int(number(8, as: UInt64.self))
            #expect(number(4, as: UInt32.self) == checksum(header))
            let record = Array(bytes.prefix(length))
            bytes = bytes.dropFirst(length)
            #expect(number(4, as: UInt32.self) == checksum(record))
            records.append(record)
        }
        #expect(records.count == 2)
        // Wall time (9 bytes), step 0, then field 3 with the version.
        #expect(Array(records[0].dropFirst(9)) == [0x10, 0, 0x1a, 13] + Array("brain.Event:2".utf8))
        // Step 300 as a varint, a summary of 27 bytes with two values.
        let loss: [UInt8] = [0x0a, 11, 0x0a, 4] + Array("loss".utf8) + [0x15, 0, 0, 0xc0, 0x3f]
        let divergence: [UInt8] = [0x0a, 14, 0x0a, 7] + Array("kl_mean".utf8) + [0x15, 0, 0, 0, 0xc0]
        #expect(Array(records[1].dropFirst(9)) == [0x10, 0xac, 0x02, 0x2a, UInt8(loss.count + divergence.count)] + loss + divergence)
    }
}
