import Hashing
import Audio
import Foundation
import TestSupport
import Testing

/// Files in every accepted container against librosa, and every refusal by name.
@Suite(.ownThread) struct AudioDecoderTests {
    struct Expected: Decodable {
        let sample_rate, channels, frames, length: Int
        let at: [Int]
        let samples: [Float]
    }

    let limits = AudioLimits(maxSeconds: 30)

    @Test(arguments: AudioFixtures.clipNames)
    func clipMatchesLibrosa(name: String) throws {
        let expected = try #require(try AudioFixtures.json([String: Expected].self, "resampled.json")[name])
        let bytes = try AudioFixtures.clip(name)
        let clip = try AudioDecoder.decode(bytes, limits: limits)
        #expect(clip.samples.count == expected.length)
        #expect(clip.source.sampleRate == expected.sample_rate)
        #expect(clip.source.channels == expected.channels)
        #expect(abs(clip.source.seconds - Double(expected.frames) / Double(expected.sample_rate)) < 1e-9)
        try #require(clip.samples.count == expected.length)
        #expect(largestDifference(expected.at.map { clip.samples[$0] }, expected.samples) < 1e-4)
    }

    /// A mapping table, even one that changes nothing, leaves the file to libsndfile.
    @Test(arguments: [(rate: 16_000, channels: 1, gain: 0), (8_000, 1, -500), (24_000, 2, 0), (48_000, 2, 300)])
    func plainOpusIsHeardAsLibsndfileHearsIt(rate: Int, channels: Int, gain: Int) throws {
        for seconds in [0.01, 0.4, 2.345] {
            var noise = SplitMix(seed: 1)
            let samples = (0..<Int(seconds * 16_000)).map { index in
                sin(Float(index) * 0.03 + Float(index * index) * 1e-6) / 2 + Float.random(in: -0.1...0.1, using: &noise)
            }
            let bytes = try SoundFileWriter.bytes(samples, encoding: .opus)
            let plain = try AudioDecoder.decode(
                AudioFixtures.opus(bytes, rate: rate, channels: channels, gain: gain, mapping: false), limits: limits)
            let mapped = try AudioDecoder.decode(
                AudioFixtures.opus(bytes, rate: rate, channels: channels, gain: gain, mapping: true), limits: limits)
            #expect(plain.samples == mapped.samples && abs(plain.seconds - seconds) < 1e-3)
            #expect(plain.source.seconds == mapped.source.seconds && plain.source.format == mapped.source.format)
            #expect(plain.source.sampleRate == rate && plain.source.channels == channels)
        }
    }

    @Test func heardNamesFormatAndHash() throws {
        let clip = try AudioDecoder.decode(AudioFixtures.clip("speech.flac"), limits: limits)
        #expect(clip.source.format == "FLAC (Signed 16 bit PCM)")
        #expect(clip.source.sha256.count == 64)
        let samples = WAVWriter.bytes([0, 0.5, -0.5])
        let heard = try AudioDecoder.decode(samples, limits: limits).source
        #expect(heard.format == "WAV (Signed 16 bit PCM)")
        #expect(heard.sha256 == SHA256.hex(samples))
    }

    @Test func writtenFilesReadBack() throws {
        let samples: [Float] = [0, 0.5, -1, 0.999, 1.5, -0.25]
        let exact = try AudioDecoder.decode(WAVWriter.bytes(samples, encoding: .float32), limits: limits)
        #expect(exact.samples == samples)
        let rounded = try AudioDecoder.decode(WAVWriter.bytes(samples), limits: limits).samples
        #expect(zip(rounded, samples).allSatisfy { abs($0 - min($1, 32767.0 / 32768)) <= 1 / 65536 })
        let stereo = try AudioDecoder.decode(
            WAVWriter.bytes([1, 0, 0.5, 0.25], channels: 2, encoding: .float32), limits: limits)
        #expect(stereo.samples == [0.5, 0.375])
    }

    @Test func emptyIsRefused() {
        #expect(throws: AudioError.empty) { try AudioDecoder.decode([], limits: limits) }
        #expect(AudioError.empty.kind == .malformed)
    }

    @Test(arguments: [
        ("\u{89}PNG\r\n", "a PNG image"), ("{\"audio\": 1}", "JSON"), ("<!DOCTYPE html><p>", "HTML"), ("hello", "text"),
        ("UklGRiQAAABXQVZF", "WAV in base64 (decode it first)"), ("RIFF\0\0\0\0AVI ", "an AVI video"),
        ("\0\0\0", "zero bytes"),
        ("\u{1}\u{2}", "nothing known (first bytes 01 02)"), ("R", "text"),
    ])
    func notAudioNamesWhatItLooksLike(text: String, appearance: String) {
        let error = AudioError.notAudio(looksLike: appearance)
        #expect(throws: error) { try AudioDecoder.decode(latin1(text), limits: limits) }
        #expect(error.kind == .undecodable)
        #expect(error.description.contains(appearance) && error.description.contains("WAV, FLAC"))
    }

    @Test(arguments: [
        "RIFF\0\0\0\0WAVEfmt ", "fLaC", "OggS", "ID3", "FORM\0\0\0\0AIFF", "\u{FF}\u{FB}\u{90}\u{64}",
        "\0\0\0\u{18}ftypM4A ", "\u{1A}\u{45}\u{DF}\u{A3}", "\u{FF}\u{F1}\u{50}\u{80}", "#!AMR\n", "caff\0\u{1}\0\0", ".snd", "RF64\0\0\0\0WAVE",
        "riff\u{2E}\u{91}\u{CF}\u{11}",
    ])
    func bareSignatureIsRefused(text: String) {
        #expect(throws: AudioError.self) { _ = try AudioDecoder.decode(latin1(text), limits: limits) }
    }

    @Test(arguments: AudioFixtures.clipNames.filter { $0 != "one-sample.wav" })
    func truncatedFileIsRefused(name: String) throws {
        let bytes = try AudioFixtures.clip(name)
        for fraction in [0.3, 0.6, 0.9] {
            let part = Array(bytes[..<Int(Double(bytes.count) * fraction)])
            #expect(throws: AudioError.self, "\(fraction) of \(name)") {
                _ = try AudioDecoder.decode(part, limits: limits)
            }
        }
    }

    @Test func truncatedWAVNamesBothLengths() throws {
        let bytes = WAVWriter.bytes([Float](repeating: 0.1, count: 16000))
        let error = AudioError.truncated(promised: 16000, found: 9978, unit: "frames")
        #expect(throws: error) { try AudioDecoder.decode(Array(bytes[..<20000]), limits: limits) }
        #expect(error.kind == .malformed)
        #expect(error.description.contains("promises 16000 frames, found 9978"))
    }

    @Test func damagedOggPageIsRefused() throws {
        var bytes = try AudioFixtures.clip("speech.opus")
        bytes[6000] ^= 1
        let error = #expect(throws: AudioError.self) { _ = try AudioDecoder.decode(bytes, limits: limits) }
        #expect(error?.description.contains("does not match its checksum") == true)
    }

    @Test func headerThatClaimsFarMoreFramesIsRefused() throws {
        var flac = try AudioFixtures.clip("speech.flac")
        // STREAMINFO ends with 36 bits of frame count before the 16 bytes of MD5: bytes 21 to 25 of the file.
        for index in 22..<26 { flac[index] = 0x7F }
        #expect(throws: AudioError.self) { _ = try AudioDecoder.decode(flac, limits: limits) }
    }

    @Test func unknownStreamedLengthIsAccepted() throws {
        let samples = [Float](repeating: 0.25, count: 4000)
        var bytes = WAVWriter.bytes(samples)
        for index in 40..<44 { bytes[index] = 0xFF }
        #expect(try AudioDecoder.decode(bytes, limits: limits).samples == samples)
    }

    @Test func zeroChannelsAreRefused() {
        var bytes = WAVWriter.bytes([0, 0, 0, 0])
        bytes[22] = 0
        #expect(throws: AudioError.noChannels(format: "WAV")) { try AudioDecoder.decode(bytes, limits: limits) }
    }

    @Test func noSamplesAreRefused() {
        #expect(throws: AudioError.noSamples(format: "WAV")) {
            try AudioDecoder.decode(WAVWriter.bytes([]), limits: limits)
        }
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity, 1e30])
    func invalidSampleIsRefused(value: Float) {
        var samples = [Float](repeating: 0, count: 100_000)
        samples[90_001] = value
        let bytes = WAVWriter.bytes(samples, channels: 2, encoding: .float32)
        #expect(throws: AudioError.invalidSample(frame: 45_000, value: "\(value)")) {
            try AudioDecoder.decode(bytes, limits: limits)
        }
    }

    @Test func hourOfSilenceIsRefused() throws {
        // An 8-bit header at 8 kHz, then 3600 s of the middle value.
        var bytes = Array(WAVWriter.bytes([], sampleRate: 8000)[..<40])
        bytes[34] = 8
        bytes[32] = 1
        bytes += [0x00, 0x74, 0xB7, 0x01]  // 28,800,000
        bytes += [UInt8](repeating: 0x80, count: 3600 * 8000)
        let error = #expect(throws: AudioError.self) { _ = try AudioDecoder.decode(bytes, limits: limits) }
        guard case .tooLong(let seconds, 30) = try #require(error) else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(seconds == 3600, "the header says so, before anything is decoded")
        #expect(error?.kind == .tooLarge)
        #expect(try AudioDecoder.decode(bytes, limits: AudioLimits(maxSeconds: 3600)).samples.count == 3600 * 16000)
    }

    /// 41 KB of FLAC, 119 s at 655,350 Hz in 8 channels, would take many seconds to decode.
    @Test func densestClipIsRefusedByItsHeader() throws {
        let bytes = try AudioFixtures.refused("bomb.flac")
        var asked = 0
        let count = { () -> Bool in
            asked += 1
            return false
        }
        let seconds = 77_986_650 / 655_350.0
        #expect(throws: AudioError.longerThanWindow(seconds: seconds, windowSeconds: 30)) {
            try AudioDecoder.decode(bytes, limits: AudioLimits(maxSeconds: 120, windowSeconds: 30), isCancelled: count)
        }
        #expect(throws: AudioError.tooLong(atLeastSeconds: seconds, limitSeconds: 20)) {
            try AudioDecoder.decode(bytes, limits: AudioLimits(maxSeconds: 20, windowSeconds: 30), isCancelled: count)
        }
        let error = AudioError.tooManySamples(atLeast: 623_893_200, sampleRate: 655_350, channels: 8, limit: 184_320_000)
        #expect(throws: error) {
            try AudioDecoder.decode(bytes, limits: AudioLimits(maxSeconds: 120), isCancelled: count)
        }
        #expect(error.kind == .tooLarge && error.description.contains("623893200 samples in 8 channels at 655350 Hz"))
        #expect(asked == 0, "nothing was decoded")
    }

    @Test func budgetOfSamplesCountsEveryChannel() throws {
        let bytes = WAVWriter.bytes([Float](repeating: 0.1, count: 12_000), channels: 3)
        let clip = try AudioDecoder.decode(bytes, limits: AudioLimits(maxSeconds: 30, maxSamples: 12_000))
        #expect(clip.source.sampleCount == 12_000)
        #expect(throws: AudioError.tooManySamples(atLeast: 12_000, sampleRate: 16_000, channels: 3, limit: 11_999)) {
            try AudioDecoder.decode(bytes, limits: AudioLimits(maxSeconds: 30, maxSamples: 11_999))
        }
    }

    @Test func cancelledDecodingEndsWithTheBlock() {
        let bytes = WAVWriter.bytes([Float](repeating: 0.1, count: 300_000))
        var blocks = 0
        #expect(throws: AudioError.cancelled) {
            try AudioDecoder.decode(bytes, limits: limits) {
                blocks += 1
                return blocks == 3
            }
        }
        #expect(blocks == 3)
    }

    /// The promise is the largest that the field holds, and so little sound is found that their ratio fits no integer.
    @Test(arguments: [UInt64.max, 1 << 63, (1 << 48) - 1, 1 << 40, 30_720_000] as [UInt64])
    func promiseBeyondEveryNumberIsRefused(size: UInt64) throws {
        for junk in [[], [1, 0, 0, 0, 0x78], [1, 0, 0, 0, 0x78, 0x78]] as [[UInt8]] {
            let bytes = AudioFixtures.rf64(size: size, junk: junk, samples: [UInt8](repeating: 0x80, count: 120_000))
            do {
                let clip = try AudioDecoder.decode(bytes, limits: limits)
                #expect(clip.samples.count == 120_000)
            } catch {
                #expect(error.kind != .tooLarge, "\(error)")
            }
        }
    }

    @Test(arguments: [1, 999, 800_000])
    func sampleRateOutOfRangeIsRefused(rate: Int) {
        let bytes = WAVWriter.bytes([0, 0.1, 0.2], sampleRate: rate)
        #expect(throws: AudioError.self) { _ = try AudioDecoder.decode(bytes, limits: limits) }
    }

    @Test func corruptBytesNeverCrash() throws {
        var random = SplitMix(seed: 7)
        for name in AudioFixtures.clipNames {
            let original = try AudioFixtures.clip(name)
            for _ in 0..<AudioFixtures.corruptionsPerClip {
                let bytes = random.replacing(1...8, in: original, head: 256)
                if let clip = try? AudioDecoder.decode(bytes, limits: limits) {
                    #expect(clip.samples.count <= 30 * 16000 + 1)
                    #expect(clip.samples.allSatisfy { $0.isFinite })
                }
            }
        }
    }

    private func latin1(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8($0.value) } }
}

/// Hashes against FIPS 180-4's examples.
struct SHA256Tests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func digestMatchesPublishedExample(text: String, digest: String) {
        #expect(SHA256.hex(Array(text.utf8)) == digest)
    }
}
