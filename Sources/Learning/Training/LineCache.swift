package import Foundation
import Glibc
import Synchronization

/// A cache of expensive results by digest, in a file that several processes append to.
///
///     KEY VALUE⏎        KEY: 64 hexadecimal digits; VALUE: text without a line break
///
/// Only the positions of the values are in memory, about 50 bytes each. A line torn by a crash is ignored. If the disk accepts nothing more,
/// nothing more is cached.
package final class LineCache: Sendable {
    private struct Key: Hashable {
        let high: UInt64
        let low: UInt64

        /// Half of a digest's digits identify a line well enough.
        init?(_ digits: some Sequence<UInt8>) {
            var words: [UInt64] = [0, 0]
            for (place, digit) in digits.prefix(32).enumerated() {
                guard let value = LineCache.hexadecimal(digit) else { return nil }
                words[place / 16] = words[place / 16] << 4 | UInt64(value)
            }
            (high, low) = (words[0], words[1])
        }
    }

    private struct Place {
        let offset: Int
        let length: Int
    }

    /// The value of a hexadecimal digit; nil for other characters.
    static func hexadecimal(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private static let keyLength = 64
    private static let newline = UInt8(ascii: "\n")
    private let descriptor: Int32
    private let places: Mutex<[Key: Place]>

    /// Opens a file, creating it if needed; nil if that fails.
    package init?(_ file: URL) {
        try? FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        descriptor = unsafe open(file.path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            places = Mutex([:])
            return nil
        }
        var found: [Key: Place] = [:]
        let bytes = (try? Data(contentsOf: file, options: .alwaysMapped)) ?? Data()
        var start = 0
        unsafe bytes.withUnsafeBytes { bytes in
            while start < bytes.count, let end = unsafe bytes[start...].firstIndex(of: Self.newline) {
                if end > start + Self.keyLength, let key = unsafe Key(bytes[start..<start + 32]) {
                    found[key] = Place(offset: start + Self.keyLength + 1, length: end - start - Self.keyLength - 1)
                }
                start = end + 1
            }
        }
        places = Mutex(found)
        // A torn last line would swallow the next one.
        if start < bytes.count { write([Self.newline]) }
    }

    deinit { close(descriptor) }

    package var count: Int { places.withLock { $0.count } }

    package func value(_ key: String) -> Data? {
        guard let key = Key(key.utf8), let place = places.withLock({ $0[key] }) else { return nil }
        var value = Data(count: place.length)
        let read = unsafe value.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, place.length, off_t(place.offset)) }
        return read == place.length ? value : nil
    }

    package func remember(_ value: Data, as key: String) {
        precondition(key.utf8.count == Self.keyLength && !value.contains(Self.newline), "a line is a digest and a value without a line break")
        guard let short = Key(key.utf8) else { return }
        let line = Array(key.utf8) + [UInt8(ascii: " ")] + value + [Self.newline]
        places.withLock { places in
            guard places[short] == nil, write(line) else { return }
            // Other processes may have appended before. This line ends at the descriptor's current position.
            places[short] = Place(offset: Int(lseek(descriptor, 0, SEEK_CUR)) - value.count - 1, length: value.count)
        }
    }

    /// Writes whole lines in one call, which the system does not interleave with other appends.
    @discardableResult
    private func write(_ line: [UInt8]) -> Bool {
        unsafe line.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) } == line.count
    }
}
