/// Ids of stored things: a prefix for the kind, and 100 random bits in base 32.
///
///     ftjob-0c7h…   file-9kq2…   ver_4m1x…
package struct Identifier: Sendable {
    package let prefix: String

    package static let gapRun = Identifier(prefix: "gaprun_")
    package static let batch = Identifier(prefix: "batch_")
    package static let gapReport = Identifier(prefix: "gaprep_")
    package static let fineTuningJob = Identifier(prefix: "ftjob-")
    package static let event = Identifier(prefix: "ftevent-")
    package static let checkpoint = Identifier(prefix: "ftckpt_")
    package static let file = Identifier(prefix: "file-")
    package static let version = Identifier(prefix: "ver_")
    package static let step = Identifier(prefix: "step_")
    package static let benchmark = Identifier(prefix: "bench_")

    package init(prefix: String) { self.prefix = prefix }

    /// Digits and letters without i, l, o and u, which are misread.
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz")

    /// A new id. The system's generator is used, because ids must differ between runs; nothing else depends on them.
    package func random() -> String {
        var generator = SystemRandomNumberGenerator()
        return prefix + String((0..<20).map { _ in Self.alphabet[Int.random(in: 0..<32, using: &generator)] })
    }
}
