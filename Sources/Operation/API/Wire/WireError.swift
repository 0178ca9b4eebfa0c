/// Why a body, form or query could not be read: the place, what was expected there and what was found.
package struct WireError: Error, Equatable, CustomStringConvertible, Sendable {
    package var message: String
    /// The path of the offending member, as in `messages[0].content[1].type`; nil if the whole body is at fault.
    package var param: String?
    /// A stable code for programs: `invalid_value`, `invalid_type`, `missing_required_parameter`, `unknown_parameter`, `unsupported_parameter`,
    /// `invalid_json`, `json_too_deep`, `json_too_large`, `invalid_unicode`.
    package var code: String

    package init(_ message: String, param: String? = nil, code: String) { (self.message, self.param, self.code) = (message, param, code) }

    package var description: String { message }

    static func value(_ path: String, expected: String, found: String) -> WireError {
        WireError("\(path): expected \(expected); found \(found).", param: path, code: "invalid_value")
    }
}

/// A coding path in its written form: `messages[0].content[1].type`.
func pathText(_ path: [any CodingKey]) -> String {
    path.reduce(into: "") { text, key in
        if let index = key.intValue {
            text += "[\(index)]"
        } else {
            text += text.isEmpty ? key.stringValue : "." + key.stringValue
        }
    }
}
