import Audio
import Foundation
import Generation
import Models
import TestSupport
import Testing

/// Model directories as people have them.
@Suite(.ownThread) struct DirectoryTests {
    private let checkpoint = try! RandomCheckpoint("qwen2audio/published")
    private func file(_ name: String) -> URL { checkpoint.directory.appendingPathComponent(name) }

    @Test func theProcessorOfTransformers5IsRead() throws {
        let expected = try #require(LoadedModel(directory: checkpoint.directory).model.audio).extractor.configuration
        try FileManager.default.removeItem(at: file("preprocessor_config.json"))
        try FileManager.default.copyItem(
            at: fixtures.appending(path: "qwen2audio/processor_config.json"), to: file("processor_config.json"))
        let found = try #require(LoadedModel(directory: checkpoint.directory).model.audio).extractor.configuration
        #expect((found.melCount, found.hop, found.windowSamples) == (expected.melCount, expected.hop, expected.windowSamples))
        #expect(found.file == "processor_config.json")
    }

    @Test(arguments: ["config.json", "preprocessor_config.json", "tokenizer.json", "chat_template.jinja", "model.safetensors"])
    func aMissingFileIsNamedInWords(name: String) throws {
        try FileManager.default.removeItem(at: file(name))
        let error = #expect(throws: (any Error).self) { try LoadedModel(directory: checkpoint.directory) }
        let words = "\(error!)"
        #expect(words.contains(name) && !words.contains("NSCocoaErrorDomain") && !words.contains("Code="), "\(words)")
    }

    @Test(arguments: ["config.json", "preprocessor_config.json", "tokenizer.json", "generation_config.json"])
    func aFolderInAFilesPlaceIsNamedInWords(name: String) throws {
        try FileManager.default.removeItem(at: file(name))
        try FileManager.default.createDirectory(at: file(name), withIntermediateDirectories: false)
        let error = #expect(throws: (any Error).self) { try LoadedModel(directory: checkpoint.directory) }
        let words = "\(error!)"
        #expect(words.contains(name) && words.contains("it is a folder"), "\(words)")
    }

    @Test func aByteOrderMarkIsPassedOverInEveryFile() throws {
        let expected = try LoadedModel(directory: checkpoint.directory)
        let message = HeardMessage(role: "user", parts: [.text("Tom has 12 apples.")])
        let ids = try expected.prompt([message]).tokens
        for name in try FileManager.default.contentsOfDirectory(atPath: checkpoint.directory.path)
        where name.hasSuffix(".json") || name.hasSuffix(".jinja") {
            try (Data([0xEF, 0xBB, 0xBF]) + Data(contentsOf: file(name))).write(to: file(name))
        }
        let marked = try LoadedModel(directory: checkpoint.directory)
        #expect(try marked.prompt([message]).tokens == ids)
        #expect(marked.endTokens == expected.endTokens)
    }

    @Test func anEndTokenBeyondAllTokensIsRefused() throws {
        try Data(#"{"eos_token_id": 1e12}"#.utf8).write(to: file("generation_config.json"))
        let error = #expect(throws: (any Error).self) { try LoadedModel(directory: checkpoint.directory) }
        #expect("\(error!)".contains("eos_token_id"))
    }
}
