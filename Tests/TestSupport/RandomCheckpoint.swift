package import Foundation

/// A random checkpoint of a family's fixtures made loadable: where their directories lack a tokenizer, it is cord-nano's.
///
/// The directory is of the test's own and goes with the value.
package final class RandomCheckpoint: Sendable {
    package let directory: URL

    /// - Parameter path: the family's folder in `Tests/Fixtures`, a slash, and the checkpoint's name.
    package init(_ path: String) throws {
        let files = FileManager.default
        directory = files.temporaryDirectory.appendingPathComponent("cord-\(path.replacing("/", with: "-"))-\(UUID().uuidString)")
        try files.createDirectory(at: directory, withIntermediateDirectories: true)
        let source = fixtures.appending(path: path)
        for file in try files.contentsOfDirectory(at: source, includingPropertiesForKeys: nil) {
            try files.copyItem(at: file, to: directory.appendingPathComponent(file.lastPathComponent))
        }
        let tokenizer = directory.appendingPathComponent("tokenizer.json")
        if files.fileExists(atPath: tokenizer.path) { return }
        try files.copyItem(at: fixtures.appending(path: "../../Sources/Model/CordNano/Checkpoint/tokenizer.json").standardized, to: tokenizer)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }
}
