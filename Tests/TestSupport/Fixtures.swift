package import Foundation

/// `Tests/Fixtures`.
package let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures")

/// The cases that `read` finds in a file below `Tests/Fixtures`, for a test's arguments.
///
/// A file that cannot be read, or without a case, ends the run: a test without arguments would pass.
package func cases<Cases: Collection>(in path: String, _ read: (Data) throws -> Cases) -> Cases {
    do {
        let cases = try read(Data(contentsOf: fixtures.appending(path: path)))
        precondition(!cases.isEmpty, "Tests/Fixtures/\(path) has no cases")
        return cases
    } catch { preconditionFailure("Tests/Fixtures/\(path): \(error)") }
}
