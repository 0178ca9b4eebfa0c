package import API

/// `{"id","object","deleted":true}`, OpenAI's answer to a deletion.
package struct DeletedObject: Codable, Equatable, Sendable {
    package var id: String
    package var object: String
    package var deleted = true
}

/// The body of every error answer.
package struct ErrorBody: Codable, Equatable, Sendable {
    package struct Detail: Codable, Equatable, Sendable {
        package var message: String
        package var type: String
        @Nullable package var param: String? = nil
        @Nullable package var code: String? = nil
    }

    package var error: Detail

    /// - Parameter type: OpenAI's class of error, as in `invalid_request_error` or `rate_limit_error`.
    init(message: String, type: String, param: String? = nil, code: String? = nil) {
        error = Detail(message: message, type: type, param: param, code: code)
    }
}
