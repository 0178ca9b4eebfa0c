import Foundation
import TestSupport
import Testing
import Tokenization

/// Ids and texts against the `tokenizers` package, on the committed fixtures.
@Suite(.ownThread) struct TokenizerTests {
    @Test func everyPipelineGivesTheReferencesIds() throws {
        let all = try Fixtures.object("pipelines.json")
        let texts = try Fixtures.texts()
        let tokenizers = try #require(all["tokenizers"] as? [String: [String: Any]])
        #expect(tokenizers.count > 12 && texts.count > 200)
        for (name, expected) in tokenizers {
            let tokenizer = try Tokenizer(data: try Fixtures.file(name))
            let parsed = try #require(expected["parsed"] as? [String])
            let plain = try #require(expected["plain"] as? [String: String])
            for (index, text) in texts.enumerated() {
                let ids = Fixtures.ids(parsed[index])
                #expect(try tokenizer.encode(text, specials: .parsed) == ids, "\(name): \(text.debugDescription)")
                let plainIDs = plain[String(index)].map(Fixtures.ids) ?? ids
                #expect(try tokenizer.encode(text, specials: .none) == plainIDs, "\(name), plain: \(text.debugDescription)")
            }
            let affixed = try #require(expected["affixed"] as? [Int])
            #expect(try tokenizer.encode("hi", specials: .parsed, addsAffixes: true) == affixed, "\(name)")
            let texts = try #require(expected["decoded"] as? [[String: Any]])
            #expect(!texts.isEmpty)
            for decoded in texts {
                let ids = try #require(decoded["ids"] as? [Int])
                #expect(tokenizer.decode(ids) == decoded["text"] as? String, "\(name): \(ids)")
                #expect(tokenizer.decode(ids, skipSpecial: true) == decoded["skipping"] as? String, "\(name): \(ids)")
            }
        }
    }

    @Test func streamedPiecesJoinToTheWholeTextAndNeverCutACharacter() throws {
        let tokenizer = try Tokenizer(data: try Fixtures.file("qwen2"))
        for text in ["Grüße 👍🏽 日本語 \u{0}", "a👨‍👩‍👧‍👦b", "𓀀𒀀"] {
            var stream = StreamingDetokenizer(tokenizer)
            var pieces: [String] = []
            for id in try tokenizer.encode(text) { pieces.append(stream.append(id)) }
            #expect(!pieces.joined().contains("\u{FFFD}"))
            #expect(pieces.joined() == text)
            #expect(stream.finish().isEmpty)
        }
    }

    @Test func brokenSequencesStreamAsTheyDecode() throws {
        let tokenizer = try Tokenizer(data: try Fixtures.file("gpt2"))
        let bytes = (0..<256).map { id in (0..<tokenizer.vocabularySize).first { Array(tokenizer.bytes(of: $0)) == [UInt8(id)] } ?? -1 }
        var generator = SplitMix(seed: 1)
        for _ in 0..<2000 {
            let ids = (0..<Int.random(in: 0...9, using: &generator)).map { _ in
                bytes[
                    [0x41, 0xC3, 0xE2, 0x82, 0xAC, 0xF0, 0x9F, 0x91, 0x8D, 0xED, 0xA0, 0xC0, 0xF5, 0xE0, 0x80].randomElement(using: &generator) ?? 0]
            }
            var stream = StreamingDetokenizer(tokenizer)
            let joined = ids.map { stream.append($0) }.joined() + stream.finish()
            #expect(Array(joined.utf8) == Array(tokenizer.decode(ids).utf8), "\(ids)")
        }
    }

    /// After two bytes: overlong forms, surrogates and what lies past U+10FFFF can no longer become a character.
    @Test(
        arguments: [
            ([0xED, 0xA0], false), ([0xE0, 0x80], false), ([0xF0, 0x80], false), ([0xF4, 0x90], false), ([0xC3, 0x41], false),
            ([0xED, 0x9F], true), ([0xE0, 0xA0], true), ([0xF0, 0x90], true), ([0xF4, 0x8F], true),
        ] as [([UInt8], Bool)])
    func bytesAreHeldBackOnlyWhileTheyMayBecomeACharacter(bytes: [UInt8], mayBecome: Bool) throws {
        let tokenizer = try Tokenizer(data: try Fixtures.file("gpt2"))
        var stream = StreamingDetokenizer(tokenizer)
        let pieces = try bytes.map { byte in
            stream.append(try #require((0..<tokenizer.vocabularySize).first { Array(tokenizer.bytes(of: $0)) == [byte] }))
        }
        #expect(pieces == ["", mayBecome ? "" : String(decoding: bytes, as: UTF8.self)])
    }

    @Test func brokenBytesAreReadAsReplacementCharacters() throws {
        let tokenizer = try Tokenizer(data: try Fixtures.file("qwen2"))
        #expect(try tokenizer.encode(bytes: [0x61, 0xE2, 0x82, 0x62, 0xFF]) == tokenizer.encode("a\u{FFFD}b\u{FFFD}"))
    }

    @Test func aMillionLettersInOnePieceTakeNoQuadraticTime() throws {
        let tokenizer = try Tokenizer(data: try Fixtures.file("qwen2"))
        let text = String(repeating: "abcdefghij", count: 100_000)
        let clock = ContinuousClock()
        let start = clock.now
        let ids = try tokenizer.encode(text)
        #expect(clock.now - start < .seconds(20))
        #expect(tokenizer.decode(ids) == text)
    }

    @Test func manyThreadsShareOneTokenizer() async throws {
        let tokenizer = try Tokenizer(data: try Fixtures.file("qwen2"))
        let expected = try tokenizer.encode("The quick brown fox, 日本語.")
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<200).allSatisfy { _ in (try? tokenizer.encode("The quick brown fox, 日本語.")) == expected }
                }
            }
            for await same in group { #expect(same) }
        }
    }

    @Test func templateTextAndUserTextJoinBeforeTheyAreSplit() throws {
        let tokenizer = try Tokenizer(data: try Fixtures.file("qwen2"))
        let pieces = [
            TextPiece("<|im_start|>us", isTemplate: true), TextPiece("er the<|im_end|>", isTemplate: false),
            TextPiece(" end<|im_end|>", isTemplate: true),
        ]
        let ids = try tokenizer.encode(pieces)
        let end = try #require(tokenizer.id(of: "<|im_end|>"))
        #expect(ids.filter { $0 == end }.count == 1 && ids.last == end)
        let harmless = pieces.map { TextPiece($0.text.replacing("the<|im_end|>", with: "the"), isTemplate: $0.isTemplate) }
        #expect(try tokenizer.encode(harmless) == tokenizer.encode(harmless.map(\.text).joined(), specials: .parsed))
        let straddling = [TextPiece("<|im_", isTemplate: true), TextPiece("end|>", isTemplate: false)]
        #expect(try !tokenizer.encode(straddling).contains(end))
    }

    @Test func malformedFilesNameWhatIsWrong() throws {
        func place(_ data: Data) -> String? {
            do throws(TokenizerError) { _ = try Tokenizer(data: data) } catch {
                if case .malformed(_, let place, _) = error { return place }
                if case .unsupported(_, let feature, _) = error { return feature }
                return "\(error)"
            }
            return nil
        }
        #expect(place(try Fixtures.file("qwen2")) == nil)
        #expect(place(Data("{".utf8)) == "top level")
        #expect(place(Data("[]".utf8)) == "top level")
        #expect(place(Data((String(repeating: "[", count: 100_000)).utf8)) == "top level")
        #expect(
            place(Data(("{\"model\":" + String(repeating: "{\"a\":", count: 10_000) + String(repeating: "}", count: 10_001)).utf8))
                == "top level")
        #expect(place(try Fixtures.file("qwen2", model: ["vocab": ["a": "x"]])) == "model.vocab.a")
        #expect(place(try Fixtures.file("qwen2", model: ["vocab": ["a": -1], "merges": [[String]]()])) == "model.vocab")
        #expect(place(try Fixtures.file("qwen2", model: ["vocab": ["a": 9_000_000_000], "merges": [[String]]()])) == "model.vocab")
        #expect(place(try Fixtures.file("qwen2", model: ["vocab": ["a": 1, "b": 1], "merges": [[String]]()])) == "model.vocab")
        #expect(place(try Fixtures.file("qwen2", model: ["merges": [["zz", "qq"]]])) == "model.merges.[0]")
        #expect(place(try Fixtures.file("qwen2", model: ["merges": ["a b c"]])) == "model.merges.[0]")
        #expect(place(try Fixtures.file("qwen2", model: ["type": "Unigram"])) == "a Unigram model")
        #expect(place(try Fixtures.file("qwen2", model: ["byte_fallback": true])) == "byte_fallback")
        #expect(place(try Fixtures.file("qwen2", changing: ["normalizer": ["type": "Odd"]])) == "the normalizer Odd")
        #expect(place(try Fixtures.file("qwen2", changing: ["decoder": NSNull()])) == "no decoder")
        #expect(
            place(try Fixtures.file("qwen2", changing: ["pre_tokenizer": ["type": "Digits", "individual_digits": true]]))
                == "a pre-tokenizer without a final ByteLevel step")
        let split: [String: Any] = ["type": "Split", "pattern": ["Regex": "("], "behavior": "Isolated", "invert": false]
        let broken: [String: Any] = ["type": "Sequence", "pretokenizers": [split, ["type": "ByteLevel"]]]
        #expect(
            try #require(place(try Fixtures.file("qwen2", changing: ["pre_tokenizer": broken]))).hasPrefix(
                "tokenizer.json: pre_tokenizer: the pattern ("))
    }

    @Test func mergesMayBeLinesOrPairs() throws {
        let all = try Fixtures.object("pipelines.json")
        let pairs = try #require(all["merges"] as? [[String]])
        let lines = try Tokenizer(data: try Fixtures.file("qwen2", model: ["merges": pairs.map { $0.joined(separator: " ") }]))
        #expect(try lines.encode("the other thing") == Tokenizer(data: try Fixtures.file("qwen2")).encode("the other thing"))
    }
}
