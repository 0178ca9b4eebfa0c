import Dispatch
package import Foundation
package import FoundationNetworking
import Synchronization

/// One request and its answer within bounds: no redirects, a limit on bytes, and a limit on the total time.
package final class BoundedExchange: NSObject, URLSessionDataDelegate {
    private struct State {
        var body = Data()
        var failure: EndpointError?
        var continuation: CheckedContinuation<Data, any Error>?
        var task: URLSessionDataTask?
        var isCancelled = false
    }

    /// A queue that always gets a thread, even if the global queues are busy.
    private static let alarms = DispatchQueue(label: "cord.alarms")

    private let state = Mutex(State())
    private let request: URLRequest
    private let timeout: Double
    private let maximumBytes: Int

    package init(_ request: URLRequest, timeout: Double, maximumBytes: Int) {
        self.request = request
        self.timeout = timeout
        self.maximumBytes = maximumBytes
    }

    private var url: String { request.url?.absoluteString ?? "the endpoint" }

    package func answer() async throws -> Data {
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = timeout
        // Foundation crashes if a task is cancelled while it looks into a cache.
        configuration.urlCache = nil
        let session = URLSession(configuration: configuration, delegate: self, delegateQueue: nil)
        // The session holds its delegate until then.
        defer { session.finishTasksAndInvalidate() }
        let task = session.dataTask(with: request)
        // The session's own limit counts from the last byte, which a slowly sending endpoint never reaches.
        let alarm = DispatchWorkItem { [weak self] in
            guard let self else { return }
            fail(.timedOut(url: url, seconds: timeout))
        }
        Self.alarms.asyncAfter(deadline: .now() + timeout, execute: alarm)
        defer { alarm.cancel() }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let starts = state.withLock { state in
                    state.continuation = continuation
                    state.task = task
                    return !state.isCancelled
                }
                if starts { task.resume() } else { finish(.failure(CancellationError())) }
            }
        } onCancel: {
            state.withLock { $0.isCancelled = true }
            task.cancel()
        }
    }

    /// Remembers the first reason and stops reading.
    private func fail(_ error: EndpointError) {
        let task = state.withLock { state in
            state.failure = state.failure ?? error
            return state.task
        }
        task?.cancel()
    }

    private func finish(_ result: Result<Data, any Error>) {
        let continuation = state.withLock { state in
            defer { state.continuation = nil }
            return state.continuation
        }
        continuation?.resume(with: result)
    }

    package func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let isTooLarge = state.withLock { state in
            state.body.append(data)
            return state.body.count > maximumBytes
        }
        if isTooLarge { fail(.tooLarge(url: url, limit: maximumBytes)) }
    }

    package func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        completionHandler(nil)
    }

    package func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        let (body, failure, isCancelled) = state.withLock { ($0.body, $0.failure, $0.isCancelled) }
        if isCancelled { return finish(.failure(CancellationError())) }
        if let failure { return finish(.failure(failure)) }
        if let error {
            let isTimeout = (error as? URLError)?.code == .timedOut
            return finish(
                .failure(
                    isTimeout
                        ? EndpointError.timedOut(url: url, seconds: timeout)
                        : .unreachable(url: url, reason: error.localizedDescription)))
        }
        guard let response = task.response as? HTTPURLResponse else {
            return finish(
                .failure(EndpointError.unexpected(url: url, expected: "an HTTP answer", found: "something else")))
        }
        guard (200..<300).contains(response.statusCode) else {
            let excerpt = String(decoding: body.prefix(300), as: UTF8.self)
            let retryAfter = response.value(forHTTPHeaderField: "Retry-After").flatMap(Double.init)
            return finish(
                .failure(
                    EndpointError.status(
                        url: url, code: response.statusCode, excerpt: excerpt, retryAfter: retryAfter)))
        }
        finish(.success(body))
    }
}
