import Patterns

/// An error of a tokenizer or of text given to it: what was attempted, expected and found.
package enum TokenizerError: Error, Equatable, CustomStringConvertible {
    /// The file could not be read at all.
    case unreadable(path: String, reason: String)
    /// The file's content contradicts its format; `place` is the path of keys to it.
    case malformed(path: String, place: String, reason: String)
    /// The file asks for something this tokenizer does not do.
    case unsupported(path: String, feature: String, supported: String)
    /// A regular expression of the file's member `place` does not compile, or cannot be matched within the limits.
    case pattern(place: String, reason: String)
    /// Ids that no token has.
    case unknownID(Int, vocabularySize: Int)

    package var description: String {
        switch self {
        case .unreadable(let path, let reason):
            "cannot read the tokenizer at \(path): \(reason)"
        case .malformed(let path, let place, let reason):
            "malformed tokenizer \(path), at \(place): \(reason)"
        case .unsupported(let path, let feature, let supported):
            "tokenizer \(path) uses \(feature), which is not supported; supported: \(supported)"
        case .pattern(let place, let reason):
            "tokenizer.json: \(place): \(reason)"
        case .unknownID(let id, let size):
            "token id \(id) is not in the vocabulary of \(size) ids (0 ..< \(size))"
        }
    }
}

extension TokenizerError {
    /// Runs `body` and attributes its error to the file's member `place`.
    static func naming<Value>(_ place: String, _ body: () throws(PatternError) -> Value) throws(TokenizerError) -> Value {
        do { return try body() } catch { throw .pattern(place: place, reason: error.description) }
    }
}
