import Audio
package import Foundation
package import Generation
import Synchronization
import Workers

/// A transcription in progress: the pieces of a recording, delivered one after another.
package struct Transcription: Sendable {
    package struct Piece: Sendable, Equatable {
        /// The piece's position in the recording, in seconds.
        package let seconds: ClosedRange<Double>
        /// Empty where nothing sounds, and where the model is not sure of what it heard and hears something else when asked again (``DoubtedWords``).
        package let text: String
        package let language: String?
        /// Whether the answer reached the length limit of a piece.
        package let isCut: Bool
        /// The mean log-probability that the model gave the tokens it wrote; 0 where it was not asked.
        package let certainty: Double
    }

    package let model: String
    package let version: String
    /// The length of the recording in seconds.
    package let seconds: Double
    let pieces: [SpeechPieces.Piece]
    let transcriber: Transcriber
    package let wish: TranscriptionWish
    /// Releases the recording's share of the server's memory when it is no longer used.
    let place: RecordingPlace

    /// The number of pieces in the engine at once.
    private static let width = 8

    /// Passes every piece to `body`, in order. Silent pieces have an empty text, and no model is asked about them.
    package func forEach(_ body: (Piece) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: (Int, [Piece]).self) { group in
            var begun = 0
            func begin() {
                guard begun < pieces.count else { return }
                let (index, piece) = (begun, pieces[begun])
                begun += 1
                group.addTask { (index, try await hear(piece, waits: index > 0)) }
            }
            for _ in 0..<Self.width { begin() }
            var waiting: [Int: [Piece]] = [:]
            var next = 0
            while let (index, heard) = try await group.next() {
                begin()
                waiting[index] = heard
                while let heard = waiting.removeValue(forKey: next) {
                    next += 1
                    for piece in heard { try await body(piece) }
                }
            }
        }
    }

    /// What is heard in a piece. Where its words are not to be trusted it is heard in two, cut at its longest pause: a small model may hear one sentence
    /// and not several.
    ///
    /// - Parameter waits: Whether to wait when the queue is full, so that a momentary crowd does not end a recording that has begun.
    private func hear(_ piece: SpeechPieces.Piece, waits: Bool) async throws -> [Piece] {
        if piece.isSilent { return [Piece(seconds: piece.seconds, text: "", language: nil, isCut: false, certainty: 0)] }
        let transcript = try await transcript(of: piece.samples, "\(piece.start)-\(piece.samples.count)", waits: waits)
        var text = transcript.text
        // Drawn words differ by themselves.
        if !text.isEmpty, wish.temperature == 0, transcript.certainty < DoubtedWords.leastCertainty {
            for speed in DoubtedWords.speeds where !text.isEmpty {
                let faster = DoubtedWords.faster(piece.samples, by: speed)
                let again = try await self.transcript(of: faster, "\(piece.start)-\(piece.samples.count)/faster \(speed)", waits: true)
                if DoubtedWords.differ(text, again.text) { text = "" }
            }
            if text.isEmpty, let (first, second) = piece.parts {
                return try await hear(first, waits: true) + hear(second, waits: true)
            }
        }
        return [
            Piece(
                seconds: piece.seconds, text: text, language: transcript.language, isCut: transcript.isCut, certainty: transcript.certainty)
        ]
    }

    /// - Parameter name: of the samples among those of the recording.
    private func transcript(of samples: [Float], _ name: String, waits: Bool) async throws -> Transcript {
        let source = AudioSource(
            sampleRate: AudioClip.sampleRate, channels: 1, format: "samples", seconds: Double(samples.count) / Double(AudioClip.sampleRate),
            sha256: "\(place.id)/\(name)")
        let clip = AudioClip(samples: samples, source: source)
        while true {
            do { return try await transcriber.transcript(of: clip, wish) } catch EngineError.queueFull where waits {
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }
}

/// A share of the seconds of recordings that the server holds at once, over all requests.
package final class RecordingPlace: Sendable {
    private static let most = 7200.0
    private static let held = Mutex(0.0)

    let id = UUID().uuidString
    private let seconds: Double

    /// Throws ``WorkshopError`` if other recordings leave no room. Not inlined, for the reason given at ``TrainingMetrics``.
    @inline(never) package init(seconds: Double) throws {
        // Checked before initialisation completes, so that `deinit` does not give back what was refused.
        try Self.held.withLock { held in
            guard held + seconds <= Self.most else {
                throw WorkshopError(
                    .queueFull, "Recordings of \(Int(held / 60)) minutes are being transcribed already; try again when one has ended.", at: "file")
            }
            held += seconds
        }
        self.seconds = seconds
    }

    deinit { Self.held.withLock { $0 -= seconds } }
}

extension Runtime {
    /// Decodes a recording and cuts it into pieces that fit the model.
    ///
    /// - Throws: ``TranscriptionRefusal`` for what the model cannot do, ``UnheardClip``, ``WorkshopError``.
    package func transcribe(_ recording: Data, _ wish: TranscriptionWish, model name: String?) async throws -> Transcription {
        try Transcriber.check(wish, model)
        let entry = try await entry(name)
        let (longest, most) = (Transcriber.longestClip(model), limits.recordingSeconds)
        let (pieces, seconds) = try await queues.recordings.run { cancellation in
            let clip: AudioClip
            do throws(AudioError) {
                clip = try unsafe AudioDecoder.decode(
                    recording.span.bytes, limits: AudioLimits(maxSeconds: most), isCancelled: { cancellation.isCancelled })
            } catch AudioError.cancelled {
                throw CancellationError()
            } catch {
                throw UnheardClip(error: error, place: "file")
            }
            var cutter = SpeechPieces(longest: longest)
            return (cutter.append(clip.samples) + [cutter.finish()].compactMap { $0 }, clip.seconds)
        }
        return Transcription(
            model: entry.name, version: entry.versionID, seconds: seconds, pieces: pieces,
            transcriber: Transcriber(engine, version: entry.version), wish: wish, place: try RecordingPlace(seconds: seconds))
    }
}
