import Files
package import Foundation

/// The built-in benchmarks, by the names that requests and reports give them: spoken questions of the test split that travel inside the
/// program.
///
/// Each is frozen: another set of questions or clips is another version.
package enum CordBench: String, Sendable, CaseIterable {
    /// 600 questions of the six plain families, by four voices of espeak-ng that nothing is trained on. Made by `cord speak --built-in`.
    case one = "cord-bench-1"
    /// 800 questions of all families, of one to four steps, by three synthesizers, near and far. Made by
    /// `benchmarks/quality/cord_bench_2.py`.
    case two = "cord-bench-2"

    package static let standard = CordBench.one

    /// The content hash of the set, as reports name it.
    package var hash: String {
        switch self {
        case .one: "554bf408b3dbd7d1df3752a159a4fda27a79bf19bebe93a135c1935de89107a4"
        case .two: "c7226c7fb48b108c094f83020636852e81e06c699f91004e42adcb93409b2990"
        }
    }

    /// The folder with `manifest.jsonl` and `audio/`.
    package var directory: URL { ProgramFolder.resources(of: "CordBench").appendingPathComponent(rawValue, isDirectory: true) }
}
