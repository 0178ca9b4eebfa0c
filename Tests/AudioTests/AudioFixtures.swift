import Foundation
import TestSupport

/// The files that `Tests/Fixtures/audio/make.py` wrote.
enum AudioFixtures {
    static let folder = fixtures.appending(path: "audio")

    static let clipNames: [String] = {
        let names = try? FileManager.default.contentsOfDirectory(atPath: folder.appending(path: "clips").path)
        precondition(names?.isEmpty == false, "no clips under \(folder.path)")
        return names!.sorted()
    }()

    /// Raise it by the environment for a longer search.
    static let corruptionsPerClip = ProcessInfo.processInfo.environment["AUDIO_CORRUPTIONS"].flatMap(Int.init) ?? 40

    static func clip(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appending(path: "clips/\(name)")))
    }

    static func refused(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appending(path: "refused/\(name)")))
    }

    /// One of the files that `Tests/Fixtures/audio/containers.py` wrote.
    static func container(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appending(path: "containers/\(name)")))
    }

    /// RF64 of 8 bits at 16 kHz whose `ds64` states `size` bytes of sound. `junk`: the size and content of a chunk before it.
    static func rf64(size: UInt64, junk: [UInt8], samples: [UInt8]) -> [UInt8] {
        func little(_ value: some FixedWidthInteger) -> [UInt8] {
            (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        let unknown = little(UInt32.max)
        var bytes = Array("RF64".utf8) + unknown + Array("WAVEds64".utf8) + little(UInt32(28)) + little(size &+ 72) + little(size)
        bytes += little(size) + little(UInt32(0)) + Array("fmt ".utf8) + little(UInt32(16)) + little(UInt16(1)) + little(UInt16(1))
        bytes += little(UInt32(16_000)) + little(UInt32(16_000)) + little(UInt16(1)) + little(UInt16(8))
        if !junk.isEmpty { bytes += Array("JUNK".utf8) + junk }
        return bytes + Array("data".utf8) + unknown + samples
    }

    /// Ogg Opus with another header, and with a table that maps every channel to itself.
    static func opus(_ bytes: [UInt8], rate: Int, channels: Int, gain: Int, mapping: Bool) -> [UInt8] {
        var header = Array(bytes[..<(28 + 19)])
        header[28 + 9] = UInt8(channels)
        for byte in 0..<4 { header[28 + 12 + byte] = UInt8(truncatingIfNeeded: rate >> (8 * byte)) }
        for byte in 0..<2 { header[28 + 16 + byte] = UInt8(truncatingIfNeeded: gain >> (8 * byte)) }
        if mapping {
            header[28 + 18] = 1
            header += [1, UInt8(channels - 1)] + (0..<UInt8(channels))
            header[27] = UInt8(header.count - 28)
        }
        for byte in 22..<26 { header[byte] = 0 }
        let checksum = header.reduce(UInt32(0)) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte) << 24) { value, _ in value << 1 ^ (value >> 31 == 1 ? 0x04C1_1DB7 : 0) }
        }
        for byte in 0..<4 { header[22 + byte] = UInt8(truncatingIfNeeded: checksum >> (8 * byte)) }
        return header + bytes[47...]
    }

    static func json<T: Decodable>(_ type: T.Type, _ name: String) throws -> T {
        try JSONDecoder().decode(type, from: Data(contentsOf: folder.appending(path: name)))
    }
}
