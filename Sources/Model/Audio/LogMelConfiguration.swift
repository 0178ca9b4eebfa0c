import Files
package import Foundation

/// The parameters of Whisper's log-mel features, from a checkpoint's `preprocessor_config.json`, or from the `feature_extractor`
/// (`audio_processor`) object of the `processor_config.json` that transformers 5 writes instead and reads first.
package struct LogMelConfiguration: Sendable, Equatable {
    /// Mel bands: 80 or 128 in the published models.
    package let melCount: Int
    /// Samples from one frame to the next.
    package let hop: Int
    /// Samples of the window that a clip is padded to.
    package let windowSamples: Int
    /// The file that they come from.
    package let file: String

    /// Samples in one Fourier transform; the transform is written for this length, Whisper's only one.
    package static let fourierLength = 400

    /// Frames of the whole window.
    package var windowFrames: Int { windowSamples / hop }

    /// - Parameters:
    ///   - melCount: at least 1.
    ///   - windowSeconds: whole seconds, as `chunk_length`.
    package init(melCount: Int = 128, hop: Int = 160, windowSeconds: Int = 30, file: String = "preprocessor_config.json") {
        precondition(melCount > 0 && hop > 0 && windowSeconds > 0, "\(melCount) mels, hop \(hop), \(windowSeconds) s")
        self.melCount = melCount
        self.hop = hop
        windowSamples = windowSeconds * AudioClip.sampleRate
        self.file = file
    }

    /// Reads a checkpoint's file.
    ///
    /// - Parameter type: the `feature_extractor_type` that it may have.
    package init(directory: URL, type: String = "WhisperFeatureExtractor") throws(LogMelConfigurationError) {
        for name in ["processor_config.json", "preprocessor_config.json"] {
            let file = directory.appending(path: name)
            guard FileManager.default.fileExists(atPath: file.path) else { continue }
            let data: Data
            do { data = try Data(reading: file) } catch {
                throw LogMelConfigurationError(file: name, key: "(file)", expected: "a file that can be read", found: error.reason)
            }
            // Older processors have a file that says nothing of features.
            if name == "processor_config.json", !Self.holdsFeatures(data) { continue }
            try self.init(json: data, file: name, type: type)
            return
        }
        throw LogMelConfigurationError(
            file: "preprocessor_config.json", key: "(file)",
            expected:
                "it, or processor_config.json with a feature_extractor, in \(directory.path); copy it from the published model, or save the processor there with save_pretrained",
            found: FileError.missing)
    }

    private static func holdsFeatures(_ json: Data) -> Bool {
        let object = try? JSONSerialization.jsonObject(with: json.withoutByteOrderMark) as? [String: Any]
        // What is no JSON is refused by whoever reads it whole.
        return object.map { $0["feature_extractor"] != nil || $0["audio_processor"] != nil } ?? true
    }

    /// Reads the file's JSON. Throws ``LogMelConfigurationError`` naming the key where a value is not one that
    /// ``LogMelExtractor`` computes.
    package init(
        json: Data, file name: String = "preprocessor_config.json", type: String = "WhisperFeatureExtractor"
    ) throws(LogMelConfigurationError) {
        let file: File
        do {
            let json = json.withoutByteOrderMark
            let nested = try JSONDecoder().decode(Nested.self, from: json)
            file = try nested.feature_extractor ?? nested.audio_processor ?? JSONDecoder().decode(File.self, from: json)
        } catch {
            throw LogMelConfigurationError(
                file: name, key: "(file)", expected: "a \(type)'s JSON", found: "\(error)")
        }
        func require<T: Equatable>(_ key: String, _ value: T?, _ expected: T) throws(LogMelConfigurationError) {
            if let value, value != expected {
                throw LogMelConfigurationError(file: name, key: key, expected: "\(expected)", found: "\(value)")
            }
        }
        try require("feature_extractor_type", file.feature_extractor_type, type)
        try require("n_fft", file.n_fft, Self.fourierLength)
        try require("sampling_rate", file.sampling_rate, AudioClip.sampleRate)
        try require("padding_value", file.padding_value, 0)
        try require("dither", file.dither, 0)
        try require("do_normalize", file.do_normalize, false)
        let melCount = file.feature_size ?? 80
        let hop = file.hop_length ?? 160
        let seconds = file.chunk_length ?? 30
        for (key, value, range) in [
            ("feature_size", melCount, 1...1024), ("hop_length", hop, 1...Self.fourierLength),
            ("chunk_length", seconds, 1...3600),
        ] where !range.contains(value) {
            throw LogMelConfigurationError(
                file: name, key: key, expected: "\(range.lowerBound) to \(range.upperBound)", found: "\(value)")
        }
        self.init(melCount: melCount, hop: hop, windowSeconds: seconds, file: name)
        try require("n_samples", file.n_samples, windowSamples)
        try require("nb_max_frames", file.nb_max_frames, windowFrames)
    }

    private struct Nested: Decodable {
        let feature_extractor, audio_processor: File?
    }

    private struct File: Decodable {
        let feature_extractor_type: String?
        let feature_size, n_fft, hop_length, chunk_length, sampling_rate, n_samples, nb_max_frames: Int?
        let padding_value, dither: Double?
        let do_normalize: Bool?
    }
}

/// A key of the feature extractor's file whose value cannot be honoured.
package struct LogMelConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    package let file: String
    package let key: String
    package let expected: String
    package let found: String

    package var description: String {
        key == "(file)"
            ? "\(file): \(found), expected \(expected)"
            : "\(file): \(key) is \(found), expected \(expected); use a checkpoint with Whisper's log-mel features."
    }
}
