import Hashing
import Audio
package import Foundation
import Questions
import Randomness

/// A folder of spoken questions: `manifest.jsonl`, one ``SpokenItem`` a line, and `audio/`.
///
/// Questions, voices, augmentation and seed decide every file; the same synthesiser gives the same bytes again, whatever
/// the number of workers and however often the work was interrupted.
package struct SpokenSet: Sendable {
    package enum Format: String, Sendable, CaseIterable {
        case wav, flac, opus

        package var fileExtension: String { self == .opus ? "ogg" : rawValue }

        func bytes(_ samples: [Float]) throws -> [UInt8] {
            switch self {
            case .wav: WAVWriter.bytes(samples)
            case .flac: try SoundFileWriter.bytes(samples, encoding: .flac)
            case .opus: try SoundFileWriter.bytes(samples, encoding: .opus)
            }
        }
    }

    package let texts: [SpokenText]
    package let voices: [Voice]
    /// The number of different voices per question.
    package let voicesPerText: Int
    package let augmentation: Augmentation
    package let format: Format
    package let seed: UInt64

    package init(
        texts: [SpokenText], voices: [Voice], voicesPerText: Int = 1, augmentation: Augmentation = .none,
        format: Format = .flac, seed: UInt64
    ) {
        precondition(
            !voices.isEmpty && (1...voices.count).contains(voicesPerText), "\(voicesPerText) of \(voices.count) voices")
        self.texts = texts
        self.voices = voices
        self.voicesPerText = voicesPerText
        self.augmentation = augmentation
        self.format = format
        self.seed = seed
    }

    /// Who says what: voices in turn, so that each speaks equally often, from a start that the seed shuffles.
    var assignments: [(text: SpokenText, voice: Voice)] {
        var random = RandomStream(seed: seed, part: "voices")
        var hand: [Voice] = []
        var assignments: [(SpokenText, Voice)] = []
        for text in texts {
            var chosen: [Voice] = []
            while chosen.count < voicesPerText {
                if hand.isEmpty { hand = random.shuffled(voices) }
                let place = hand.firstIndex { voice in !chosen.contains { $0.id == voice.id } }
                if let place { chosen.append(hand.remove(at: place)) } else { hand += random.shuffled(voices) }
            }
            assignments += chosen.map { (text, $0) }
        }
        return assignments
    }

    /// Writes the folder and returns its items, in the order of the texts. The manifest comes last: a folder without one
    /// is unfinished, and writing it again goes on from the speaker's cache.
    @discardableResult
    package func write(
        to folder: URL, speaker: Speaker,
        progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws -> [SpokenItem] {
        let assignments = assignments
        try check(assignments.map { Self.identifier($0.text, $0.voice) })
        try SpeechFiles.makeFolder(folder.appendingPathComponent("audio"))
        let counter = Counter()
        let items = try await speaker.forEach(assignments) { text, voice in
            let item = try await write(text, voice, to: folder, speaker: speaker)
            progress(await counter.next(), assignments.count)
            return item
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let lines = try items.map { try encoder.encode($0) + Data("\n".utf8) }
        try SpeechFiles.write(lines.flatMap { Array($0) }, to: folder.appendingPathComponent("manifest.jsonl"))
        return items
    }

    private func write(_ text: SpokenText, _ voice: Voice, to folder: URL, speaker: Speaker) async throws -> SpokenItem {
        let clip = try await speaker.clip(text.text, voice: voice)
        let id = Self.identifier(text, voice)
        var random = RandomStream(seed: seed, part: id)
        let samples = augmentation == .none ? clip.samples : try augmentation.applied(to: clip.samples, &random)
        let bytes = try format.bytes(samples)
        let path = "audio/\(id).\(format.fileExtension)"
        try SpeechFiles.write(bytes, to: folder.appendingPathComponent(path))
        return SpokenItem(
            id: id, question: text.id, audio: path, text: text.text, answer: text.answer, task: text.task,
            category: text.category, choices: text.choices, solution: text.solution, depth: text.depth, voice: voice.id,
            seconds: Double(samples.count) / Double(AudioClip.sampleRate), sha256: SHA256.hex(bytes))
    }

    /// Both identifiers in characters that a file name takes everywhere.
    private static func identifier(_ text: SpokenText, _ voice: Voice) -> String {
        let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_+")
        return String("\(text.id)_\(voice.id)".map { allowed.contains($0) ? $0 : "-" })
    }

    private func check(_ identifiers: [String]) throws {
        var seen: Set<String> = []
        for (identifier, assignment) in zip(identifiers, assignments) where !seen.insert(identifier).inserted {
            throw SpeechError.unspeakable(
                text: assignment.text.text, reason: "its identifier '\(assignment.text.id)' is taken by another text")
        }
    }
}

private actor Counter {
    private var count = 0

    func next() -> Int {
        count += 1
        return count
    }
}
