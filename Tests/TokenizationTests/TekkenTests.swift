import Foundation
import TestSupport
import Testing
import Tokenization

/// `tekken.json` against mistral-common.
@Suite(.ownThread) struct TekkenTests {
    private static let directory = fixtures.appending(path: "voxtral/published")

    private struct Item: Decodable {
        let text: String
        let ids: [Int]
    }

    @Test func idsAreThoseOfMistralCommon() throws {
        let tokenizer = try Tokenizer(directory: Self.directory)
        let items = try JSONDecoder().decode([Item].self, from: Data(contentsOf: Self.directory.appending(path: "tekken_texts.json")))
        #expect(items.count > 40)
        for item in items {
            #expect(try tokenizer.encode(item.text) == item.ids, "\(item.text)")
            #expect(tokenizer.decode(item.ids) == item.text)
        }
    }

    @Test func controlTokensAreNamedOrFilledUp() throws {
        let tokenizer = try Tokenizer(directory: Self.directory)
        #expect(tokenizer.id(of: "[TRANSCRIBE]") == 34 && tokenizer.id(of: "<SPECIAL_39>") == 39 && tokenizer.specialIDs.count == 40)
        let (parsed, plain) = (try tokenizer.encode("<s>[INST]a", specials: .parsed), try tokenizer.encode("<s>[INST]a"))
        #expect(parsed.prefix(2) == [1, 3] && !plain.contains { $0 < 40 })
        #expect(tokenizer.vocabularySize == 813)
    }

    /// What contradicts the format is named; nothing ends.
    @Test(arguments: [
        (#""default_vocab_size": 813"#, #""default_vocab_size": 9000"#, "config"),
        (#""default_vocab_size": 813"#, #""default_vocab_size": 3"#, "config"),
        (#""default_num_special_tokens": 40"#, #""default_num_special_tokens": -1"#, "config"), (#""rank": 300"#, #""rank": 301"#, "vocab.[300]"),
        (#""rank": 300, "token_bytes": ""#, #""rank": 300, "token_bytes": "!"#, "vocab"), (#""special_tokens""#, #""others""#, "special_tokens"),
        (#""pattern": ""#, #""pattern": "("#, "pre_tokenizer"), (#""token_bytes": "AQ==""#, #""token_bytes": "AA==""#, "vocab.[1]"),
    ]) func whatContradictsTheFormatIsRefused(text: String, change: String, place: String) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "cord-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let source = try String(contentsOf: Self.directory.appending(path: "tekken.json"), encoding: .utf8)
        #expect(source.contains(text))
        try Data(source.replacing(text, with: change, maxReplacements: 1).utf8).write(to: folder.appending(path: "tekken.json"))
        let error = #expect(throws: TokenizerError.self) { try Tokenizer(directory: folder) }
        #expect(error?.description.contains(place) == true, "\(error?.description ?? "")")
    }
}
