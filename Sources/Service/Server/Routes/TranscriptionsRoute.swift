package import API
import Foundation
import Generation
import HTTP
package import Workshop

/// `POST /v1/audio/transcriptions` and `/v1/audio/translations`: the words of a recording, through OpenAI's calls.
enum TranscriptionsRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        for (path, task) in [("/v1/audio/transcriptions", TranscriptionWish.Task.transcribe), ("/v1/audio/translations", .translate)] {
            router.post(path, scope: .ask) { request in
                try await refusing {
                    let runtime = try server.runtime
                    let form = try await runtime.queues.reading(request.body.count) { try Form(request) }
                    let wanted = try WireDecoder.decode(TranscriptionRequest.self, form: form.fields.items)
                    guard let file = form.file("file"), form.files.count == 1 else {
                        throw HTTPError(
                            400, "file: expected one recording; found \(form.files.count) files.", parameter: "file",
                            code: "missing_required_parameter")
                    }
                    let wish = TranscriptionWish(
                        task: task, language: wanted.language, context: wanted.prompt, temperature: wanted.temperature)
                    let transcription = try await runtime.transcribe(file.bytes, wish, model: wanted.model)
                    if wanted.stream { return stream(transcription) }
                    let written = try await WrittenTranscript(transcription, as: wanted.format)
                    return .text(written.text, contentType: written.contentType)
                }
            }
        }
    }

    private static func stream(_ transcription: Transcription) -> Response {
        .refusing { events in
            var pieces: [Transcription.Piece] = []
            try await transcription.forEach { piece in
                if !piece.text.isEmpty {
                    let blank = joined(pieces).isEmpty ? "" : " "
                    try await events.send(try WireEncoder.encode(TranscriptionEvent.delta(blank + piece.text)))
                }
                pieces.append(piece)
            }
            try await events.send(try WireEncoder.encode(TranscriptionEvent.done(joined(pieces), seconds: transcription.seconds)))
        }
    }
}

/// A complete transcript in one of the requested formats.
package struct WrittenTranscript: Sendable {
    package let text: String
    let contentType: String

    package init(_ transcription: Transcription, as format: TranscriptionRequest.Format) async throws {
        var pieces: [Transcription.Piece] = []
        try await transcription.forEach { pieces.append($0) }
        let said = joined(pieces)
        let usage = TranscriptionObject.Usage(seconds: transcription.seconds)
        func json(_ value: some Encodable) throws -> String { String(decoding: try WireEncoder.encode(value), as: UTF8.self) }
        switch format {
        case .json:
            text = try json(TranscriptionObject(text: said, usage: usage))
            contentType = "application/json"
        case .text: (text, contentType) = (said + "\n", "text/plain; charset=utf-8")
        case .srt: (text, contentType) = (Subtitles.srt(pieces), "application/x-subrip; charset=utf-8")
        case .vtt: (text, contentType) = (Subtitles.vtt(pieces), "text/vtt; charset=utf-8")
        case .verbose:
            // Sound without words that are to be trusted is a segment, too; silence is none.
            let segments = pieces.filter { !$0.text.isEmpty || $0.certainty < 0 }.enumerated().map { id, piece in
                VerboseTranscriptionObject.Segment(
                    id: id, start: piece.seconds.lowerBound, end: piece.seconds.upperBound, text: piece.text, avgLogprob: piece.certainty)
            }
            text = try json(
                VerboseTranscriptionObject(
                    task: transcription.wish.task == .translate ? "translate" : "transcribe",
                    language: pieces.lazy.compactMap(\.language).first ?? transcription.wish.language, duration: transcription.seconds, text: said,
                    segments: segments, usage: usage))
            contentType = "application/json"
        }
    }
}

private func joined(_ pieces: [Transcription.Piece]) -> String {
    pieces.map(\.text).filter { !$0.isEmpty }.joined(separator: " ")
}

/// Transcripts as subtitles, one piece per title: SubRip, and WebVTT (W3C).
enum Subtitles {
    static func srt(_ pieces: [Transcription.Piece]) -> String {
        pieces.filter { !$0.text.isEmpty }.enumerated().map { number, piece in
            "\(number + 1)\n\(times(piece, decimal: ","))\n\(line(piece.text))\n"
        }.joined(separator: "\n")
    }

    static func vtt(_ pieces: [Transcription.Piece]) -> String {
        "WEBVTT\n\n"
            + pieces.filter { !$0.text.isEmpty }.map { "\(times($0, decimal: "."))\n\(line($0.text))\n" }.joined(separator: "\n")
    }

    /// Keeps a text from ending its title early or beginning another.
    private static func line(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " ").replacing("-->", with: "→")
    }

    private static func times(_ piece: Transcription.Piece, decimal: String) -> String {
        [piece.seconds.lowerBound, piece.seconds.upperBound].map { seconds in
            let milliseconds = Int((seconds * 1000).rounded())
            let clock = [milliseconds / 3_600_000, milliseconds / 60_000 % 60, milliseconds / 1000 % 60].map { padded($0, 2) }
            return clock.joined(separator: ":") + decimal + padded(milliseconds % 1000, 3)
        }.joined(separator: " --> ")
    }

    private static func padded(_ value: Int, _ digits: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
