package import Foundation

/// A checkpoint under `Tests/Fixtures/FAMILY` with what transformers computes on it (the README of the first family's has the layout).
package struct FamilyFixture: Sendable {
    package struct Case: Decodable, Sendable {
        package let name: String
        /// One placeholder for each clip.
        package let prompt_ids: [Int32]
        /// A slot for each embedding.
        package let input_ids: [Int32]
        package let clips: [String]
        package let continuation_ids: [Int32]?
    }

    package struct Clip: Decodable, Sendable {
        package let samples: Int
        /// Of a synthetic clip.
        package let seed: UInt32?
        /// A FLAC file beside the cases.
        package let file: String?
    }

    /// A conversation with the ids that the family's processor makes of it.
    package struct Chat: Decodable, Sendable {
        package struct Message: Decodable, Sendable {
            package struct Part: Decodable, Sendable {
                package let text: String?
                package let clip: String?
            }
            package let role: String
            package let parts: [Part]
        }
        package let name: String
        package let input_ids: [Int32]
        package let messages: [Message]
    }

    /// What peft's adapter in `adapter/` makes of a case, and of a random answer behind it.
    package struct Adapter: Decodable, Sendable {
        package let `case`: String
        package let answer: [Int32]
        /// −Σ log p of the answer.
        package let loss: Double
    }

    private struct File: Decodable {
        let clips: [String: Clip]
        let cases: [Case]
        let chats: [Chat]?
        let adapter: Adapter?
    }

    package static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Tests/Fixtures")

    /// Checkpoints of every family but the first, which has suites of its own.
    /// They are those that have an adapter beside their weights.
    package static let others: [String] = {
        func folders(_ path: String) -> [String] {
            (try? FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent(path).path))?.sorted() ?? []
        }
        let paths = folders("").flatMap { family in folders(family).map { family + "/" + $0 } }
        let found = paths.filter { folders($0 + "/adapter").contains("adapter_config.json") }
        precondition(found.count >= 4, "families in \(root.path): \(found)")
        return found
    }()

    package let directory: URL
    package let cases: [Case]
    package let clips: [String: Clip]
    package let chats: [Chat]
    package let adapter: Adapter?

    /// - Parameter path: the family's folder, a slash, and the checkpoint's name.
    package init(_ path: String) throws {
        directory = Self.root.appendingPathComponent(path)
        let file = try JSONDecoder().decode(File.self, from: Data(contentsOf: directory.appendingPathComponent("cases.json")))
        (cases, clips, chats, adapter) = (file.cases, file.clips, file.chats ?? [], file.adapter)
    }

    package var goldens: URL { directory.appendingPathComponent("goldens.safetensors") }
}

extension FamilyFixture.Clip {
    /// The samples of a synthetic clip, at 16 kHz: the formula of the fixtures' README.
    package var synthetic: [Float] {
        guard var noise = seed else { preconditionFailure("the clip is a file") }
        var phase: UInt32 = 0
        let sweep = noise % 1_000
        var step = 20_000_000 &+ noise % 97 &* 400_000
        return (0..<samples).map { index in
            noise = noise &* 1_664_525 &+ 1_013_904_223
            phase = phase &+ step
            step = (step &+ 2_000 &+ sweep) % 800_000_000
            let triangle = abs(Int(phase >> 15) - 65_536) - 32_768
            let loud = 256 - abs(((index >> 5) & 511) - 256)
            return Float(((triangle * loud) >> 10) + ((Int(noise >> 16) - 32_768) >> 5)) / 32_768
        }
    }
}
