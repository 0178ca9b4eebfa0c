import Audio
package import Foundation
package import Generation
import Synchronization
import Workers

/// A recording on its way to words: its pieces one after the other, as they are heard.
package struct Transcription: Sendable {
    package struct Piece: Sendable, Equatable {
        /// In the recording, in seconds.
        package let seconds: ClosedRange<Double>
        /// Empty where nothing sounds, and where the model is not sure of what it heard and hears something else when asked again (``DoubtedWords``).
        package let text: String
        package let language: String?
        /// Whether the model had more to say than a piece of this length can hold.
        package let isCut: Bool
        /// The mean log-probability that the model gave the tokens it wrote; 0 where it was not asked.
        package let certainty: Double
    }

    package let model: String
    package let version: String
    /// Of the recording.
    package let seconds: Double
    let pieces: [SpeechPieces.Piece]
    let transcriber: Transcriber
    package let wish: TranscriptionWish
    /// Gives back what the recording took of the server's memory when nobody needs it any more.
    let place: RecordingPlace

    /// Pieces that are with the engine at once.
    private static let width = 8

    /// Hands every piece to `body`, in their order. Pieces without a sound are without words, and no model is asked.
    package func forEach(_ body: (Piece) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: (Int, Piece).self) { group in
            var begun = 0
            func begin() {
                guard begun < pieces.count else { return }
                let (index, piece) = (begun, pieces[begun])
                begun += 1
                group.addTask { (index, try await hear(piece, waits: index > 0)) }
            }
            for _ in 0..<Self.width { begin() }
            var waiting: [Int: Piece] = [:]
            var next = 0
            while let (index, piece) = try await group.next() {
                begin()
                waiting[index] = piece
                while let piece = waiting.removeValue(forKey: next) {
                    next += 1
                    try await body(piece)
                }
            }
        }
    }

    /// - Parameter waits: for a place, where the queue is full: a recording that has begun is not thrown away for an instant's crowd.
    private func hear(_ piece: SpeechPieces.Piece, waits: Bool) async throws -> Piece {
        if piece.isSilent { return Piece(seconds: piece.seconds, text: "", language: nil, isCut: false, certainty: 0) }
        let transcript = try await transcript(of: piece.samples, "\(piece.start)", waits: waits)
        var text = transcript.text
        // Drawn words differ by themselves.
        if !text.isEmpty, wish.temperature == 0, transcript.certainty < DoubtedWords.leastCertainty {
            let again = try await self.transcript(of: DoubtedWords.faster(piece.samples), "\(piece.start)/faster", waits: true)
            if DoubtedWords.differ(text, again.text) { text = "" }
        }
        return Piece(
            seconds: piece.seconds, text: text, language: transcript.language, isCut: transcript.isCut, certainty: transcript.certainty)
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

/// The seconds of recordings that are held at once, over all requests.
package final class RecordingPlace: Sendable {
    private static let most = 7200.0
    private static let held = Mutex(0.0)

    let id = UUID().uuidString
    private let seconds: Double

    /// Throws ``WorkshopError`` where others' recordings leave no place.
    /// Not inlined, for the reason that ``TrainingMetrics`` gives.
    @inline(never) package init(seconds: Double) throws {
        // Before the object is whole: what was refused is not given back.
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
    /// Decodes a recording and cuts it into pieces that the model takes at once.
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
