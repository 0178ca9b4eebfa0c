import Foundation
import Hashing
import Testing

/// The examples published with FIPS 180-4.
@Suite struct HashingTests {
    @Test func publishedExamplesHaveTheirDigests() {
        #expect(
            SHA256.hex(Data("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(SHA256.hex(Data()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test func piecesGiveTheDigestOfTheWhole() throws {
        let data = Data((0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        let file = FileManager.default.temporaryDirectory.appending(path: "cord-hash-\(UUID().uuidString)")
        try data.write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        var hash = SHA256()
        hash.update(data.prefix(7))
        hash.update(data.dropFirst(7))
        let whole = SHA256.hex(data)
        #expect(hash.finish() == whole)
        #expect(try SHA256.hex(contentsOf: file) == whole)
    }
}
