import Audio
import Testing

struct SpeechPiecesTests {
    private let rate = AudioClip.sampleRate

    private func tone(_ seconds: Double) -> [Float] { (0..<Int(seconds * Double(rate))).map { $0 % 20 < 10 ? 0.3 : -0.3 } }

    private func silence(_ seconds: Double) -> [Float] { [Float](repeating: 0, count: Int(seconds * Double(rate))) }

    private func pieces(_ samples: [Float], longest: Double, block: Int = 10_000) -> [SpeechPieces.Piece] {
        var cutter = SpeechPieces(longest: longest)
        var pieces: [SpeechPieces.Piece] = []
        for start in stride(from: 0, to: samples.count, by: block) {
            pieces += cutter.append(Array(samples[start..<min(start + block, samples.count)]))
        }
        return pieces + [cutter.finish()].compactMap { $0 }
    }

    @Test func aRecordingThatFitsIsOnePiece() {
        let samples = tone(3)
        let found = pieces(samples, longest: 5)
        #expect(found.map(\.samples) == [samples] && found[0].start == 0 && !found[0].isSilent)
        #expect(pieces([], longest: 5).isEmpty)
    }

    @Test(arguments: [1, 777, 100_000]) func itIsCutWithinItsPauses(block: Int) {
        let samples = tone(4) + silence(0.5) + tone(4) + silence(0.5) + tone(2)
        let found = pieces(samples, longest: 6, block: block)
        #expect(found.flatMap(\.samples) == samples)
        let cuts = found.dropFirst().map(\.seconds.lowerBound)
        #expect(cuts.count == 2 && (4.0...4.5).contains(cuts[0]) && (8.5...9).contains(cuts[1]), "\(cuts)")
    }

    @Test func withoutAPauseNoPieceIsLongerThanTheLongest() {
        let samples = tone(21)
        let found = pieces(samples, longest: 5)
        #expect(found.flatMap(\.samples) == samples)
        #expect(found.allSatisfy { $0.seconds.upperBound - $0.seconds.lowerBound <= 5 })
        #expect(zip(found, found.dropFirst()).allSatisfy { $0.seconds.upperBound == $1.seconds.lowerBound })
    }

    @Test func aPieceWithoutSoundIsSilent() {
        let found = pieces(tone(2) + silence(9), longest: 4)
        #expect(found.first?.isSilent == false && found.last?.isSilent == true)
    }

    /// Of two pauses the longer one parts a piece, in its middle; what is too short to hear in two, or never pauses, stays whole.
    @Test func aPieceIsPartedInItsLongestPause() throws {
        func piece(_ samples: [Float]) -> SpeechPieces.Piece { pieces(samples, longest: 20)[0] }
        let whole = piece(tone(3) + silence(0.3) + tone(3) + silence(0.5) + tone(4))
        let (first, second) = try #require(whole.parts)
        #expect(first.seconds.lowerBound == 0 && first.seconds.upperBound == second.seconds.lowerBound && second.seconds.upperBound == 10.8)
        #expect(abs(first.seconds.upperBound - 6.55) < 0.02)
        #expect(first.samples + second.samples == whole.samples && !first.isSilent && !second.isSilent)
        let (third, fourth) = try #require(first.parts)
        #expect(abs(third.seconds.upperBound - 3.15) < 0.02 && fourth.seconds.upperBound == first.seconds.upperBound)
        // Its own pause lies at its end.
        #expect(third.parts == nil)
        #expect(piece(tone(8)).parts == nil && piece(tone(3) + silence(0.1) + tone(3)).parts == nil)
        // Nothing is parted nearer to an end than a second and a half.
        #expect(piece(tone(1) + silence(0.4) + tone(1)).parts == nil)
        // A pause of noise is one, 30 dB below the rest.
        let noisy = piece(tone(3) + silence(0.4).indices.map { $0 % 2 == 0 ? 0.005 : -0.005 } + tone(3))
        #expect(abs((noisy.parts?.0.seconds.upperBound ?? 0) - 3.2) < 0.02)
    }
}
