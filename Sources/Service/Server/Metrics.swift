import Foundation
import Generation
import HTTP
import Synchronization
import Tensors
import Workers
package import Workshop

/// The server's counters, written in Prometheus's text format. Times are in seconds, sizes in bytes.
package final class Metrics: Sendable {
    private struct RequestKey: Hashable {
        let route: String
        let method: String
        let status: Int
    }

    private struct State {
        var requests: [RequestKey: Int] = [:]
        var durations: [String: Histogram] = [:]
        var answers = AnswerHistograms()
        var bytesSent = 0
    }

    private let state = Mutex(State())
    private let started = Date().timeIntervalSince1970

    package init() {}

    func record(_ observation: Service.Observation) {
        let route = observation.route.isEmpty ? "none" : observation.route
        state.withLock { state in
            let key = RequestKey(route: route, method: Self.known(observation.method), status: observation.status)
            state.requests[key, default: 0] += 1
            state.durations[route, default: Histogram()].add(observation.seconds)
            state.bytesSent += observation.bytesSent
        }
    }

    func answered(_ times: AnswerTimes) { state.withLock { $0.answers.add(times) } }

    /// Clients may send any word as a method, and each would become a series.
    private static func known(_ method: String) -> String {
        ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"].contains(method) ? method : "other"
    }

    package func text(_ runtime: Runtime?, _ workshop: Workshop? = nil, _ condition: Condition) -> String {
        var page = Exposition()
        let state = state.withLock { $0 }
        page.begin("cord_http_requests_total", "counter", "Requests that have ended, by route, method and status.")
        for (key, count) in state.requests.sorted(by: { "\($0.key)" < "\($1.key)" }) {
            page.sample([("route", key.route), ("method", key.method), ("status", "\(key.status)")], Double(count))
        }
        page.begin("cord_http_request_duration_seconds", "histogram", "From the first line of a request to the last byte of its response.")
        for (route, histogram) in state.durations.sorted(by: { $0.key < $1.key }) { page.histogram(histogram, [("route", route)]) }
        page.single("cord_http_response_bytes_total", "counter", "Bytes of response bodies sent.", Double(state.bytesSent))
        page.begin("cord_time_to_first_token_seconds", "histogram", "From a question's arrival to the first token of its answer.")
        page.histogram(state.answers.firstToken, [])
        if let runtime {
            engine(runtime, &page)
            runtime.describeToRouters(on: &page, state.answers)
            page.begin("cord_work_waiting", "gauge", "Pieces of work that wait for a thread, by kind.")
            for queue in runtime.queues.all { page.sample([("queue", queue.name)], Double(queue.waiting)) }
        }
        workshop?.describe(on: &page)
        degradation(condition, &page)
        process(&page)
        return page.text
    }

    private func engine(_ runtime: Runtime, _ page: inout Exposition) {
        let engine = runtime.engine.statistics
        page.single("cord_questions_total", "counter", "Questions that the engine took up.", Double(engine.requests))
        page.single("cord_questions_cancelled_total", "counter", "Questions whose clients went away.", Double(engine.cancelled))
        page.single("cord_prompt_tokens_total", "counter", "Tokens of prompts, audio embeddings included.", Double(engine.promptTokens))
        page.single("cord_cached_tokens_total", "counter", "Prompt tokens that were found in the cache.", Double(engine.cachedTokens))
        page.single("cord_completion_tokens_total", "counter", "Tokens generated.", Double(engine.completionTokens))
        page.single("cord_audio_seconds_total", "counter", "Seconds of sound heard.", engine.audioSeconds)
        page.single("cord_forward_passes_total", "counter", "Forward passes of the decoder.", Double(engine.forwardPasses))
        page.single("cord_answers_running", "gauge", "Answers that grow now.", Double(engine.running))
        page.single("cord_questions_waiting", "gauge", "Questions in the queue.", Double(engine.waiting))
        page.single("cord_cache_blocks", "gauge", "Blocks of keys and values in use.", Double(engine.cacheBlocks))
        page.single("cord_cache_block_limit", "gauge", "Blocks of keys and values that there may be.", Double(engine.cacheBlockLimit))
        page.single("cord_cache_bytes", "gauge", "Memory of those blocks.", Double(engine.cacheBlocks * engine.blockBytes))
        page.single("cord_embedding_cache_bytes", "gauge", "Memory of clips' embeddings that are remembered.", Double(engine.embeddingBytes))
        page.single("cord_buffer_pool_bytes", "gauge", "Memory that the arithmetic keeps for its next pass.", Double(Buffer.pooledBytes))
        page.begin("cord_weights_info", "gauge", "The models served and their weight versions.")
        for entry in runtime.versions.entries {
            page.sample([("model", entry.name), ("version", entry.versionID), ("dtype", runtime.model.dtype)], 1)
        }
    }

    private func degradation(_ condition: Condition, _ page: inout Exposition) {
        page.begin("cord_degraded", "gauge", "Why the server is not as its operator left it, a sample a reason; 0 without one.")
        let reasons = condition.reasons
        if reasons.isEmpty { page.sample([], 0) }
        for reason in reasons { page.sample([("reason", reason)], 1) }
    }

    private func process(_ page: inout Exposition) {
        if let pages = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ").dropFirst().first,
            let count = Double(pages)
        {
            page.single("process_resident_memory_bytes", "gauge", "Resident memory.", count * Double(sysconf(Int32(_SC_PAGESIZE))))
        }
        if let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
            page.single("process_open_fds", "gauge", "Open file descriptors.", Double(open))
        }
        if let threads = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count {
            page.single("process_threads", "gauge", "Threads.", Double(threads))
        }
        page.single("process_start_time_seconds", "gauge", "Unix time of the start.", started)
        page.begin("cord_info", "gauge", "The version of this program.")
        page.sample([("version", Build.version)], 1)
    }
}

/// Cumulative buckets.
struct Histogram {
    /// From a millisecond to five minutes.
    static let seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
    static let tokens: [Double] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000]

    let bounds: [Double]
    private(set) var counts: [Int]
    private(set) var sum = 0.0

    init(_ bounds: [Double] = Histogram.seconds) {
        self.bounds = bounds
        counts = [Int](repeating: 0, count: bounds.count + 1)
    }

    mutating func add(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
    }
}

/// Durations of answered questions.
struct AnswerHistograms {
    private(set) var firstToken = Histogram()
    private(set) var betweenTokens = Histogram()
    private(set) var perToken = Histogram()
    private(set) var whole = Histogram()
    private(set) var queued = Histogram()
    private(set) var prefill = Histogram()
    private(set) var decode = Histogram()
    private(set) var promptTokens = Histogram(Histogram.tokens)
    private(set) var completionTokens = Histogram(Histogram.tokens)

    mutating func add(_ times: AnswerTimes) {
        firstToken.add(times.firstToken)
        whole.add(times.whole)
        queued.add(times.queued)
        prefill.add(times.prefill)
        decode.add(times.decode)
        promptTokens.add(Double(times.promptTokens))
        completionTokens.add(Double(times.completionTokens))
        for seconds in times.between { betweenTokens.add(seconds) }
        if !times.between.isEmpty { perToken.add(times.between.reduce(0, +) / Double(times.between.count)) }
    }
}

/// The text of the page while it is built.
struct Exposition {
    var text = ""
    private var name = ""

    mutating func begin(_ name: String, _ type: String, _ help: String) {
        self.name = name
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    mutating func sample(_ labels: [(String, String)], _ value: Double, suffix: String = "") {
        let pairs = labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
        text += name + suffix + (pairs.isEmpty ? "" : "{\(pairs)}") + " \(Self.number(value))\n"
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
    }

    mutating func single(_ name: String, _ type: String, _ help: String, _ value: Double) {
        begin(name, type, help)
        sample([], value)
    }

    mutating func histogram(_ histogram: Histogram, _ labels: [(String, String)]) {
        var total = 0
        for (bound, count) in zip(histogram.bounds.map(Self.number) + ["+Inf"], histogram.counts) {
            total += count
            sample(labels + [("le", bound)], Double(total), suffix: "_bucket")
        }
        sample(labels, histogram.sum, suffix: "_sum")
        sample(labels, Double(total), suffix: "_count")
    }

    private static func escaped(_ value: String) -> String {
        value.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
            .replacingOccurrences(of: "\n", with: "\\n")
    }
}
