import Foundation
import TestSupport
import Testing

enum Fixtures {
    static func file(_ name: String) -> URL { fixtures.appending(path: "evaluation").appending(path: name) }

    /// A new folder, for the caller to fill and remove.
    static func temporaryFolder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "cord-evaluation-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }
}

/// Equal within `tolerance`, relative above one and absolute below.
func expectClose(_ found: [Double], _ expected: [Double], _ tolerance: Double, _ location: SourceLocation = #_sourceLocation) {
    #expect(found.count == expected.count, sourceLocation: location)
    for (x, y) in zip(found, expected) { #expect(relativeDifference(x, y) <= tolerance, "\(x) is not \(y)", sourceLocation: location) }
}
