import Audio
import Foundation
import TestSupport
import Testing

/// Log-mel features against transformers' WhisperFeatureExtractor.
@Suite(.ownThread) struct LogMelTests {
    struct Case: Decodable, CustomTestStringConvertible {
        let mels, chunk, count, valid, window: Int
        let kind: String
        let level: Float
        let at: [[Int]]
        let values: [Float]
        let mean: Double

        var testDescription: String { "\(kind) of \(count) at \(level), \(mels) mels, \(chunk) s" }

        /// The samples of make.py's `recipe`, to the bit.
        var samples: [Float] {
            var state: UInt32 = 12345
            return (0..<count).map { n in
                let value: Int
                switch kind {
                case "noise":
                    state = state &* 1_664_525 &+ 1_013_904_223
                    value = Int(state >> 16) - 32768
                case "sweep": value = abs((n * (40 + n / 64)) % 65536 - 32768) - 16384
                case "click": value = n == count - 1 ? -16384 : n == count / 2 ? 16384 : 0
                default: value = 0
                }
                return Float(value) / 32768 * level
            }
        }
    }

    static let cases = TestSupport.cases(in: "audio/logmel.json") { try JSONDecoder().decode([Case].self, from: $0) }

    @Test(arguments: cases)
    func valuesMatchTransformers(_ expected: Case) throws {
        let extractor = LogMelExtractor(LogMelConfiguration(melCount: expected.mels, windowSeconds: expected.chunk))
        let made = try extractor.features(AudioClip(samples: expected.samples), extraFrames: 5)
        #expect(made.validFrames == expected.valid)
        #expect(made.windowFrames == expected.window)
        #expect(made.frameCount == min(expected.window, expected.valid + 5))
        #expect(made.melCount == expected.mels && made.values.count == made.frameCount * made.melCount)
        #expect(largestDifference(expected.at.map { made.values[$0[0] * expected.mels + $0[1]] }, expected.values) < 1e-4)
        let valid = made.values.prefix(expected.valid * expected.mels)
        #expect(abs(valid.reduce(0.0) { $0 + Double($1) } / Double(valid.count) - expected.mean) < 1e-5)
    }

    @Test func extraFramesDoNotChangeTheOthers() throws {
        let extractor = LogMelExtractor(LogMelConfiguration(melCount: 80, windowSeconds: 10))
        let clip = AudioClip(samples: Self.cases[3].samples)
        let whole = try extractor.features(clip, extraFrames: 5000)
        #expect(whole.frameCount == 1000 && whole.validFrames == 2)
        let few = try extractor.features(clip, extraFrames: 0)
        #expect(few.frameCount == 2)
        #expect(few.values == Array(whole.values.prefix(few.values.count)))
        #expect(whole.values.suffix(80 * 990).allSatisfy { $0 == whole.silence })
        #expect(few.silence == whole.silence)
    }

    @Test func clipLongerThanWindowIsRefused() throws {
        let extractor = LogMelExtractor(LogMelConfiguration(melCount: 80, windowSeconds: 10))
        let error = AudioError.longerThanWindow(seconds: 160_001.0 / 16000, windowSeconds: 10)
        #expect(throws: error) { try extractor.features(AudioClip(samples: [Float](repeating: 0, count: 160_001))) }
        #expect(error.kind == .tooLarge)
        #expect(error.description.contains("10.001 s") && error.description.contains("10 s"))
    }

    @Test func configurationReadsBothFiles() throws {
        let object = """
            {"feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 80, "chunk_length": 10, "hop_length": 160,
             "n_fft": 400, "n_samples": 160000, "nb_max_frames": 1000, "padding_side": "right", "padding_value": 0.0,
             "return_attention_mask": true, "sampling_rate": 16000}
            """
        let expected = LogMelConfiguration(melCount: 80, windowSeconds: 10)
        #expect(try LogMelConfiguration(json: Data(object.utf8)) == expected)
        #expect(try LogMelConfiguration(json: Data("{\"feature_extractor\": \(object)}".utf8)) == expected)
        #expect(try LogMelConfiguration(json: Data("\u{FEFF}{\"audio_processor\": \(object)}".utf8)) == expected)
        #expect(expected.windowFrames == 1000)
    }

    /// As transformers reads them: the newer file first where it says something.
    @Test func aDirectoryHasItsFeaturesInOneOfTwoFiles() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "logmel-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        func write(_ text: String, _ name: String) throws { try Data(text.utf8).write(to: directory.appending(path: name)) }
        let missing = #expect(throws: LogMelConfigurationError.self) { try LogMelConfiguration(directory: directory) }
        #expect(missing?.description.contains("processor_config.json with a feature_extractor") == true)
        try write(#"{"processor_class": "Qwen2AudioProcessor"}"#, "processor_config.json")
        try write(#"{"feature_size": 80}"#, "preprocessor_config.json")
        #expect(try LogMelConfiguration(directory: directory).melCount == 80)
        try write(#"{"feature_extractor": {"feature_size": 128}}"#, "processor_config.json")
        #expect(try LogMelConfiguration(directory: directory).melCount == 128)
        #expect(try LogMelConfiguration(directory: directory).file == "processor_config.json")
        try write("{", "processor_config.json")
        let malformed = #expect(throws: LogMelConfigurationError.self) { try LogMelConfiguration(directory: directory) }
        #expect(malformed?.file == "processor_config.json")
    }

    @Test(arguments: [
        ("{\"n_fft\": 512}", "n_fft"), ("{\"sampling_rate\": 8000}", "sampling_rate"),
        ("{\"n_samples\": 1}", "n_samples"),
        ("{\"feature_extractor_type\": \"ClapFeatureExtractor\"}", "feature_extractor_type"),
        ("{\"dither\": 0.1}", "dither"),
        ("{\"feature_size\": 0}", "feature_size"), ("{\"chunk_length\": 99999999999}", "chunk_length"), ("[", "(file)"),
    ])
    func configurationNamesTheKeyItRefuses(json: String, key: String) {
        let error = #expect(throws: LogMelConfigurationError.self) { try LogMelConfiguration(json: Data(json.utf8)) }
        #expect(error?.key == key)
    }
}
