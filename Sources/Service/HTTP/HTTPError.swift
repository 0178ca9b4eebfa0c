internal import Foundation

/// A refusal that the client is told about: a status and the body `{"error":{"message","type","param","code"}}`.
///
/// The message says what was attempted, expected and found, and what to do next.
package struct HTTPError: Error, Sendable, CustomStringConvertible {
    package var status: Int
    package var message: String
    package var type: String
    /// The request member at fault, as in `messages[0].content`.
    package var parameter: String?
    package var code: String?
    package var headers: Headers

    /// - Parameter type: By default `invalid_request_error` for 4xx, `rate_limit_error` for 429, and
    ///   `server_error` for 5xx.
    package init(
        _ status: Int, _ message: String, type: String? = nil, parameter: String? = nil, code: String? = nil,
        headers: Headers = Headers()
    ) {
        self.status = status
        self.message = message
        self.type =
            type ?? (status == 429 ? "rate_limit_error" : status < 500 ? "invalid_request_error" : "server_error")
        self.parameter = parameter
        self.code = code
        self.headers = headers
    }

    /// A 429 or 503 that asks the client to come back.
    package static func busy(_ status: Int, _ message: String, retryAfter seconds: Int = 1, code: String? = nil)
        -> HTTPError
    {
        HTTPError(status, message, code: code, headers: ["retry-after": "\(seconds)"])
    }

    package var description: String { "\(status) \(code ?? type): \(message)" }

    package var json: [UInt8] {
        let body = Body(error: .init(message: message, type: type, param: parameter, code: code))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        guard let data = try? encoder.encode(body) else { preconditionFailure("an error of strings must encode") }
        return Array(data)
    }

    package var response: Response { .json(json, status: status, headers: headers) }

    private struct Body: Encodable {
        struct Detail: Encodable {
            let message: String
            let type: String
            let param: String?
            let code: String?

            enum CodingKeys: CodingKey { case message, type, param, code }

            // Clients expect all four keys, so absent values are written as null.
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: CodingKeys.self)
                try container.encode(message, forKey: .message)
                try container.encode(type, forKey: .type)
                try container.encode(param, forKey: .param)
                try container.encode(code, forKey: .code)
            }
        }
        let error: Detail
    }
}
