import JSON
import Weights

/// The reason why a model directory cannot be served: what was read, expected and found.
package struct ModelError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// Bounds on a checkpoint's numbers, so that products of two sizes cannot overflow. The tensors show whether so many weights
/// exist.
enum Claims {
    static let sizes = 1...1 << 24
    static let layers = 1...4096
    static let experts = 4096
    static let thetas = 1...1e15
    /// The longest clip.
    static let seconds = 1 << 16
}

extension JSONValue {
    /// Refuses a field whose value is not implemented. An absent field has the expected value.
    func require(_ path: String, is expected: String) throws {
        let found = try string(path, default: expected)
        if found != expected { throw ModelError("config.json: \(path) is \"\(found)\"; only \"\(expected)\" is supported") }
    }

    func require(_ path: String, is expected: Double) throws {
        let found = try number(path, default: expected)
        if found != expected { throw ModelError("config.json: \(path) is \(found); only \(expected) is supported") }
    }

    func require(_ path: String, is expected: Bool) throws {
        if try boolean(path, default: expected) != expected {
            throw ModelError("config.json: \(path) is \(!expected); only \(expected) is supported")
        }
    }

    /// The id of a token within a vocabulary, under the first of `paths` that the configuration has.
    func token(_ paths: String..., vocabulary: Int, default fallback: Int) throws -> Int32 {
        let path = paths.first { value($0) != nil } ?? paths[paths.count - 1]
        return Int32(try integer(path, in: 0...vocabulary - 1, default: fallback))
    }
}

func requireMultiple(_ a: Int, by b: Int, _ nameA: String, _ nameB: String) throws {
    if b <= 0 || a <= 0 || a % b != 0 {
        throw ModelError("config.json: \(nameA) \(a) is not a positive multiple of \(nameB) \(b)")
    }
}
