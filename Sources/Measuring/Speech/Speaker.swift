package import Audio

/// Texts to clips: through the cache, a bounded number at a time.
package struct Speaker: Sendable {
    package let synthesizer: any Synthesizer
    package let cache: SpeechCache?
    package let workers: Int
    /// Characters of the longest text that is spoken.
    package let maximumLength: Int

    package init(
        synthesizer: any Synthesizer, cache: SpeechCache? = nil, workers: Int = 4, maximumLength: Int = 4000
    ) {
        precondition(workers > 0, "a speaker needs at least one worker, not \(workers)")
        self.synthesizer = synthesizer
        self.cache = cache
        self.workers = workers
        self.maximumLength = maximumLength
    }

    /// `text` spoken: mono, 16 kHz, as the cache keeps it (16 bits).
    package func clip(_ text: String, voice: Voice) async throws -> AudioClip {
        guard text.contains(where: { $0.isLetter || $0.isNumber }) else {
            throw SpeechError.unspeakable(text: text, reason: "it holds no letter or digit")
        }
        guard text.count <= maximumLength else {
            throw SpeechError.unspeakable(text: text, reason: "it is longer than \(maximumLength) characters")
        }
        let key = cache?.key(text: text, voice: voice, fingerprint: synthesizer.fingerprint)
        if let key, let known = cache?.clip(key) { return known }
        let bytes = try await synthesizer.speak(text, voice: voice)
        let spoken: AudioClip
        do {
            spoken = try AudioDecoder.decode(bytes, limits: AudioLimits(maxSeconds: 600))
        } catch {
            throw SpeechError.noAudio(source: "the synthesiser", text: text, reason: error.description)
        }
        guard spoken.samples.contains(where: { abs($0) > 1e-4 }) else {
            throw SpeechError.noAudio(source: "the synthesiser", text: text, reason: "it is silent")
        }
        guard let key, let cache else { return spoken }
        try cache.store(spoken, key)
        // Read back, so that the first run and every later one see the same samples.
        return cache.clip(key) ?? spoken
    }

    /// Calls `body` for every element, at most ``workers`` at a time; the first error cancels the rest.
    func forEach<Element: Sendable, Result: Sendable>(
        _ elements: [Element], _ body: @escaping @Sendable (Element) async throws -> Result
    ) async throws -> [Result] {
        try await withThrowingTaskGroup(of: (Int, Result).self) { group in
            var results = [Result?](repeating: nil, count: elements.count)
            var next = 0
            while next < min(workers, elements.count) {
                let index = next
                group.addTask { (index, try await body(elements[index])) }
                next += 1
            }
            while let (index, result) = try await group.next() {
                results[index] = result
                if next < elements.count {
                    let index = next
                    group.addTask { (index, try await body(elements[index])) }
                    next += 1
                }
            }
            return results.compactMap { $0 }
        }
    }
}
