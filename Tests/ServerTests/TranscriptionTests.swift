import API
import Foundation
import HTTP
import Server
import TestSupport
import Testing

/// `POST /v1/audio/transcriptions`: formats, long recordings, silence and what is refused. What is heard is the model's matter.
@Suite(.ownThread) struct TranscriptionTests {
    private func client() throws -> MemoryClient { try Fixture.shared.get().memory }

    private func post(
        _ sound: [UInt8]?, _ fields: [String: String] = [:], path: String = "/v1/audio/transcriptions"
    ) async throws -> ClientResponse {
        var body: [UInt8] = []
        for (name, value) in fields { body += Array("--b\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n".utf8) }
        if let sound {
            body += Array("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n".utf8) + sound + Array("\r\n".utf8)
        }
        body += Array("--b--\r\n".utf8)
        return try await client().send("POST", path, headers: ["content-type": "multipart/form-data; boundary=b"], body: body)
    }

    private func question() throws -> [UInt8] { [UInt8](try Data(contentsOf: fixtures.appending(path: "spoken/sum.wav"))) }

    /// The question, so often, with two seconds of silence between.
    private func long(_ count: Int) throws -> [UInt8] {
        let clip = try question()
        let data = clip[44...]
        let rate = clip[24..<28].reversed().reduce(0) { $0 << 8 | Int($1) }
        let samples = (0..<count).flatMap { _ in Array(data) + [UInt8](repeating: 0, count: 4 * rate) }
        func little(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
        return Array(clip[..<4]) + little(36 + samples.count) + Array(clip[8..<40]) + little(samples.count) + samples
    }

    @Test func aTranscriptComesInEveryFormat() async throws {
        let sound = try question()
        let plain = try await post(sound)
        #expect(plain.status == 200)
        let body = try await plain.json()
        let text = try #require(body["text"]?.text)
        #expect(!text.isEmpty)
        #expect(body["usage"]?["type"]?.text == "duration")
        #expect(try await post(sound, ["response_format": "text"]).text() == text + "\n")
        let verbose = try await post(sound, ["response_format": "verbose_json", "language": "en"]).json()
        #expect(verbose["task"]?.text == "transcribe" && verbose["text"]?.text == text && verbose["language"]?.text == "en")
        let (duration, segment) = (try #require(verbose["duration"]?.number), try #require(verbose["segments"]?[0]))
        #expect(segment["start"]?.number == 0 && abs((segment["end"]?.number ?? 0) - duration) < 0.01 && segment["text"]?.text == text)
        let srt = try await post(sound, ["response_format": "srt"]).text()
        #expect(srt.hasPrefix("1\n00:00:00,000 --> 00:00:0") && srt.hasSuffix("\n\(text)\n"))
        let vtt = try await post(sound, ["response_format": "vtt"]).text()
        #expect(vtt.hasPrefix("WEBVTT\n\n00:00:00.000 --> 00:00:0") && vtt.hasSuffix("\n\(text)\n"))
    }

    @Test func aLongRecordingIsCutWhereItIsSilentAndHeardInOrder() async throws {
        let recording = try long(9)
        let verbose = try await post(recording, ["response_format": "verbose_json"]).json()
        let segments = (0..<(verbose["segments"]?.count ?? 0)).compactMap { verbose["segments"]?[$0] }
        #expect(segments.count > 1)
        let starts = segments.compactMap { $0["start"]?.number }, ends = segments.compactMap { $0["end"]?.number }
        #expect(starts == starts.sorted() && zip(ends, starts.dropFirst()).allSatisfy { $0 <= $1 + 1e-9 })
        #expect(zip(starts, ends).allSatisfy { $1 - $0 <= 20.001 })
        // A segment whose words are not to be trusted has none.
        let texts = segments.compactMap { $0["text"]?.text }.filter { !$0.isEmpty }
        #expect(texts.count > 1 && texts.joined(separator: " ") == verbose["text"]?.text)
        #expect(segments.allSatisfy { ($0["avg_logprob"]?.number ?? 1) <= 0 })
        let events = try await post(recording, ["stream": "true"]).events().map { try WireValue(json: Data($0.utf8)) }
        let deltas = events.compactMap { $0["delta"]?.text }
        #expect(deltas.count == texts.count && deltas.joined() == verbose["text"]?.text)
        #expect(events.last?["type"]?.text == "transcript.text.done" && events.last?["text"]?.text == verbose["text"]?.text)
    }

    @Test func silenceHasNoWords() async throws {
        let silence = try long(1).enumerated().map { $0.offset < 44 ? $0.element : 0 }
        #expect(try await post(silence).json()["text"]?.text == "")
        #expect(try await post(silence, ["response_format": "srt"]).text() == "")
    }

    @Test func whatCannotBeDoneIsRefusedByName() async throws {
        let sound = try question()
        func expect(_ response: ClientResponse, _ status: Int, _ param: String?, _ words: String) async throws {
            let body = try await response.json()
            #expect(response.status == status, "\(body)")
            #expect(body["error"]?["param"]?.text == param && body["error"]?["message"]?.text?.contains(words) == true, "\(body)")
        }
        try await expect(post(nil), 400, "file", "found 0 files")
        try await expect(post(Array("no sound".utf8)), 415, "file", "not audio")
        try await expect(post(sound, ["response_format": "xml"]), 400, "response_format", "verbose_json")
        try await expect(post(sound, ["stream": "true", "response_format": "srt"]), 400, "stream", "srt")
        try await expect(post(sound, ["timestamp_granularities[]": "word"]), 400, "timestamp_granularities[]", "segment")
        try await expect(post(sound, ["model": "nobody"]), 404, "model", "nobody")
        try await expect(post(sound, ["prompt": "Ella"]), 422, nil, "no names or terms")
        try await expect(post(sound, ["temperature": "7"]), 400, "temperature", "0 to 2")
    }
}
