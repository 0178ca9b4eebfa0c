import Foundation

/// `cases.json` of a checkpoint under `Tests/Fixtures/qwen2audio`: prompts with their clips, for which other files hold what other
/// implementations compute.
package struct ReferenceCases: Decodable, Sendable {
    package struct Case: Decodable, Sendable {
        package let name: String
        package let inputIDs: [Int32]
        package let clips: [String]

        private enum CodingKeys: String, CodingKey {
            case name, clips
            case inputIDs = "input_ids"
        }
    }

    /// Either a file beside `cases.json`, or `samples` samples of a formula.
    package struct Clip: Decodable, Sendable {
        package let samples: Int
        package let seed: UInt32?
        package let file: String?
    }

    package let clips: [String: Clip]
    package let cases: [Case]

    /// - Throws: also where there is no case.
    package init(_ checkpoint: String) throws {
        let file = fixtures.appending(path: "qwen2audio/\(checkpoint)/cases.json")
        self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: file))
        if cases.isEmpty { throw CocoaError(.fileReadCorruptFile, userInfo: [NSFilePathErrorKey: file.path]) }
    }

    package func named(_ name: String) -> Case? { cases.first { $0.name == name } }
}

extension ReferenceCases.Clip {
    /// The samples of the formula in `Tests/Fixtures/qwen2audio/README.md`; nil for a file.
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
