import Files
package import Foundation
package import JSON

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
            let value = try Self.value(data, name, type)
            // Older processors have a file that says nothing of features.
            if name == "processor_config.json", Self.nested(value) == nil { continue }
            try self.init(value, file: name, type: type)
            return
        }
        throw LogMelConfigurationError(
            file: "preprocessor_config.json", key: "(file)",
            expected:
                "it, or processor_config.json with a feature_extractor, in \(directory.path); copy it from the published model, or save the processor there with save_pretrained",
            found: FileError.missing)
    }

    private static func value(_ json: Data, _ name: String, _ type: String) throws(LogMelConfigurationError) -> JSONValue {
        do {
            let value = try JSONValue(parsing: json)
            if case .object = value { return value }
            throw JSONError.unexpected(path: "", expected: "an object", found: value.summary)
        } catch {
            throw LogMelConfigurationError(file: name, key: "(file)", expected: "a \(type)'s JSON", found: "\(error)")
        }
    }

    /// What a processor's file says of features.
    private static func nested(_ value: JSONValue) -> JSONValue? { value.value("feature_extractor") ?? value.value("audio_processor") }

    /// Reads the text of a checkpoint's file.
    package init(
        json: Data, file name: String = "preprocessor_config.json", type: String = "WhisperFeatureExtractor"
    ) throws(LogMelConfigurationError) {
        try self.init(try Self.value(json, name, type), file: name, type: type)
    }

    /// Reads the file's value.
    ///
    /// - Throws: ``LogMelConfigurationError`` with the key whose value is not one that ``LogMelExtractor`` computes.
    package init(_ value: JSONValue, file name: String, type: String) throws(LogMelConfigurationError) {
        do {
            let told = Self.nested(value) ?? value
            try told.require("feature_extractor_type", told.string("feature_extractor_type", default: type), type)
            try told.require("n_fft", told.integer("n_fft", default: Self.fourierLength), Self.fourierLength)
            try told.require("sampling_rate", told.integer("sampling_rate", default: AudioClip.sampleRate), AudioClip.sampleRate)
            try told.require("padding_value", told.number("padding_value", default: 0), 0)
            try told.require("dither", told.number("dither", default: 0), 0)
            try told.require("do_normalize", told.boolean("do_normalize", default: false), false)
            self.init(
                melCount: try told.integer("feature_size", in: 1...1024, default: 80),
                hop: try told.integer("hop_length", in: 1...Self.fourierLength, default: 160),
                windowSeconds: try told.integer("chunk_length", in: 1...3600, default: 30), file: name)
            try told.require("n_samples", told.integer("n_samples", default: windowSamples), windowSamples)
            try told.require("nb_max_frames", told.integer("nb_max_frames", default: windowFrames), windowFrames)
        } catch JSONError.unexpected(let key, let expected, let found) {
            throw LogMelConfigurationError(file: name, key: key, expected: expected, found: found)
        } catch {
            throw LogMelConfigurationError(file: name, key: "(file)", expected: "a \(type)'s JSON", found: "\(error)")
        }
    }
}

extension JSONValue {
    fileprivate func require<T: Equatable>(_ key: String, _ value: T, _ expected: T) throws {
        if value != expected { throw JSONError.unexpected(path: key, expected: "\(expected)", found: "\(value)") }
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
