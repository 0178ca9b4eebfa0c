import Foundation

/// The files that `Tests/Fixtures/audio/make.py` wrote.
enum AudioFixtures {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/audio")

    static let clipNames: [String] = {
        let names = try? FileManager.default.contentsOfDirectory(atPath: folder.appending(path: "clips").path)
        precondition(names?.isEmpty == false, "no clips under \(folder.path)")
        return names!.sorted()
    }()

    /// Raise it by the environment for a longer search.
    static let corruptionsPerClip = ProcessInfo.processInfo.environment["AUDIO_CORRUPTIONS"].flatMap(Int.init) ?? 40

    static func clip(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appending(path: "clips/\(name)")))
    }

    static func json<T: Decodable>(_ type: T.Type, _ name: String) throws -> T {
        try JSONDecoder().decode(type, from: Data(contentsOf: folder.appending(path: name)))
    }
}

/// SplitMix64: a small generator whose sequence a seed fixes.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
