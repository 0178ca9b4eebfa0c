import Files
package import Foundation

/// The one way from bytes to wire types and back.
///
///     bytes (without byte order mark) → JSONGuard → JSONDecoder → type        every failure a WireError with path, expected, found
///     form fields or query items → the same types    numbers and booleans read from their text
///
/// Requests take their members from ``Fields`` by exact name. Responses use the names of Swift's properties, converted to snake case.
package enum WireDecoder {
    /// - Throws: ``WireError`` only.
    package static func decode<Value: Decodable>(
        _ type: Value.Type, from data: Data, maxDepth: Int = 64, maxValues: Int = JSONGuard.maxValues
    ) throws(WireError) -> Value {
        let data = data.withoutByteOrderMark
        guard !data.isEmpty else {
            throw WireError("Expected a JSON body; found an empty one.", code: "invalid_json")
        }
        if data.starts(with: [0xFF, 0xFE]) || data.starts(with: [0xFE, 0xFF]) {
            throw WireError("Expected a JSON body in UTF-8; found UTF-16.", code: "invalid_unicode")
        }
        try JSONGuard.check(data, maxDepth: maxDepth, maxValues: maxValues)
        return try decode(type, data, textual: false)
    }

    /// Decodes a type from the fields of a form or query. A duplicate name is refused.
    package static func decode<Value: Decodable>(
        _ type: Value.Type, form: [(name: String, value: String)]
    ) throws(WireError) -> Value {
        var members: [String: String] = [:]
        for (name, value) in form where members.updateValue(value, forKey: name) != nil {
            throw WireError("\(name): expected once; found twice.", param: name, code: "invalid_value")
        }
        guard let data = try? JSONEncoder().encode(members) else {
            throw WireError("Expected text fields; found some that are not Unicode.", code: "invalid_unicode")
        }
        return try decode(type, data, textual: true)
    }

    /// Decodes what ``WireEncoder`` wrote: snake-case names, and strings for NaN and infinities.
    package static func response<Value: Decodable>(_ type: Value.Type, from data: Data) throws(WireError) -> Value {
        try decode(type, data, textual: false, isResponse: true)
    }

    private static func decode<Value: Decodable>(
        _ type: Value.Type, _ data: Data, textual: Bool, isResponse: Bool = false
    ) throws(WireError) -> Value {
        let decoder = JSONDecoder()
        if isResponse {
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            decoder.nonConformingFloatDecodingStrategy = .convertFromString(
                positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        }
        decoder.userInfo = [Fields.textualKey: textual, Fields.convertedKey: isResponse]
        do {
            return try decoder.decode(type, from: data)
        } catch let error as WireError {
            throw error
        } catch let error as DecodingError {
            throw WireError(error, at: nil, under: 0, expected: nil, found: nil)
        } catch {
            throw WireError("Expected a JSON body; reading it failed: \(error).", code: "invalid_json")
        }
    }
}

package enum WireEncoder {
    /// Encodes a value as JSON. Property names become snake case: `topK` is written as `top_k`. Numbers that JSON cannot hold are written as the
    /// strings `"nan"`, `"inf"` and `"-inf"`, so that a diverged training run can still be reported.
    package static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return try encoder.encode(value)
    }
}

extension WireError {
    /// Translates a decoding error. `expected` and `found` describe the value at `place`, whose coding path has `depth` elements; an error further
    /// down describes itself. Errors about numbers that do not fit have no path.
    init(_ error: DecodingError, at place: String?, under depth: Int, expected: String?, found: String?) {
        func path(_ context: DecodingError.Context) -> String? {
            context.codingPath.count <= depth ? place : pathText(context.codingPath)
        }
        func mismatch(_ type: any Any.Type, _ context: DecodingError.Context, _ seen: String) -> WireError {
            let own = context.codingPath.count <= depth
            let wanted = (own ? expected : nil) ?? Self.words(for: type)
            return WireError(
                "\(path(context) ?? "The body"): expected \(wanted); found \((own ? found : nil) ?? seen).",
                param: path(context), code: "invalid_type")
        }
        switch error {
        case .keyNotFound(let key, let context):
            let path = pathText(context.codingPath + [key])
            self = WireError(
                "\(path): expected a value; found nothing.", param: path, code: "missing_required_parameter")
        case .typeMismatch(let type, let context):
            self = mismatch(type, context, Self.found(in: context.debugDescription))
        case .valueNotFound(let type, let context):
            self = mismatch(type, context, "null")
        case .dataCorrupted(let context):
            guard let path = path(context) else {
                self = WireError("Expected a JSON body; found invalid JSON.", code: "invalid_json")
                return
            }
            let own = context.codingPath.count <= depth
            let wanted = own ? expected : nil
            self =
                wanted.map { .value(path, expected: $0, found: found ?? "an unreadable value") }
                ?? WireError("\(path): \(context.debugDescription)", param: path, code: "invalid_value")
        @unknown default:
            self = WireError("Expected a JSON body; reading it failed: \(error).", code: "invalid_json")
        }
    }

    /// The decoder reports what it found only within a sentence: "Expected to decode X but found Y instead."
    private static func found(in sentence: String) -> String {
        guard let start = sentence.range(of: "but found "), let end = sentence.range(of: " instead") else {
            return "another type"
        }
        return String(sentence[start.upperBound..<end.lowerBound])
    }

    private static func words(for type: any Any.Type) -> String {
        switch type {
        case is String.Type: "a string"
        case is Bool.Type: "true or false"
        case is Int.Type: "an integer"
        case is Double.Type: "a number"
        case is [String: Any].Type: "an object"
        case is [Any].Type: "an array"
        default: String(describing: type).hasPrefix("Array") ? "an array" : "an object"
        }
    }
}
