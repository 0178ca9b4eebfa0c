import Files
package import Foundation

/// The built-in benchmark: spoken reasoning questions of six families, by voices that nothing is trained on, that travel inside
/// the program.
///
/// Frozen: another set of questions or clips is another version. Made by `cord speak --built-in --output DIR`.
package enum CordBench {
    /// The content hash of the set, as reports name it.
    package static let hash = "554bf408b3dbd7d1df3752a159a4fda27a79bf19bebe93a135c1935de89107a4"

    /// The folder with `manifest.jsonl` and `audio/`.
    package static var directory: URL { ProgramFolder.resources(of: "CordBench").appendingPathComponent("Benchmark", isDirectory: true) }
}
