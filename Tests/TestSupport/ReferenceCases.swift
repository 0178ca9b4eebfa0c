package import Foundation

/// `cases.json` of a checkpoint under `Tests/Fixtures/FAMILY`: prompts with their clips, for which `goldens.safetensors` and other files
/// hold what other implementations compute. The README of the first family's fixtures has the layout.
package struct ReferenceCases: Sendable {
    package struct Case: Decodable, Sendable {
        package let name: String
        /// One placeholder for each clip.
        package let promptIDs: [Int32]
        /// A slot for each embedding.
        package let inputIDs: [Int32]
        package let clips: [String]
        /// Where the slots are; nil where their token stands nowhere else.
        private let slots: [Int]?
        /// The greedy answer, without what ends it.
        package let continuationIDs: [Int32]?

        private enum CodingKeys: String, CodingKey {
            case name, clips, slots
            case promptIDs = "prompt_ids"
            case inputIDs = "input_ids"
            case continuationIDs = "continuation_ids"
        }

        /// The places of the slots, which `token` fills.
        package func slots(of token: Int32) -> [Int] { slots ?? inputIDs.indices.filter { inputIDs[$0] == token } }
    }

    /// Either a file beside `cases.json`, or `samples` samples of a formula.
    package struct Clip: Decodable, Sendable {
        package let samples: Int
        package let seed: UInt32?
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
        package let inputIDs: [Int32]
        package let messages: [Message]

        private enum CodingKeys: String, CodingKey {
            case name, messages
            case inputIDs = "input_ids"
        }
    }

    /// The ids that the family's processor makes of a request for a clip's words.
    package struct Transcription: Decodable, Sendable {
        package let clip: String
        /// ISO 639.
        package let language: String?
        package let inputIDs: [Int32]

        private enum CodingKeys: String, CodingKey {
            case clip, language
            case inputIDs = "input_ids"
        }
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
        let transcriptions: [Transcription]?
        let adapter: Adapter?
    }

    /// Checkpoints of every family but the first, which has suites of its own: those that have an adapter beside their weights.
    package static let others: [String] = {
        func folders(_ path: String) -> [String] {
            (try? FileManager.default.contentsOfDirectory(atPath: fixtures.appending(path: path).path))?.sorted() ?? []
        }
        let paths = folders("").flatMap { family in folders(family).map { family + "/" + $0 } }
        let found = paths.filter { folders($0 + "/adapter").contains("adapter_config.json") }
        precondition(found.count >= 4, "families in \(fixtures.path): \(found)")
        return found
    }()

    package let directory: URL
    package let clips: [String: Clip]
    package let cases: [Case]
    package let chats: [Chat]
    package let transcriptions: [Transcription]
    package let adapter: Adapter?

    /// - Parameter path: the family's folder, a slash, and the checkpoint's name.
    /// - Throws: also where there is no case.
    package init(_ path: String) throws {
        directory = fixtures.appending(path: path)
        let place = directory.appending(path: "cases.json")
        let file = try JSONDecoder().decode(File.self, from: Data(contentsOf: place))
        (clips, cases, chats, transcriptions, adapter) = (file.clips, file.cases, file.chats ?? [], file.transcriptions ?? [], file.adapter)
        if cases.isEmpty { throw CocoaError(.fileReadCorruptFile, userInfo: [NSFilePathErrorKey: place.path]) }
    }

    package var goldens: URL { directory.appending(path: "goldens.safetensors") }

    package func named(_ name: String) -> Case? { cases.first { $0.name == name } }
}

extension ReferenceCases.Clip {
    /// The samples of the formula in the fixtures' README; nil for a file.
    package var synthetic: [Float]? {
        guard let seed else { return nil }
        var noise = seed
        var phase: UInt32 = 0
        var step = 20_000_000 &+ seed % 97 &* 400_000
        return (0..<samples).map { index in
            noise = noise &* 1_664_525 &+ 1_013_904_223
            phase = phase &+ step
            step = (step &+ 2_000 &+ seed % 1_000) % 800_000_000
            let triangle = abs(Int(phase >> 15) - 65_536) - 32_768
            let loud = 256 - abs(((index >> 5) & 511) - 256)
            return Float(((triangle * loud) >> 10) + ((Int(noise >> 16) - 32_768) >> 5)) / 32_768
        }
    }
}
