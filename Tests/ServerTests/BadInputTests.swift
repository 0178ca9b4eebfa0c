import API
import Audio
import Foundation
import Generation
import HTTP
import Server
import TestSupport
import Testing
import Workshop

/// Every refusal has its status, its code and, where there is one, the path of the field; the server answers the next request.
@Suite(.ownThread) struct BadInputTests {
    private func client() throws -> MemoryClient { try Fixture.shared.get().memory }

    private func expect(
        _ response: ClientResponse, _ status: Int, _ code: String, param: String? = nil, _ place: SourceLocation = #_sourceLocation
    ) async throws {
        let body = try await response.json()
        #expect(response.status == status, "\(body)", sourceLocation: place)
        #expect(body["error"]?["code"]?.text == code, "\(body)", sourceLocation: place)
        if let param { #expect(body["error"]?["param"]?.text == param, sourceLocation: place) }
        #expect(body["error"]?["message"]?.text?.isEmpty == false, sourceLocation: place)
    }

    private func hear(_ bytes: [UInt8]) async throws -> ClientResponse {
        try await client().send("POST", "/v1/answers", headers: ["content-type": "audio/wav"], body: bytes)
    }

    private func wav(_ samples: [Float], rate: Int = 16_000) -> [UInt8] {
        WAVWriter.bytes(samples, sampleRate: rate, encoding: .float32)
    }

    @Test func whatIsNotSoundIsNamed() async throws {
        try await expect(hear([]), 400, "audio_empty")
        try await expect(hear(Array("<html>hello</html>".utf8)), 415, "audio_not_recognized")
        try await expect(hear([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 1, 2, 3]), 415, "audio_not_recognized")
        try await expect(hear(Array(try Fixture.spoken("sum").prefix(40_000))), 400, "audio_truncated")
        try await expect(hear(wav([])), 400, "audio_no_samples")
        try await expect(hear(wav([0, .nan, 0])), 400, "audio_invalid_sample")
        var lying = try Fixture.spoken("sum")
        lying.replaceSubrange(22..<24, with: [0, 0])
        let response = try await hear(lying)
        #expect(response.status == 400 || response.status == 415)
        try await expect(hear(wav([Float](repeating: 0, count: 200))), 400, "audio_too_short")
    }

    @Test func clipsBeyondTheWindowAreRefusedAndNotCut() async throws {
        let long = [Float](repeating: 0, count: 21 * 16_000)
        try await expect(hear(wav(long)), 413, "audio_longer_than_window")
        let hour = [Float](repeating: 0, count: 3600 * 1000)
        try await expect(hear(wav(hour, rate: 1000)), 413, "audio_longer_than_window")
        let short = try Fixture { $0.limits.clipSeconds = 5 }.memory
        let headers: Headers = ["content-type": "audio/wav"]
        try await expect(short.send("POST", "/v1/answers", headers: headers, body: wav(long)), 413, "audio_too_long")
        // 100 tokens are 4 s of sound.
        let narrow = try Fixture { $0.limits.promptTokens = 100 }.memory
        func refused() async throws -> ClientResponse {
            try await narrow.send("POST", "/v1/answers", headers: headers, body: wav(Array(long[..<(10 * 16_000)])))
        }
        try await expect(refused(), 413, "audio_longer_than_context")
        #expect(try await refused().json()["error"]?["message"]?.text?.contains("holds 4 s of sound") == true)
    }

    private func conversation(_ clips: [[UInt8]]) -> String {
        let parts = clips.map {
            #"{"type": "input_audio", "input_audio": {"data": "\#(Data($0).base64EncodedString())", "format": "wav"}}"#
        }
        return #"{"model": "cord-nano", "max_tokens": 1, "messages": [{"role": "user", "content": [\#(parts.joined(separator: ","))]}]}"#
    }

    /// A second of sound is 25 tokens of this model's context of 2048: each clip alone could be heard, five of them not.
    @Test func clipsThatCannotBeHeardTogetherAreRefusedByTheirSum() async throws {
        let long = wav([Float](repeating: 0, count: 19 * 16_000))
        func five() async throws -> ClientResponse {
            try await client().post("/v1/chat/completions", json: conversation([long, long, long, long, long]))
        }
        try await expect(five(), 400, "context_length_exceeded", param: "messages[0].content[4].input_audio.data")
        #expect(try await five().json()["error"]?["message"]?.text?.contains("95.0 s together") == true)
        #expect(try await client().post("/v1/chat/completions", json: conversation([long, long, long, long])).status == 200)
    }

    /// Eight channels at 192 kHz may be decoded for as long as the window is, in all clips of a request together.
    @Test func samplesOfARequestsClipsCountTogether() async throws {
        func little(_ value: Int, _ bytes: Int) -> [UInt8] { (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
        let (channels, rate, seconds) = (8, 200_000, 10)
        let samples = channels * rate * seconds
        let header =
            Array("RIFF".utf8) + little(36 + samples, 4) + Array("WAVEfmt ".utf8) + little(16, 4) + little(1, 2)
            + little(channels, 2) + little(rate, 4) + little(channels * rate, 4) + little(channels, 2) + little(8, 2)
            + Array("data".utf8) + little(samples, 4)
        let clip = header + [UInt8](repeating: 128, count: samples)
        let two = try await client().post("/v1/chat/completions", json: conversation([clip, clip]))
        try await expect(two, 413, "audio_too_many_samples", param: "messages[0].content[1].input_audio.data")
        #expect(try await client().post("/v1/chat/completions", json: conversation([clip])).status == 200)
    }

    @Test func manyCopiesOfAClipThatNobodyCanHearAreRefusedByTheirHeader() async throws {
        let bomb = [UInt8](try Data(contentsOf: fixtures.appending(path: "audio/refused/bomb.flac")))
        let response = try await client().post("/v1/chat/completions", json: conversation([[UInt8]](repeating: bomb, count: 32)))
        try await expect(response, 413, "audio_longer_than_window", param: "messages[0].content[0].input_audio.data")
    }

    /// A few kilobytes of FLAC that would take seconds to decode: 119 s in 8 channels at 655,350 Hz.
    @Test func densestClipIsRefusedByItsHeader() async throws {
        let bomb = try Data(contentsOf: fixtures.appendingPathComponent("audio/refused/bomb.flac"))
        try await expect(hear([UInt8](bomb)), 413, "audio_longer_than_window")
    }

    @Test(arguments: [("live.webm", "audio/webm"), ("moov-at-end.m4a", "audio/mp4"), ("fragmented.mp4", "video/mp4"), ("narrow.amr", "audio/amr")])
    func whatBrowsersAndPhonesRecordIsHeard(name: String, type: String) async throws {
        let sound = try Data(contentsOf: fixtures.appendingPathComponent("audio/containers/\(name)"))
        let response = try await client().send("POST", "/v1/answers", headers: ["content-type": type], body: [UInt8](sound))
        let body = try await response.json()
        #expect(response.status == 200, "\(body)")
        #expect(abs((body["cord"]?["audio"]?[0]?["seconds"]?.number ?? 0) - 0.45) < 0.07, "\(body)")
    }

    @Test func base64GarbageIsNamedWithItsField() async throws {
        let text =
            #"{"model": "cord-nano", "messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "@@@", "format": "wav"}}]}]}"#
        try await expect(
            client().post("/v1/chat/completions", json: text), 400, "invalid_value", param: "messages[0].content[0].input_audio.data")
    }

    @Test func soundThatCannotBeHeardIsNamedWithItsField() async throws {
        let text =
            #"{"model": "cord-nano", "messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "input_audio", "input_audio": {"data": "aGVsbG8=", "format": "wav"}}]}]}"#
        try await expect(
            client().post("/v1/chat/completions", json: text), 415, "audio_not_recognized",
            param: "messages[0].content[1].input_audio.data")
    }

    @Test(arguments: [
        (#"[]"#, "invalid_type"), (#"{"#, "invalid_json"), (#"{"model": 5}"#, "invalid_type"),
        (String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000), "json_too_deep"),
        (#"{"model": "cord-nano", "messages": []}"#, "invalid_value"),
        (#"{"model": "cord-nano", "messages": [{"role": "user", "content": [{"type": "video"}]}]}"#, "invalid_value"),
        (#"{"model": "cord-nano", "messages": [{"role": "user", "content": "a"}], "temperature": 9}"#, "invalid_value"),
        (#"{"model": "cord-nano", "messages": [{"role": "user", "content": "a"}], "n": 0}"#, "invalid_value"),
        (#"{"model": "cord-nano", "messages": [{"role": "user", "content": "a"}], "surprise": 1}"#, "unknown_parameter"),
        (#"{"model": "cord-nano", "messages": [{"role": "user", "content": "a"}], "tools": [{}]}"#, "missing_required_parameter"),
        (
            #"{"model": "cord-nano", "messages": [{"role": "user", "content": "a"}], "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"not": {}}}}}"#,
            "unsupported_schema"
        ),
        (
            #"{"model": "cord-nano", "messages": [{"role": "user", "content": "a"}], "structured_outputs": {"regex": "(a"}}"#,
            "unsupported_schema"
        ),
        (
            #"{"model": "cord-nano", "messages": [{"role": "user", "content": "a"}], "structured_outputs": {"grammar": "root ::= a"}}"#,
            "unsupported_schema"
        ),
    ])
    func malformedBodiesAreNamed(text: String, code: String) async throws {
        try await expect(client().post("/v1/chat/completions", json: text), 400, code)
    }

    @Test func unknownModelsPathsAndMethodsAreNamed() async throws {
        let text = #"{"model": "other", "messages": [{"role": "user", "content": "a"}]}"#
        try await expect(client().post("/v1/chat/completions", json: text), 404, "model_not_found", param: "model")
        try await expect(client().get("/v1/models/other"), 404, "model_not_found")
        try await expect(client().get("/v1/nothing"), 404, "not_found")
        try await expect(client().get("/v1/answers"), 405, "method_not_allowed")
        let pdf = try await client().send("POST", "/v1/answers", headers: ["content-type": "application/pdf"], body: [1])
        try await expect(pdf, 415, "unsupported_media_type")
        let unlabelled = try await client().send(
            "POST", "/v1/answers", headers: ["content-type": "application/x-www-form-urlencoded"], body: try Fixture.spoken("sum"))
        try await expect(unlabelled, 415, "unsupported_media_type")
    }

    @Test func promptsBeyondTheContextAreRefusedBeforeAndAfterTokenising() async throws {
        for count in [3_000, 300_000] {
            let words = String(repeating: "seven ", count: count)
            try await expect(client().post("/v1/answers", json: #"{"text": "\#(words)"}"#), 400, "context_length_exceeded")
        }
    }

    @Test func theOperatorsLimitsOfOneQuestionHold() async throws {
        let client = try Fixture {
            $0.limits.promptTokens = 60
            $0.limits.clips = 1
            $0.model.engine.cacheBytes = 16 << 20
        }.memory
        let words = String(repeating: "seven ", count: 60)
        try await expect(client.post("/v1/answers", json: #"{"text": "\#(words)"}"#), 400, "context_length_exceeded")
        let clip = #"{"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}"#
        let two = #"{"model": "cord-nano", "messages": [{"role": "user", "content": [\#(clip), \#(clip)]}]}"#
        try await expect(client.post("/v1/chat/completions", json: two), 400, "too_many_clips", param: "messages")
        let many = #"{"model": "cord-nano", "messages": [{"role": "user", "content": "a"}], "n": 128, "max_tokens": 900}"#
        try await expect(client.post("/v1/chat/completions", json: many), 422, "too_large_for_cache", param: "max_tokens")
        #expect(try await client.post("/v1/answers", json: #"{"text": "What is 17 plus 25?"}"#).status == 200)
    }

    @Test func uploadsAndBodiesBeyondTheirLimitsAre413() async throws {
        let client = try Fixture {
            $0.uploadBytes = 2000
            $0.http.bodyBytes = 1000
        }.memory
        let form: Headers = ["content-type": "multipart/form-data; boundary=b"]
        try await expect(
            client.send("POST", "/v1/files", headers: form, body: [UInt8](repeating: 1, count: 2001)), 413, "body_too_large")
        try await expect(client.post("/v1/answers", json: String(repeating: " ", count: 1001)), 413, "body_too_large")
    }

    /// As a page would ask whose own name was made to resolve to this machine.
    @Test func aServerWithoutKeysAnswersToItsOwnNamesAlone() async throws {
        let open = try Fixture { $0.allowedHosts = ["box.lan"] }.memory
        for host in ["localhost:8080", "127.0.0.1:8080", "box.lan:8080"] {
            #expect(try await open.get("/v1/models", headers: ["host": host]).status == 200)
        }
        for path in ["/v1/models", "/health", "/openapi.json"] {
            try await expect(open.get(path, headers: ["host": "evil.example"]), 403, "host_not_allowed")
        }
        let keyed = try Fixture { $0.keys = [AccessKey(name: "all", secret: "s1")] }.memory
        let headers: Headers = ["host": "cord.example.org", "authorization": "Bearer s1"]
        #expect(try await keyed.get("/v1/models", headers: headers).status == 200)
    }

    @Test func urlsAreRefusedUnlessTheOperatorAllowsThem() async throws {
        func ask(_ url: String, _ client: MemoryClient) async throws -> ClientResponse {
            try await client.post(
                "/v1/chat/completions",
                json: #"{"model": "cord-nano", "messages": [{"role": "user", "content": [{"type": "audio_url", "audio_url": {"url": "\#(url)"}}]}]}"#)
        }
        for url in ["http://example.org/a.wav", "file:///etc/passwd", "ftp://example.org/a.wav"] {
            try await expect(ask(url, client()), 400, "url_not_allowed", param: "messages[0].content[0].audio_url.url")
        }
        try await expect(ask("data:audio/wav;base64,@@", client()), 400, "invalid_value", param: "messages[0].content[0].audio_url.url")
        // A data URL needs no base64: these five bytes are read, and are no sound.
        try await expect(ask("data:audio/wav,hello", client()), 415, "audio_not_recognized")
        let open = try Fixture { $0.limits.audioHosts = ["localhost", "127.0.0.1", "169.254.169.254", "[::1]"] }.memory
        for url in [
            "http://localhost:1/a.wav", "http://127.0.0.1/a.wav", "http://169.254.169.254/latest", "http://example.org/a.wav",
            "http://me:pw@127.0.0.1/a",
        ] {
            try await expect(ask(url, open), 400, "url_not_allowed")
        }
    }

    @Test func moreQuestionsThanTheQueueHoldsGetBusy() async throws {
        let client = try Fixture {
            $0.model.engine.queue = 2
            $0.model.engine.sequences = 1
        }.memory
        let text = #"{"text": "What is 17 plus 25?", "temperature": 2, "max_tokens": 400}"#
        let statuses = try await withThrowingTaskGroup(of: (Int, String?).self) { group in
            for _ in 0..<16 {
                group.addTask {
                    let response = try await client.post("/v1/answers", json: text)
                    return (response.status, response.headers["retry-after"])
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let busy = statuses.filter { $0.0 == 429 }
        #expect(!busy.isEmpty && busy.allSatisfy { $0.1 != nil })
        #expect(statuses.contains { $0.0 == 200 })
        #expect(try await client.post("/v1/answers", json: #"{"text": "What is 17 plus 25?"}"#).status == 200)
    }

    @Test func questionsWhileTheModelLoadsAreSentAway() async throws {
        let client = MemoryClient(try ServerState(ServerConfiguration(ModelSettings(directory: fixtures))).service())
        try await expect(client.post("/v1/answers", json: #"{"text": "a"}"#), 503, "loading")
        let health = try await client.get("/health")
        #expect(health.status == 503)
        #expect(try await health.json()["status"]?.text == "loading")
    }

    @Test func timeForOneAnswerEnds() async throws {
        let client = try Fixture { $0.limits.time = .milliseconds(60) }.memory
        let text = #"{"model": "cord-nano", "messages": [{"role": "user", "content": "a"}], "temperature": 2, "n": 64, "max_tokens": 900}"#
        try await expect(client.post("/v1/chat/completions", json: text), 504, "timeout")
    }

    @Test func keysOpenRoutesByScope() async throws {
        let client = try Fixture {
            $0.keys = [AccessKey(name: "all", secret: "s1"), AccessKey(name: "guest", secret: "s2", scopes: [.ask])]
        }.memory
        #expect(try await client.get("/health").status == 200)
        for path in ["/v1/models", "/metrics", "/openapi.json"] {
            #expect(try await client.get(path).status == 401)
            #expect(try await client.get(path, headers: ["authorization": "Bearer s2"]).status == 200)
        }
        let load = try await client.post(
            "/v1/unload_lora_adapter", json: #"{"lora_name": "x"}"#, headers: ["authorization": "Bearer s2"])
        #expect(load.status == 403)
    }
}
