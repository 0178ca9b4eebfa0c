import Hashing
import Audio
import Foundation
import Questions
import Speech
import Testing

@Suite struct SpokenSetTests {
    private func texts(_ count: Int) throws -> [SpokenText] {
        try QuestionGenerator.distinct(count, seed: 1, split: .test).map(SpokenText.init)
    }

    private func contents(_ folder: URL) throws -> [String: Data] {
        var files: [String: Data] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: folder.path) {
            files[path] = try? Data(contentsOf: folder.appendingPathComponent(path))
        }
        return files
    }

    @Test func aSetIsTheSameBytesWhateverTheWorkers() async throws {
        let set = SpokenSet(
            texts: try texts(12), voices: Voice.heldOut, voicesPerText: 2,
            augmentation: Augmentation(noise: 15...40, speed: 0.92...1.08, gain: -6...3), format: .flac, seed: 3)
        let one = try TemporaryFolder()
        let many = try TemporaryFolder()
        let items = try await set.write(to: one.url, speaker: Speaker(synthesizer: Humming(), workers: 1))
        try await set.write(to: many.url, speaker: Speaker(synthesizer: Humming(), workers: 8))
        let (first, second) = (try contents(one.url), try contents(many.url))
        #expect(first == second)
        #expect(first.count { $0.key.hasSuffix(".flac") } == 24)
        #expect(items.count == 24 && Set(items.map(\.question)).count == 12)
    }

    @Test func voicesSpeakEquallyOftenAndDifferentOnesPerText() async throws {
        let folder = try TemporaryFolder()
        let set = SpokenSet(texts: try texts(20), voices: Voice.heldOut, voicesPerText: 2, format: .wav, seed: 5)
        let items = try await set.write(to: folder.url, speaker: Speaker(synthesizer: Humming()))
        for voice in Voice.heldOut { #expect(items.count { $0.voice == voice.id } == 10) }
        for question in Set(items.map(\.question)) {
            #expect(Set(items.filter { $0.question == question }.map(\.voice)).count == 2)
        }
    }

    @Test func manifestLinesDescribeTheirFiles() async throws {
        let folder = try TemporaryFolder()
        let set = SpokenSet(texts: try texts(6), voices: Voice.heldOut, format: .opus, seed: 1)
        let items = try await set.write(to: folder.url, speaker: Speaker(synthesizer: Humming()))
        let manifest = try String(contentsOf: folder.url.appendingPathComponent("manifest.jsonl"), encoding: .utf8)
        let lines = try manifest.split(separator: "\n").map {
            try JSONDecoder().decode(SpokenItem.self, from: Data($0.utf8))
        }
        #expect(lines == items && items.count == 6)
        for item in items {
            let bytes = [UInt8](try Data(contentsOf: folder.url.appendingPathComponent(item.audio)))
            #expect(SHA256.hex(bytes) == item.sha256)
            let clip = try AudioDecoder.decode(bytes, limits: AudioLimits(maxSeconds: 60))
            #expect(abs(clip.seconds - item.seconds) < 0.001)
        }
    }

    @Test func interruptedWorkGoesOnFromTheCache() async throws {
        let folder = try TemporaryFolder()
        let humming = Humming()
        let cache = try SpeechCache(folder: folder.url.appendingPathComponent("cache"))
        let speaker = Speaker(synthesizer: humming, cache: cache, workers: 2)
        let whole = SpokenSet(texts: try texts(12), voices: [Voice.training[0]], format: .wav, seed: 1)
        let half = SpokenSet(texts: Array(try texts(12).prefix(6)), voices: [Voice.training[0]], format: .wav, seed: 1)
        try await half.write(to: folder.url.appendingPathComponent("set"), speaker: speaker)
        #expect(humming.calls == 6)
        try await whole.write(to: folder.url.appendingPathComponent("set"), speaker: speaker)
        #expect(humming.calls == 12)
        #expect(humming.mostAtOnce <= 2)
    }

    @Test func aDamagedCacheFileIsSpokenAnew() async throws {
        let folder = try TemporaryFolder()
        let humming = Humming()
        let speaker = Speaker(synthesizer: humming, cache: try SpeechCache(folder: folder.url))
        let clip = try await speaker.clip("hello there", voice: Voice.training[0])
        let cached = try FileManager.default.subpathsOfDirectory(atPath: folder.url.path).filter { $0.hasSuffix(".wav") }
        try #require(cached.count == 1)
        for path in cached {
            try Data("RIFF".utf8).write(to: folder.url.appendingPathComponent(path))
        }
        #expect(try await speaker.clip("hello there", voice: Voice.training[0]).samples == clip.samples)
        #expect(humming.calls == 2)
    }

    @Test func equalIdentifiersOfDifferentTextsAreRefused() async throws {
        let folder = try TemporaryFolder()
        let set = SpokenSet(
            texts: [SpokenText(id: "a/b", text: "one"), SpokenText(id: "a:b", text: "two")],
            voices: [Voice.training[0]],
            seed: 1)
        await #expect(throws: SpeechError.self) {
            try await set.write(to: folder.url, speaker: Speaker(synthesizer: Humming()))
        }
    }

    @Test(arguments: ["", "  ", "?!", String(repeating: "a", count: 5000)])
    func textsThatCannotBeSpokenAreRefused(text: String) async throws {
        let humming = Humming()
        await #expect(throws: SpeechError.self) {
            try await Speaker(synthesizer: humming).clip(text, voice: Voice.training[0])
        }
        #expect(humming.calls == 0)
    }

    @Test func theBenchmarkHoldsEveryFamilyAndHeldOutVoicesOnly() throws {
        let set = try Benchmark.spokenSet()
        #expect(set.texts.count == 600)
        #expect(Set(set.texts.compactMap(\.category)) == Set(QuestionFamily.plain.map(\.rawValue)))
        #expect(set.texts.allSatisfy { QuestionSplit(text: $0.text) == .test })
        #expect(Set(set.voices.map(\.name)).isDisjoint(with: Voice.training.map(\.name)))
    }
}
