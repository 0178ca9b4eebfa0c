package import Foundation
import FoundationNetworking

/// An HTTP service with an OpenAI-compatible interface, such as a judge or a speech synthesiser.
///
/// Every request is bounded in total time, in the size of the answer and in attempts. Redirects are not followed, so
/// that the key goes only to the configured address.
package struct Endpoint: Sendable {
    /// The address with its version prefix: `https://api.example.com/v1`. An address without a path gets that prefix.
    package let base: URL
    package let timeout: Double
    package let maximumBytes: Int
    package let retries: RetryPolicy
    private let key: String?

    package init(
        base: URL, key: String? = nil, timeout: Double = 60, maximumBytes: Int = 16 << 20,
        retries: RetryPolicy = .init()
    ) {
        self.base = ["", "/"].contains(base.path) ? base.appendingPathComponent("v1") : base
        self.key = key
        self.timeout = timeout
        self.maximumBytes = maximumBytes
        self.retries = retries
    }

    /// The body of the answer to `POST base/path` with a JSON body. Throws ``EndpointError``, or `CancellationError`.
    package func post(_ path: String, json body: Data) async throws -> Data { try await post(base.appendingPathComponent(path), json: body) }

    /// The same for an address of its own.
    package func post(_ url: URL, json body: Data) async throws -> Data { try await post(url, body, type: "application/json") }

    /// The same with a form.
    package func post(_ path: String, form: FormBody) async throws -> Data {
        try await post(base.appendingPathComponent(path), form.body, type: form.type)
    }

    /// The body of the answer to `GET base/path`.
    package func get(_ path: String) async throws -> Data {
        try await answer(URLRequest(url: base.appendingPathComponent(path), timeoutInterval: timeout))
    }

    private func post(_ url: URL, _ body: Data, type: String) async throws -> Data {
        var request = URLRequest(url: url, timeoutInterval: timeout)
        request.httpMethod = "POST"
        request.httpBody = body
        request.setValue(type, forHTTPHeaderField: "Content-Type")
        return try await answer(request)
    }

    private func answer(_ request: URLRequest) async throws -> Data {
        var request = request
        if let key { request.setValue("Bearer \(key)", forHTTPHeaderField: "Authorization") }
        var attempt = 1
        while true {
            do {
                return try await BoundedExchange(request, timeout: timeout, maximumBytes: maximumBytes).answer()
            } catch let error as EndpointError {
                guard let delay = retries.delay(after: attempt, error) else { throw error }
                try await Task.sleep(for: .seconds(delay))
                attempt += 1
            }
        }
    }

    /// The text of the first choice of a chat completion: one user message, greedy.
    package func chat(model: String, prompt: String, maximumTokens: Int = 512) async throws -> String {
        struct Answer: Decodable {
            struct Message: Decodable { let content: String }
            struct Choice: Decodable { let message: Message }
            let choices: [Choice]
        }
        var question = ChatQuestion(model: model, [.init(role: "user", [.text(prompt)])])
        (question.temperature, question.maxTokens) = (0, maximumTokens)
        let data = try await post("chat/completions", json: question.json())
        guard let answer = try? JSONDecoder().decode(Answer.self, from: data), let choice = answer.choices.first else {
            throw EndpointError.unexpected(
                url: base.appendingPathComponent("chat/completions").absoluteString,
                expected: "a chat completion with a choice", found: String(decoding: data.prefix(200), as: UTF8.self))
        }
        return choice.message.content
    }
}
