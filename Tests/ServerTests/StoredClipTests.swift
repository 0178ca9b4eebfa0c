import API
import CordNano
import Foundation
import HTTP
import Jobs
import Server
import TestSupport
import Testing
import Workshop

/// One way to write a clip, on every route that takes one: `data`, `file_id` or `path`.
@Suite(.ownThread) struct StoredClipTests {
    private let server: TrainingServer
    private let clips: TemporaryFolder

    init() async throws {
        let clips = try TemporaryFolder()
        self.clips = clips
        try Data(try Fixture.spoken("sum")).write(to: clips.url.appending(path: "sum.wav"))
        server = try await TrainingServer {
            $0.model.directory = CordNano.directory
            $0.model.name = "cord-nano"
            $0.work.audioFolder = clips.url
            $0.keys = [Scope.ask, .measure, .train, .all].map { AccessKey(name: "\($0)", secret: "key of \($0)", scopes: [$0, .ask]) }
        }
    }

    private func upload(_ purpose: String) throws -> String {
        let content = try server.workshop.store.contents.store(Data(try Fixture.spoken("sum")), checking: {})
        return try server.workshop.store.addFile(purpose: purpose, filename: "sum.wav", content: content).id
    }

    private func post(_ path: String, _ body: String, as scope: Scope = .all) async throws -> (status: Int, json: WireValue) {
        let response = try await server.client.post(path, json: body, headers: ["authorization": "Bearer key of \(scope)"])
        return (response.status, try await response.json())
    }

    /// What an answer says of the clip, whichever route gave it; ids and times differ.
    private static func answer(_ json: WireValue) -> String {
        for name in ["answer", "choices", "tokens", "data"] { if let found = json[name] { return sorted(found) } }
        return sorted(json["output"]?[0]?["content"] ?? json["pairs"]?[0]?["audio"] ?? .null)
    }

    private static func sorted(_ value: WireValue) -> String {
        switch value {
        case .object(let members): members.keys.sorted().map { "\($0): \(sorted(members[$0] ?? .null))" }.joined(separator: ", ")
        case .array(let values): values.map(sorted).joined(separator: ", ")
        default: "\(value)"
        }
    }

    /// Bodies with a clip in the place of `CLIP`.
    private static let asking = [
        ("/v1/answers", #"{"audio": CLIP, "max_tokens": 4}"#),
        ("/v1/chat/completions", #"{"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": CLIP}]}], "max_tokens": 4}"#),
        ("/v1/responses", #"{"input": [{"role": "user", "content": [{"type": "input_audio", "input_audio": CLIP}]}], "max_output_tokens": 4}"#),
        ("/v1/tokenize", #"{"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": CLIP}]}]}"#),
        (
            "/v1/score",
            #"{"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": CLIP}]}], "continuations": ["54"]}"#
        ),
    ]
    private static let learning = [
        ("/v1/gap/inspect", #"{"audio": CLIP, "text": "What is the sum of 17, 9 and 28?", "continuation": "54"}"#),
        (
            "/v1/cord/score",
            #"{"pairs": [{"audio": CLIP, "text": "What is the sum of 17, 9 and 28?"}], "objective": {"max_rollout_tokens": 4, "rollouts": 2}}"#
        ),
    ]

    @Test func aClipIsWrittenAlikeOnEveryRoute() async throws {
        let file = try upload("user_data")
        let data = Data(try Fixture.spoken("sum")).base64EncodedString()
        let places = [#"{"data": "\#(data)"}"#, #"{"file_id": "\#(file)", "format": "wav"}"#, #"{"path": "sum.wav"}"#]
        for (path, body) in Self.asking + Self.learning {
            var heard: [String] = []
            for place in places {
                let answer = try await post(path, body.replacing("CLIP", with: place))
                #expect(answer.status == 200, "\(path) \(place.prefix(40)): \(answer.json)")
                heard.append(Self.answer(answer.json))
            }
            #expect(Set(heard).count == 1, "\(path): \(heard)")
        }
    }

    @Test func aClipThatIsNotThereIsNamed() async throws {
        for (clip, status, words) in [
            (#"{"file_id": "file-none"}"#, 404, "file-none"), (#"{"path": "gone.wav"}"#, 404, "gone.wav"),
            (#"{"path": "../etc/passwd"}"#, 403, "leads out"), ("{}", 400, "exactly one of `data`, `file_id` and `path`"),
            (#"{"path": "sum.wav", "file_id": "file-none"}"#, 400, "exactly one of `data`, `file_id` and `path`"),
        ] {
            for (path, body) in Self.asking {
                let answer = try await post(path, body.replacing("CLIP", with: clip))
                #expect(
                    answer.status == status && answer.json["error"]?["message"]?.text?.contains(words) == true, "\(path) \(clip): \(answer.json)")
            }
        }
    }

    /// A key for asking reads no files; one for measuring reads no training data.
    @Test func theClipsOfTheServerNeedAKeyThatReadsThem() async throws {
        let (own, training) = (try upload("user_data"), try upload("fine-tune"))
        for (path, body) in Self.asking {
            for (scope, clip, status) in [
                (Scope.ask, #"{"file_id": "\#(own)"}"#, 403), (.ask, #"{"path": "sum.wav"}"#, 403), (.measure, #"{"file_id": "\#(own)"}"#, 200),
                (.measure, #"{"path": "sum.wav"}"#, 200), (.measure, #"{"file_id": "\#(training)"}"#, 403),
                (.train, #"{"file_id": "\#(training)"}"#, 200),
            ] {
                let answer = try await post(path, body.replacing("CLIP", with: clip), as: scope)
                #expect(answer.status == status, "\(path) \(scope) \(clip): \(answer.json)")
            }
        }
    }

    @Test func aServerThatKeepsNothingSaysSo() async throws {
        let answer = try await Fixture.shared.get().memory.post("/v1/answers", json: #"{"audio": {"file_id": "file-1"}}"#)
        let text = try await answer.text()
        #expect(answer.status == 422 && text.contains("started without a data folder"), "\(text)")
    }
}
