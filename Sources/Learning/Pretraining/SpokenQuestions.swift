import Audio
import Foundation
import Generation
import Questions
import Randomness
import Speech
import Synchronization
import Tensors

/// A folder of spoken questions in memory, 16 bits a sample.
struct SpokenQuestions: Sendable {
    private let items: [(item: SpokenItem, samples: [Int16])]
    private let longest: Double

    /// Reads a folder that ``SpokenSet`` wrote; clips longer than the model's window are left out.
    init(_ folder: URL, windowSeconds: Double) throws {
        longest = windowSeconds
        let lines = try Data(contentsOf: folder.appendingPathComponent("manifest.jsonl"))
            .split(separator: UInt8(ascii: "\n"))
        items = try lines.compactMap { line in
            let item = try JSONDecoder().decode(SpokenItem.self, from: Data(line))
            if item.seconds > windowSeconds { return nil }
            let bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent(item.audio)))
            let clip = try AudioDecoder.decode(bytes, limits: AudioLimits(maxSeconds: 60))
            return (item, clip.samples.map { Int16(max(-32768, min(32767, ($0 * 32767).rounded()))) })
        }
        if items.isEmpty { throw PretrainingError.speech(folder.path, "it has none") }
    }

    private init(_ items: [(item: SpokenItem, samples: [Int16])], longest: Double) {
        self.items = items
        self.longest = longest
    }

    /// The clips of the first `count` questions.
    func first(_ count: Int) -> SpokenQuestions {
        var questions: Set<String> = []
        return SpokenQuestions(
            items.filter { questions.contains($0.item.question) || questions.count < count && questions.insert($0.item.question).inserted },
            longest: longest)
    }

    /// The clips of step `step`, each on a way of its own to the microphone; every epoch is a permutation of all.
    /// - Parameter words: Typed behind the clip.
    func batch(
        _ count: Int, step: Int, seed: UInt64, _ model: LoadedModel, words: String? = nil
    ) throws -> [(question: SpokenItem, prompt: Prompt)] {
        var orders: [Int: [Int]] = [:]
        let chosen = (step * count..<(step + 1) * count).map { place in
            let epoch = place / items.count
            if orders[epoch] == nil {
                var random = RandomStream(seed: seed &+ UInt64(epoch), part: "order")
                orders[epoch] = random.shuffled(Array(items.indices))
            }
            return (place, items[orders[epoch]![place % items.count]])
        }
        let prompts = Mutex([Result<Prompt, any Error>?](repeating: nil, count: count))
        Threads.parallel(count, grain: 1) { range in
            for index in range {
                let (place, (item, samples)) = chosen[index]
                let prompt = Result { try self.prompt(item, samples, place: place, seed: seed, model, words) }
                prompts.withLock { $0[index] = prompt }
            }
        }
        return try zip(chosen, prompts.withLock { $0 }).map { ($0.1.item, try $1!.get()) }
    }

    private func prompt(
        _ item: SpokenItem, _ samples: [Int16], place: Int, seed: UInt64, _ model: LoadedModel, _ words: String?
    ) throws -> Prompt {
        var random = RandomStream(seed: seed &+ UInt64(place), part: item.id)
        let clean = samples.map { Float($0) / 32768 }
        var noisy = try Augmentation.training(&random).applied(to: clean, &random)
        if Double(noisy.count) > longest * Double(AudioClip.sampleRate) { noisy = clean }
        return try model.prompt(hearing: noisy, named: "\(item.id)/\(place)", words)
    }
}

extension LoadedModel {
    /// The prompt of one clip, `words` typed behind it. The name takes a hash's place: no clip of training is heard twice.
    func prompt(hearing samples: [Float], named name: String, _ words: String?) throws -> Prompt {
        let source = AudioSource(
            sampleRate: AudioClip.sampleRate, channels: 1, format: "samples",
            seconds: Double(samples.count) / Double(AudioClip.sampleRate), sha256: name)
        let clip = AudioClip(samples: samples, source: source)
        return try prompt([Message(role: "user", parts: [.audio(clip)] + (words.map { [.text($0)] } ?? []))])
    }
}

/// The share of tokens that greedy CTC decoding gets wrong: edits between what is read and the labels, over the labels.
struct TokenError {
    private(set) var edits = 0
    private(set) var labels = 0

    var rate: Double { labels == 0 ? 0 : Double(edits) / Double(labels) }

    /// `best` holds each row's most probable token, clips one after the other.
    init(_ best: [Int32], lengths: [Int], labels: [[Int32]], blank: Int32) {
        var row = 0
        for (length, expected) in zip(lengths, labels) {
            var read: [Int32] = []
            for place in row..<row + length where best[place] != blank && (place == row || best[place] != best[place - 1]) {
                read.append(best[place])
            }
            row += length
            edits += Self.distance(read, expected)
            self.labels += expected.count
        }
    }

    /// Levenshtein's distance.
    private static func distance(_ a: [Int32], _ b: [Int32]) -> Int {
        var costs = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var diagonal = costs[0]
            costs[0] = i + 1
            for (j, y) in b.enumerated() {
                let best = min(costs[j] + 1, costs[j + 1] + 1, diagonal + (x == y ? 0 : 1))
                diagonal = costs[j + 1]
                costs[j + 1] = best
            }
        }
        return costs[b.count]
    }
}
