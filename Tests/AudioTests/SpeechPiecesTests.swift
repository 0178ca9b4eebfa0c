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
}
