import Audio
import Foundation
import Generation
import TestSupport
import Testing
import Tokenization

/// What GGUF files lay out otherwise than directories: vocabularies of Mistral and Llama, paired rows, stacked experts, scaled frequencies.
@Suite(.ownThread) struct GGUFLayoutTests {
    private let folder = fixtures.appending(path: "gguf")

    private func model(_ name: String) throws -> LoadedModel {
        try LoadedModel(
            .gguf(decoder: folder.appending(path: name + "/decoder.gguf"), projector: folder.appending(path: name + "/mmproj.gguf")))
    }

    /// Text around sound is the family's, whatever the file's template is. Ultravox's file splits text otherwise than the directory's tokenizer.
    @Test(arguments: ["voxtral", "ultravox"]) func promptsAreThoseOfTheDirectory(family: String) throws {
        let checkpoint = try RandomCheckpoint(family + "/published")
        let directory = try LoadedModel(directory: checkpoint.directory), file = try model(family)
        let clip = AudioClip(samples: [Float](repeating: 0.1, count: 16_000))
        let messages = [
            HeardMessage(role: "system", "Be brief."), HeardMessage(role: "user", parts: [.audio(clip), .text("What is said?")]),
            HeardMessage(role: "assistant", "12"), HeardMessage(role: "user", "And <|audio|> [AUDIO]?"),
        ]
        let own = try file.prompt(messages), theirs = try directory.prompt(messages)
        #expect(own.audioTokens == theirs.audioTokens && own.clips.count == 1)
        // The fixture of ultravox has no token that begins a text; its directory has.
        let begin = family == "ultravox" ? "<|endoftext|>" : ""
        #expect(begin + file.tokenizer.decode(own.tokens.map(Int.init)) == directory.tokenizer.decode(theirs.tokens.map(Int.init)))
        if family == "voxtral" { #expect(own.tokens == theirs.tokens) }
    }

    private struct Text: Decodable {
        let text: String
        let ids: [Int]
    }

    @Test func tokensOfTekkenAreMistralCommons() throws {
        let texts = try JSONDecoder().decode([Text].self, from: Data(contentsOf: fixtures.appending(path: "voxtral/published/tekken_texts.json")))
        try #require(texts.count > 20)
        let tokenizer = try model("voxtral").tokenizer
        for item in texts { #expect(try tokenizer.encode(item.text) == item.ids, "\(item.text)") }
    }

    /// A number in the decoder's metadata that its tensors contradict.
    @Test(arguments: [
        ("ultravox", "llama.attention.head_count", UInt32(3), "rows of 3 heads"),
        ("ultravox", "llama.attention.head_count", 8, "asks for [256, 64], the file has [128, 64]"),
        ("qwen3_omni_moe", "qwen3vlmoe.expert_count", 9, "asks for [9, 64], the file has [8, 64]"),
        ("qwen3_omni_moe", "qwen3vlmoe.expert_used_count", 30, "num_experts_per_tok"),
    ])
    func aWrongNumberIsNamed(family: String, key: String, value: UInt32, words: String) throws {
        let files = FileManager.default
        let copy = files.temporaryDirectory.appending(path: "cord-gguf-\(UUID().uuidString)")
        defer { try? files.removeItem(at: copy) }
        try files.copyItem(at: folder.appending(path: family), to: copy)
        let file = copy.appending(path: "decoder.gguf")
        var data = try Data(contentsOf: file)
        let place = try #require(data.range(of: Data(key.utf8))).upperBound + 4
        unsafe withUnsafeBytes(of: value.littleEndian) { unsafe data.replaceSubrange(place..<place + 4, with: Data($0)) }
        try data.write(to: file)
        let error = #expect(throws: (any Error).self) { try LoadedModel(ModelFiles(copy)) }
        #expect("\(error!)".contains(words), "\(error!)")
    }

    @Test(arguments: ["voxtral", "qwen3_omni_moe", "ultravox"]) func whatIsReadOnlyIsNotWritten(family: String) throws {
        let checkpoint = try RandomCheckpoint(family + "/published")
        let error = #expect(throws: (any Error).self) {
            try Quantization(of: checkpoint.directory, .int8, to: checkpoint.directory.appending(path: "out.gguf"))
        }
        #expect("\(error!)".contains("not written as GGUF files"), "\(error!)")
    }
}
