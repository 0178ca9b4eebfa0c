import Foundation
import TestSupport
import Testing
import Tokenization

/// The large comparison that `Tests/Fixtures/tokenization/fuzz.py` writes; runs where `CORD_TOKENIZER_FUZZ` names its folder.
@Suite(.serialized, .ownThread) struct FuzzTests {
    static let folder = ProcessInfo.processInfo.environment["CORD_TOKENIZER_FUZZ"].map { URL(fileURLWithPath: $0) }

    struct Case: Decodable {
        var t: String
        var p: [Int]
        var n: [Int]
        var i: [Int]
        var d: String
        var s: String
    }

    @Test(.enabled(if: folder != nil)) func everyTokenizerAgreesOnTheFuzz() throws {
        let folder = try #require(Self.folder)
        for place in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        where place.pathExtension != "txt" {
            let clock = ContinuousClock()
            let start = clock.now
            let tokenizer = try Tokenizer(directory: place)
            let loading = clock.now - start
            var count = 0
            var failures: [String] = []
            let lines = try Data(contentsOf: place.appendingPathComponent("cases.jsonl")).split(separator: 0x0A)
            for line in lines {
                let expected = try JSONDecoder().decode(Case.self, from: line)
                count += 1
                let parsed = try tokenizer.encode(expected.t, specials: .parsed)
                let plain = try tokenizer.encode(expected.t, specials: .none)
                if parsed != expected.p { failures.append("parsed \(expected.t.debugDescription): \(parsed) for \(expected.p)") }
                if plain != expected.n { failures.append("plain \(expected.t.debugDescription): \(plain) for \(expected.n)") }
                let decoded = tokenizer.decode(expected.i)
                if Array(decoded.utf8) != Array(expected.d.utf8) { failures.append("decode \(expected.i)") }
                let skipping = tokenizer.decode(expected.i, skipSpecial: true)
                if Array(skipping.utf8) != Array(expected.s.utf8) { failures.append("decode without specials \(expected.i)") }
                var stream = StreamingDetokenizer(tokenizer)
                let streamed = expected.i.map { stream.append($0) }.joined() + stream.finish()
                if Array(streamed.utf8) != Array(decoded.utf8) { failures.append("stream \(expected.i)") }
            }
            print("\(place.lastPathComponent): \(count) texts, \(failures.count) differences, loaded in \(loading)")
            #expect(failures.isEmpty, "\(place.lastPathComponent): \(failures.prefix(6).joined(separator: "\n"))")
        }
    }

    @Test(.enabled(if: folder != nil)) func proseWithQwensVocabularyTakesFiveMegabytesPerSecond() throws {
        let folder = try #require(Self.folder)
        let tokenizer = try Tokenizer(directory: folder.appendingPathComponent("qwen2-full"))
        let prose = try String(contentsOf: folder.appendingPathComponent("prose.txt"), encoding: .utf8)
        for round in 0..<4 {
            let clock = ContinuousClock()
            let start = clock.now
            let ids = try tokenizer.encode(prose)
            let elapsed = (clock.now - start) / .seconds(1)
            let rate = Double(prose.utf8.count) / 1e6 / elapsed
            print("round \(round): \(prose.utf8.count) bytes, \(ids.count) ids, \(rate) MB/s")
            if round == 3 { #expect(rate > 5) }
        }
    }
}
