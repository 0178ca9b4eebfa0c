import Foundation
import TestSupport
import Testing

import Audio

/// What programs, browsers and phones really write, against what FFmpeg's own decoder makes of it; and what is joined, cut off or smuggled.
@Suite(.ownThread) struct ContainerTests {
    struct Expected: Decodable {
        let code: String?
        let sample_rate, channels, frames, length: Int?
        let at: [Int]?
        let samples: [Float]?
    }

    let limits = AudioLimits(maxSeconds: 30)

    static let expected = cases(in: "audio/containers.json") { try JSONDecoder().decode([String: Expected].self, from: $0) }
    static let heard = expected.filter { $0.value.code == nil }.keys.sorted()
    static let refused = expected.filter { $0.value.code != nil }.keys.sorted()

    @Test func someFilesAreHeardAndSomeRefused() { #expect(!Self.heard.isEmpty && !Self.refused.isEmpty) }

    @Test(arguments: heard)
    func fileIsHeardWhole(name: String) throws {
        let expected = try #require(Self.expected[name])
        let clip = try AudioDecoder.decode(AudioFixtures.container(name), limits: limits)
        #expect(clip.source.sampleRate == expected.sample_rate)
        #expect(clip.source.channels == expected.channels)
        #expect(Int((clip.source.seconds * Double(clip.source.sampleRate)).rounded()) == expected.frames)
        try #require(clip.samples.count == expected.length)
        let found = try #require(expected.at).map { clip.samples[$0] }
        #expect(largestDifference(found, try #require(expected.samples)) < 1e-3)
    }

    @Test(arguments: refused)
    func fileIsRefusedByName(name: String) throws {
        let error = #expect(throws: AudioError.self) {
            _ = try AudioDecoder.decode(AudioFixtures.container(name), limits: limits)
        }
        #expect(error?.code == Self.expected[name]?.code, "\(String(describing: error))")
    }

    /// What the decoder says reaches whoever sent the clip.
    @Test func theReasonIsTold() throws {
        for (name, reason) in [("only-video.mp4", "the file holds no sound"), ("length-unknown-cut.flac", "a packet is damaged")] {
            let error = #expect(throws: AudioError.self) { _ = try AudioDecoder.decode(AudioFixtures.container(name), limits: limits) }
            #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
        }
    }

    @Test func tagDoesNotSmuggleAnotherFormat() throws {
        // libsndfile opens what stands behind an ID3 tag, whatever it is.
        let tag = Array("ID3".utf8) + [3, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0]
        for name in ["u8-8000-mono.wav", "s16-24000-stereo.aiff", "speech.ogg"] {
            let error = #expect(throws: AudioError.self) {
                _ = try AudioDecoder.decode(tag + AudioFixtures.clip(name), limits: limits)
            }
            #expect(error?.description.contains("an ID3 tag before") == true)
        }
        let svx = Array("FORM".utf8) + [0, 0, 0, 100] + Array("8SVXVHDR".utf8)
        #expect(throws: AudioError.self) { _ = try AudioDecoder.decode(tag + svx + svx, limits: limits) }
    }

    /// Cut anywhere but between two frames of a stream that states no length, a clip is refused.
    @Test(arguments: [
        "live.webm", "seekable.webm", "moov-at-end.m4a", "moov-first.m4a", "alac.m4a", "fragmented.mp4", "raw.aac", "alac.caf",
        "narrow.amr",
        "narrow.3gp", "plain.w64", "plain.au", "flac.oga", "chain-opus.ogg", "lame.mp3", "cbr-without-xing.mp3",
        "length-unknown.flac",
    ])
    func cutFileIsRefused(name: String) throws {
        let bytes = try AudioFixtures.container(name)
        for fraction in [0.31, 0.62, 0.93] {
            let part = Array(bytes[..<Int(Double(bytes.count) * fraction)])
            #expect(throws: AudioError.self, "\(fraction) of \(name)") { _ = try AudioDecoder.decode(part, limits: limits) }
        }
    }

    @Test func cancelledProcessEndsAtOnce() throws {
        let bytes = try AudioFixtures.container("moov-first.m4a")
        #expect(throws: AudioError.cancelled) { try AudioDecoder.decode(bytes, limits: limits) { true } }
        #expect(throws: AudioError.longerThanWindow(seconds: 0.3, windowSeconds: 0.1)) {
            do {
                _ = try AudioDecoder.decode(bytes, limits: AudioLimits(maxSeconds: 30, windowSeconds: 0.1))
            } catch AudioError.longerThanWindow(let seconds, let window) where seconds > 0.1 {
                throw AudioError.longerThanWindow(seconds: 0.3, windowSeconds: window)
            }
        }
    }

    @Test func corruptFilesNeverCrash() throws {
        var random = SplitMix(seed: 8)
        for name in Self.heard {
            let original = try AudioFixtures.container(name)
            for _ in 0..<(AudioFixtures.corruptionsPerClip / 10) {
                let bytes = random.replacing(1...8, in: original, head: 256)
                if let clip = try? AudioDecoder.decode(bytes, limits: limits) {
                    #expect(clip.samples.count <= 30 * 16000 + 1)
                    #expect(clip.samples.allSatisfy { $0.isFinite })
                }
            }
        }
    }
}
