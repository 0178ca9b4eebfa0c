package import API
import Audio
package import Foundation
package import Generation
package import HTTP
import Models
import Synchronization
import Workers

/// A loaded model with its engine: what turns a request of the wire into an ``Inquiry``.
///
///     parts → (fetch) → decode → prompt        on threads of their own
///     sampling fields + the model's defaults → options
///     model name → weight version              pinned for the whole answer
package final class Runtime: Sendable {
    package let engine: Engine
    package let versions: VersionRegistry
    package let limits: AnswerLimits
    private let remote: RemoteAudio
    let queues = WorkQueues()
    private let metrics: Metrics

    package var model: LoadedModel { engine.model }

    package init(_ engine: Engine, configuration: ServerConfiguration, metrics: Metrics = Metrics()) {
        self.engine = engine
        versions = VersionRegistry(baseName: engine.model.name, root: engine.model.name)
        limits = configuration.limits
        remote = RemoteAudio(
            hosts: configuration.audioHosts, maxBytes: configuration.limits.fetchBytes, time: configuration.limits.fetchTime)
        self.metrics = metrics
    }

    /// Loads the model and the adapters that the configuration names. Takes seconds; blocks.
    package static func load(_ configuration: ServerConfiguration, metrics: Metrics = Metrics()) throws -> Runtime {
        let model = try LoadedModel(
            directory: configuration.modelDirectory, name: configuration.modelName, precision: configuration.precision)
        let runtime = Runtime(Engine(model, limits: configuration.engine), configuration: configuration, metrics: metrics)
        for (name, directory) in configuration.adapters {
            try runtime.loadAdapter(directory, name: name)
        }
        return runtime
    }

    /// Reads an adapter and serves it under `name` from the next request on.
    package func loadAdapter(_ directory: URL, name: String) throws {
        let version = try model.version(fromPEFT: directory, id: "\(name)-\(try AdapterDigest.short(directory))")
        // Clients learn what the adapter's folder is called, not where it lies.
        try versions.add(name, version, root: directory.standardizedFileURL.lastPathComponent)
    }

    package func unloadAdapter(_ name: String) throws {
        let entry = try versions.remove(name)
        guard let version = entry.version else { return }
        if !versions.entries.contains(where: { $0.version?.id == version.id }) { engine.forget(version: version.id) }
    }

    /// The weights of a model's name; those of stored versions are read where that keeps nobody.
    private func entry(_ name: String?) async throws -> VersionRegistry.Entry {
        if let entry = versions.registered(name) { return entry }
        return try await queues.versions.run { [versions] in try versions.entry(name) }
    }

    /// Hears, reads and starts to answer.
    ///
    /// - Parameter prefix: What stands before `choice` in the id, as `chatcmpl-`.
    /// - Throws: ``HTTPError`` with the path of the part that is to blame.
    package func ask(
        _ messages: [API.ChatMessage], model name: String?, sampling: SamplingFields, count: Int = 1,
        logProbabilities: Int? = nil, prefix: String
    ) async throws -> Inquiry {
        let start = ContinuousClock.now
        let (entry, prompt) = try await withTimeLimit(limits.time, timeout: { Self.timeIsOver }) { [self] in
            (try await self.entry(name), try await self.prompt(messages))
        }
        let options = try options(sampling, prompt: prompt, count: count, logProbabilities: logProbabilities)
        let request = GenerationRequest(prompt: prompt, options: options, version: entry.version)
        let events = try engine.generate(request)
        return Inquiry(
            id: prefix + Self.identifier(), created: Int(Date().timeIntervalSince1970), model: entry.name,
            version: entry.versionID, request: request, tokenizer: model.tokenizer, preparation: start.secondsUntilNow,
            timeLimit: max(.zero, limits.time - (ContinuousClock.now - start)), metrics: metrics, events: events)
    }

    static let timeIsOver = HTTPError(
        504, "The answer took longer than this server allows for one request.", type: "timeout_error", code: "timeout")

    /// 24 letters and digits.
    private static func identifier() -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
        return String((0..<24).map { _ in letters[Int.random(in: 0..<letters.count)] })
    }

    /// The tokens of a conversation, with everything in it heard.
    package func prompt(_ messages: [API.ChatMessage]) async throws -> Prompt {
        try checkSize(messages)
        var submitted: [(path: String, sound: SubmittedSound)] = []
        for (index, message) in messages.enumerated() {
            for (part, content) in message.content.enumerated() {
                let path = "messages[\(index)].content[\(part)]"
                switch content {
                case .text: continue
                case .inputAudio(let data, _): submitted.append((path + ".input_audio.data", .bytes(data)))
                case .audioURL(let url):
                    submitted.append((path + ".audio_url.url", try await remote.sound(url, parameter: path + ".audio_url.url")))
                }
            }
        }
        let sounds = submitted
        let budget = ClipBudget(model, maxSeconds: limits.clipSeconds, promptTokens: promptLimit)
        let model = model
        let prompt = try await (sounds.isEmpty ? queues.reading : queues.hearing).run { cancellation in
            var budget = budget
            var clips = try sounds.map { path, sound in
                try cancellation.check()
                let bytes = try sound.bytes(parameter: path)
                return try unsafe budget.decode(bytes.span.bytes, parameter: path) { cancellation.isCancelled }
            }[...]
            try cancellation.check()
            let turns = messages.map { message in
                Message(
                    role: message.role == .developer ? "system" : message.role.rawValue,
                    parts: message.content.map { part in
                        if case .text(let text) = part { .text(text) } else { .audio(clips.removeFirst()) }
                    })
            }
            return try model.prompt(turns)
        }
        let most = promptLimit
        if prompt.tokens.count > most { throw HTTPError(EngineError.promptTooLong(tokens: prompt.tokens.count, limit: most)) }
        return prompt
    }

    private var promptLimit: Int { min(limits.promptTokens ?? .max, model.model.contextLength - 1) }

    /// Refuses what cannot fit before work is spent on it.
    private func checkSize(_ messages: [API.ChatMessage]) throws(HTTPError) {
        var clips = 0
        var bytes = 0
        for part in messages.flatMap(\.content) {
            if case .text(let text) = part { bytes += text.utf8.count } else { clips += 1 }
        }
        if clips > limits.clips {
            throw HTTPError(
                400, "The conversation has \(clips) clips; this server hears at most \(limits.clips) in one.",
                parameter: "messages", code: "too_many_clips")
        }
        try checkSize(bytes, parameter: "messages")
    }

    /// Refuses so many bytes of text that no tokens of the context could spell them.
    func checkSize(_ bytes: Int, parameter: String) throws(HTTPError) {
        // Hardly a token spells more than 128 bytes.
        guard bytes > (promptLimit + 1) * 128 else { return }
        throw HTTPError(
            400, "\(parameter): found \(bytes) bytes of text; the model's context of \(promptLimit + 1) tokens cannot hold them.",
            parameter: parameter, code: "context_length_exceeded")
    }

    /// The request's fields over the model's own defaults.
    package func options(
        _ fields: SamplingFields, prompt: Prompt, count: Int = 1, logProbabilities: Int? = nil
    ) throws(HTTPError) -> SamplingOptions {
        var options = model.defaults
        if let value = fields.temperature { options.temperature = value }
        if let value = fields.topP { options.topP = value }
        if let value = fields.topK { options.topK = min(max(0, value), model.model.decoder.configuration.vocabularySize) }
        if let value = fields.minP { options.minP = value }
        if let value = fields.frequencyPenalty { options.frequencyPenalty = value }
        if let value = fields.presencePenalty { options.presencePenalty = value }
        if let value = fields.repetitionPenalty { options.repetitionPenalty = value }
        options.stop = fields.stop
        // Below 2⁵³, so that clients whose numbers are doubles can send it back.
        options.seed = fields.seed.map { UInt64(bitPattern: Int64($0)) } ?? .random(in: 0..<1 << 53)
        options.count = count
        options.logProbabilities = logProbabilities
        let room = model.model.contextLength - prompt.tokens.count
        options.maxTokens = max(1, min(fields.maxTokens ?? options.maxTokens, room))
        return options
    }
}

extension ContinuousClock.Instant {
    var secondsUntilNow: Double { (ContinuousClock.now - self).inSeconds }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
