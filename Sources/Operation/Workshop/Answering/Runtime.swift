import Audio
package import Foundation
package import Generation
import JSON
import Models
package import Tokenization
import Workers

/// A loaded model with its engine: what turns a submitted conversation into an ``Inquiry``.
///
///     messages → (fetch) → decode → prompt     on threads of their own
///     model name → weight version              pinned for the whole answer
package final class Runtime: Sendable {
    package let engine: Engine
    package let versions: VersionRegistry
    package let limits: AnswerLimits
    package let queues = WorkQueues()
    let structures: Structures
    private let remote: RemoteAudio
    private let answered: @Sendable (AnswerTimes) -> Void

    package var model: LoadedModel { engine.model }

    package init(
        _ engine: Engine, limits: AnswerLimits = AnswerLimits(), answered: @escaping @Sendable (AnswerTimes) -> Void = { _ in }
    ) {
        self.engine = engine
        self.limits = limits
        self.answered = answered
        structures = Structures(engine.model)
        versions = VersionRegistry(baseName: engine.model.name, root: engine.model.name)
        remote = RemoteAudio(hosts: limits.audioHosts, maxBytes: limits.fetchBytes, time: limits.fetchTime)
    }

    /// Loads an adapter and serves it under `name` from the next request on.
    package func loadAdapter(_ directory: URL, name: String) throws {
        let version = try model.version(fromPEFT: directory, id: "\(name)-\(try AdapterDigest.short(directory))")
        // Clients see the name of the adapter's folder, not its path.
        try versions.add(name, version, root: directory.standardizedFileURL.lastPathComponent)
    }

    package func unloadAdapter(_ name: String) throws {
        let entry = try versions.remove(name)
        guard let version = entry.version else { return }
        if !versions.entries.contains(where: { $0.version?.id == version.id }) { engine.forget(version: version.id) }
    }

    /// The weights behind a model's name. Stored versions are loaded on a queue where that delays nobody.
    func entry(_ name: String?) async throws -> VersionRegistry.Entry {
        if let entry = versions.registered(name) { return entry }
        return try await queues.versions.run { [versions] in try versions.entry(name) }
    }

    /// Decodes the clips, builds the prompt and starts to answer.
    ///
    /// - Parameters:
    ///   - options: `maxTokens` is reduced to the room left in the context.
    ///   - prefix: The start of the id, as in `chatcmpl-`.
    ///   - variables: The chat template's variables beside the messages.
    ///   - scoring: Which tokens of the prompt are scored.
    ///   - isLowPriority: Whether other requests come first.
    /// - Throws: ``WorkshopError`` or ``UnheardClip`` with the path of the offending part.
    package func ask(
        _ messages: [SubmittedMessage], model name: String?, options: SamplingOptions, prefix: String,
        variables: [String: TemplateValue] = [:], scoring: PromptScoring? = nil, isLowPriority: Bool = false
    ) async throws -> Inquiry {
        let start = ContinuousClock.now
        let (entry, prompt) = try await withTimeLimit(limits.time, timeout: { Self.timeIsOver }) { [self] in
            (try await self.entry(name), try await self.prompt(messages, variables: variables))
        }
        var options = options
        options.maxTokens = max(1, min(options.maxTokens, model.model.contextLength - prompt.tokens.count))
        let request = GenerationRequest(
            prompt: prompt, options: options, version: entry.version, scoring: scoring, isLowPriority: isLowPriority)
        return try inquiry(request, of: entry, id: Self.identifier(prefix), since: start)
    }

    /// Hands a request to the engine.
    func inquiry(
        _ request: GenerationRequest, of entry: VersionRegistry.Entry, id: String, since start: ContinuousClock.Instant
    ) throws -> Inquiry {
        let size = model.model.decoder.configuration.vocabularySize
        if let other = request.options.logitBias.keys.first(where: { $0 < 0 || $0 >= size }) {
            throw WorkshopError(
                .unknownToken, "logit_bias: expected ids of tokens below \(size); found \(other).", at: "logit_bias")
        }
        let events = try engine.generate(request)
        return Inquiry(
            id: id, created: Int(Date().timeIntervalSince1970), model: entry.name, version: entry.versionID, request: request,
            tokenizer: model.tokenizer, preparation: start.secondsUntilNow,
            timeLimit: max(.zero, limits.time - (ContinuousClock.now - start)), answered: answered, events: events)
    }

    static let timeIsOver = WorkshopError(.timeIsOver, "The answer took longer than this server allows for one request.")

    /// `prefix` followed by 24 letters and digits.
    package static func identifier(_ prefix: String) -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
        return prefix + String((0..<24).map { _ in letters[Int.random(in: 0..<letters.count)] })
    }

    /// The prompt of a conversation, with all clips decoded.
    ///
    /// - Parameter variables: The chat template's variables beside the messages.
    package func prompt(_ messages: [SubmittedMessage], variables: [String: TemplateValue] = [:]) async throws -> Prompt {
        try checkSize(messages)
        var fetched: [SubmittedSound] = []
        for sound in messages.flatMap(\.sounds) { fetched.append(try await remote.fetched(sound)) }
        let sounds = fetched
        let budget = ClipBudget(model, maxSeconds: limits.clipSeconds, promptTokens: promptLimit)
        let model = model
        let prompt = try await (sounds.isEmpty ? queues.reading : queues.hearing).run { cancellation in
            var budget = budget
            var clips = try sounds.map { sound in
                try cancellation.check()
                let bytes = try sound.bytes
                return try unsafe budget.decode(bytes.span.bytes, at: sound.place) { cancellation.isCancelled }
            }[...]
            try cancellation.check()
            return try model.prompt(messages.map { $0.map { _ in clips.removeFirst() } }, variables: variables)
        }
        let most = promptLimit
        if prompt.tokens.count > most { throw EngineError.promptTooLong(tokens: prompt.tokens.count, limit: most) }
        return prompt
    }

    var promptLimit: Int { min(limits.promptTokens ?? .max, model.model.contextLength - 1) }

    /// Refuses what cannot fit before any work is spent on it.
    private func checkSize(_ messages: [SubmittedMessage]) throws(WorkshopError) {
        var clips = 0
        var bytes = 0
        for part in messages.flatMap(\.parts) {
            switch part {
            case .text(let text): bytes += text.utf8.count
            case .audio: clips += 1
            }
        }
        if clips > limits.clips {
            throw WorkshopError(
                .tooManyClips, "The conversation has \(clips) clips; this server hears at most \(limits.clips) in one.", at: "messages")
        }
        for call in messages.flatMap(\.calls) { bytes += call.arguments.text.utf8.count }
        try checkSize(bytes, at: "messages")
    }

    /// Refuses a text whose bytes could not be spelled by all the tokens of the context.
    package func checkSize(_ bytes: Int, at place: String) throws(WorkshopError) {
        // A token of more than 128 bytes hardly exists.
        guard bytes > (promptLimit + 1) * 128 else { return }
        throw WorkshopError(
            .contextExceeded, "\(place): found \(bytes) bytes of text; the model's context of \(promptLimit + 1) tokens cannot hold them.",
            at: place)
    }
}
