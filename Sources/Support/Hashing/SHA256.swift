import CCrypto
package import Foundation

/// The SHA-256 digest (FIPS 180-4) of bytes given in pieces, computed by OpenSSL's libcrypto.
///
/// The value owns the C context. `finish` consumes it, so a digest can neither be read twice nor fed after its end.
@safe package struct SHA256: ~Copyable {
    private let context: OpaquePointer

    package init() {
        guard let context = unsafe EVP_MD_CTX_new(), unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            preconditionFailure("SHA-256: libcrypto offers no context; its default provider failed to load")
        }
        unsafe self.context = context
    }

    package mutating func update(_ data: Data) {
        let accepted = unsafe data.withUnsafeBytes { bytes in
            unsafe EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
        }
        precondition(accepted == 1, "SHA-256: libcrypto refused \(data.count) bytes")
    }

    package mutating func update(_ text: String) { update(Data(text.utf8)) }

    package mutating func update(_ bytes: RawSpan) {
        let accepted = unsafe bytes.withUnsafeBytes { bytes in
            unsafe EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
        }
        precondition(accepted == 1, "SHA-256: libcrypto refused \(bytes.byteCount) bytes")
    }

    /// The digest as 64 lower-case hexadecimal digits.
    package consuming func finish() -> String {
        bytes().map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    /// The digest as 32 bytes.
    package consuming func bytes() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 32)
        let written = unsafe bytes.withUnsafeMutableBufferPointer { unsafe EVP_DigestFinal_ex(context, $0.baseAddress, nil) }
        precondition(written == 1, "SHA-256: libcrypto could not finish the digest")
        return bytes
    }

    /// The digest of `data` in one call.
    package static func hex(_ data: Data) -> String {
        var hash = SHA256()
        hash.update(data)
        return hash.finish()
    }

    package static func hex(_ bytes: RawSpan) -> String {
        var hash = SHA256()
        hash.update(bytes)
        return hash.finish()
    }

    package static func hex(_ bytes: [UInt8]) -> String { unsafe hex(bytes.span.bytes) }

    /// The digest of a file, read a mebibyte at a time.
    package static func hex(contentsOf file: URL) throws -> String {
        let handle = try FileHandle(forReadingFrom: file)
        defer { try? handle.close() }
        var hash = SHA256()
        while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty { hash.update(piece) }
        return hash.finish()
    }

    deinit { unsafe EVP_MD_CTX_free(context) }
}
