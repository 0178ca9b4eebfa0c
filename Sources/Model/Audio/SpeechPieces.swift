/// Cuts a recording, as it comes, at its quietest places into pieces that a model takes at once.
///
///     samples → frames of 20 ms, their levels → cut in the middle of the quietest 0.2 s of a full window's second half
///
/// A recording that fits into one window is one piece.
package struct SpeechPieces: Sendable {
    package struct Piece: Sendable, Equatable {
        /// Of its first sample in the recording, in samples at ``AudioClip/sampleRate``.
        package let start: Int
        package let samples: [Float]
        /// Whether no frame of it is louder than ``SpeechPieces/silence``.
        package let isSilent: Bool

        package var seconds: ClosedRange<Double> {
            let rate = Double(AudioClip.sampleRate)
            return Double(start) / rate...Double(start + samples.count) / rate
        }

        /// The piece in two, cut in the middle of its longest pause; nil if nothing pauses for 0.2 s, a second and a half or more from both ends.
        /// A pause is 30 dB below the whole.
        package var parts: (Piece, Piece)? {
            let levels = SpeechPieces.levels(samples[...])
            let margin = AudioClip.sampleRate * 3 / 2 / SpeechPieces.frame
            let quiet = levels.reduce(0, +) / Float(levels.count) / 1000
            var pause: Range<Int>?
            var begin = 0
            for (index, level) in levels.enumerated() {
                if level > quiet { begin = index + 1 }
                let run = max(begin, margin)..<max(begin, min(index + 1, levels.count - margin), margin)
                if run.count >= SpeechPieces.pause, run.count > pause?.count ?? 0 { pause = run }
            }
            guard let pause else { return nil }
            let cut = (pause.lowerBound + pause.upperBound) / 2 * SpeechPieces.frame
            func part(_ range: Range<Int>) -> Piece {
                let samples = Array(samples[range])
                return Piece(start: start + range.lowerBound, samples: samples, isSilent: SpeechPieces.isSilent(samples))
            }
            return (part(0..<cut), part(cut..<samples.count))
        }
    }

    private static func isSilent(_ samples: [Float]) -> Bool { levels(samples[...]).allSatisfy { $0 <= silence } }

    /// The level of a frame below which it holds no speech: its mean square, −60 dB below full scale.
    package static let silence: Float = 1e-6

    private static let frame = AudioClip.sampleRate / 50
    /// Frames of the stretch whose middle is cut.
    private static let pause = 10

    private let longest: Int
    private var buffer: [Float] = []
    /// How much of the buffer was given away already.
    private var taken = 0
    private var start = 0

    /// - Parameter longest: seconds of the longest piece, at least one.
    package init(longest: Double) {
        precondition(longest >= 1, "pieces of at most \(longest) s")
        self.longest = Int(longest * Double(AudioClip.sampleRate)) / Self.frame * Self.frame
    }

    /// Takes in what comes next, and gives the pieces that are whole by now.
    package mutating func append(_ samples: [Float]) -> [Piece] {
        buffer.removeFirst(taken)
        taken = 0
        buffer += samples
        var pieces: [Piece] = []
        while buffer.count - taken > longest { pieces.append(take(quietestPlace())) }
        return pieces
    }

    /// The last piece; nil if nothing is left.
    package mutating func finish() -> Piece? { buffer.count == taken ? nil : take(buffer.count - taken) }

    private mutating func take(_ count: Int) -> Piece {
        let samples = Array(buffer[taken..<taken + count])
        defer {
            taken += count
            start += count
        }
        return Piece(start: start, samples: samples, isSilent: Self.isSilent(samples))
    }

    /// Where the first window of what is left is cut, from its beginning. Of stretches that are equally quiet, the last.
    private func quietestPlace() -> Int {
        let half = longest / 2 / Self.frame * Self.frame
        let levels = Self.levels(buffer[(taken + half)..<(taken + longest)])
        guard levels.count > Self.pause else { return longest }
        var sum = levels[..<Self.pause].reduce(0, +)
        var (least, place) = (sum, 0)
        for next in Self.pause..<levels.count {
            // Summed anew: differences of sums would leave rounding errors where it is silent.
            sum = levels[(next - Self.pause + 1)...next].reduce(0, +)
            if sum <= least { (least, place) = (sum, next - Self.pause + 1) }
        }
        return half + (place + Self.pause / 2) * Self.frame
    }

    /// Mean squares of frames; the last may be short.
    private static func levels(_ samples: ArraySlice<Float>) -> [Float] {
        stride(from: samples.startIndex, to: samples.endIndex, by: frame).map { first in
            let frame = samples[first..<min(first + frame, samples.endIndex)]
            return frame.reduce(0) { $0 + $1 * $1 } / Float(frame.count)
        }
    }
}
