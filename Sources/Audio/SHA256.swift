import CNettle

/// SHA-256 (FIPS 180-4) by nettle, which uses the CPU's SHA instructions where it has them.
package enum SHA256 {
    package static func hex(of bytes: [UInt8]) -> String {
        unsafe hex(of: bytes.span.bytes)
    }

    /// The digest of `bytes` as 64 lower-case hexadecimal digits.
    package static func hex(of bytes: RawSpan) -> String {
        var context = sha256_ctx()
        unsafe nettle_sha256_init(&context)
        unsafe bytes.withUnsafeBytes { buffer in
            unsafe nettle_sha256_update(&context, buffer.count, buffer.baseAddress?.assumingMemoryBound(to: UInt8.self))
        }
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_SIZE))
        unsafe nettle_sha256_digest(&context, digest.count, &digest)
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
