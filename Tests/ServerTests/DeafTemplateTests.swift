import API
import Foundation
import Generation
import HTTP
import Server
import TestSupport
import Testing
import Workshop

/// Directories whose template or tokenizer has no place for sound: typed questions are answered, spoken ones refused by name.
@Suite(.ownThread) struct DeafTemplateTests {
    @Test(arguments: [
        ("{% for m in messages %}\n<|im_start|>{{ m['content'] + '<|im_end|>' }}{% endfor %}", "line 2: list + str"),
        ("{% for m in messages %}<|im_start|>{{ m['content'] }}<|im_end|>{% endfor %}", "0 placeholders"),
    ]) func spokenQuestionsAreRefusedByWhatTheTemplateLacks(template: String, reason: String) async throws {
        let checkpoint = try RandomCheckpoint("qwen2audio/published")
        try Data(template.utf8).write(to: checkpoint.directory.appending(path: "chat_template.jinja"))
        let server = try Fixture { $0.model.directory = checkpoint.directory }.memory
        let typed = #"{"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 2}"#
        #expect(try await server.post("/v1/chat/completions", json: typed).status == 200)
        let sound = Data(try Fixture.spoken("sum")).base64EncodedString()
        let spoken =
            #"{"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "\#(sound)", "format": "wav"}}]}]}"#
        let response = try await server.post("/v1/chat/completions", json: spoken)
        let error = try await response.json()["error"]
        #expect(response.status == 422 && error?["code"]?.text == "unusable_chat_template" && error?["param"]?.text == "messages")
        #expect(error?["message"]?.text?.contains(reason) == true, "\(String(describing: error))")
        #expect(try LoadedModel(directory: checkpoint.directory).summary.contains("spoken questions will be refused: "))
    }
}
