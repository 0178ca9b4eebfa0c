import API
import Foundation
import TestSupport
import Testing

@Suite(.ownThread) struct JSONGuardTests {
    private func code(_ bytes: [UInt8]) -> String? {
        do throws(WireError) {
            try JSONGuard.check(Data(bytes))
            return nil
        } catch {
            return error.code
        }
    }

    @Test(arguments: [(64, nil), (65, "json_too_deep"), (10_000, "json_too_deep")] as [(Int, String?)])
    func sixtyFourLevelsPassAndNotOneMore(levels: Int, expected: String?) {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let nested = String(repeating: open, count: levels) + "1" + String(repeating: close, count: levels)
            #expect(code(Array(nested.utf8)) == expected)
        }
    }

    @Test func moreValuesThanABodyMayHaveAreRefused() {
        func list(_ value: String, _ count: Int) -> [UInt8] {
            Array(("[" + String(repeating: value + ",", count: count - 2) + value + "]").utf8)
        }
        let most = JSONGuard.maxValues
        #expect(code(list("1", most)) == nil)
        #expect(code(list("1", most + 2)) == "json_too_large")
        #expect(code(list("[]", most / 2)) == nil)
        #expect(code(list("[]", most / 2 + 2)) == "json_too_large")
        #expect(code(list(#"{"a":1}"#, most / 2)) == "json_too_large")
    }

    @Test func numbersWithoutEndAreRefusedAndTheLargestDoublePasses() {
        #expect(code(Array(("[1" + String(repeating: "0", count: 308) + ", 2]").utf8)) == nil)
        #expect(code(Array(("[" + String(repeating: "7", count: 512) + "]").utf8)) == nil)
        for text in [
            "[\(String(repeating: "7", count: 513))]", String(repeating: "1", count: 1_000_000), "[0." + String(repeating: "0", count: 600) + "1]",
        ] {
            #expect(code(Array(text.utf8)) == "invalid_json")
        }
        // Blanks are no part of a number.
        #expect(code(Array(("[1" + String(repeating: " ", count: 2000) + ", 2]").utf8)) == nil)
    }

    /// Of two values some programs take the first and some the last: a proxy could see another model than we.
    @Test func noKeyComesTwiceInOneObject() {
        for text in [#"{"a":1,"a":2}"#, #"{"a":1,"b":[{"a":1}],"\u0061":2}"#, #"[{"a":{"b":1,"b":1}}]"#, #"{"":1,"":2}"#] {
            #expect(code(Array(text.utf8)) == "duplicate_key", "\(text)")
        }
        for text in [#"{"a":{"a":1},"b":["a","a"]}"#, #"[{"a":1},{"a":2}]"#, #"{"a":"a","b":{"c":"a","a":1}}"#, #"["a","a"]"#] {
            #expect(code(Array(text.utf8)) == nil, "\(text)")
        }
    }

    /// The end of a string is found wherever it lies in a word of eight bytes, and so is everything that may not stand in one.
    @Test func longStringsAreReadInPiecesWithoutLosingAByte() {
        for length in 0..<40 {
            let plain = String(repeating: "a", count: length)
            #expect(code(Array("[\"\(plain)\"]".utf8)) == nil)
            #expect(code(Array("[\"\(plain)\\\"\(plain)\"]".utf8)) == nil)
            #expect(code(Array("[\"\(plain)é\(plain)~\u{7F}\"]".utf8)) == nil)
            #expect(code(Array("[\"\(plain)\u{1F}\(plain)\"]".utf8)) == "invalid_json")
            #expect(code(Array("[\"\(plain)\u{0}\(plain)\"]".utf8)) == "invalid_json")
            #expect(code(Array("[\"\(plain)".utf8) + [0xFF] + Array("\(plain)\"]".utf8)) == "invalid_unicode")
            #expect(code(Array("[\"\(plain)".utf8)) == "invalid_json")
        }
    }

    /// What a refusal says of a value does not depend on how much of it there is.
    @Test func refusalsDescribeValuesWithoutTheirContent() {
        func refusal(_ json: String) -> String? {
            do throws(WireError) {
                _ = try WireDecoder.decode(ChatCompletionRequest.self, from: Data(json.utf8))
                return nil
            } catch { return error.message }
        }
        let numbers = String(repeating: "1,", count: 9_999) + "1"
        let members = (0..<5000).map { "\"k\($0 + 10_000)\":1" }.joined(separator: ",")
        let body = #""model":"m","messages":[{"role":"user","content":"a"}]"#
        #expect(refusal("[\(numbers)]") == "The body: expected an object; found an array of 10000.")
        #expect(
            refusal("{\(body),\"temperature\":[\(numbers)]}") == "temperature: expected a number from 0 to 2; found an array of 10000.")
        #expect(
            refusal("{\(body),\"temperature\":{\(members)}}")
                == "temperature: expected a number from 0 to 2; found an object with k10000, k10001, k10002, k10003.")
        #expect(refusal("{\(body),\"functions\":[\(numbers)]}")?.hasPrefix("functions is not supported") == true)
        #expect(refusal("{\(body),\"tools\":[],\"functions\":{}}") == nil)
        let name = String(repeating: "x", count: 100_000)
        let unknown = refusal("{\(body),\"\(name)\":1}") ?? ""
        #expect(unknown.hasPrefix("xxx") && unknown.contains("…: unknown field") && unknown.utf8.count < 2000)
        let long = String(repeating: "é", count: 50_000)
        #expect(refusal("{\(body),\"temperature\":\"\(long)\"}")?.hasSuffix("found a string of 50000 characters.") == true)
    }

    @Test(
        arguments: [
            (#"{"a":"\ud83d\ude00"}"#, nil), (#"{"a":"\ud83d"}"#, "invalid_unicode"),
            (#"{"a":"\ude00"}"#, "invalid_unicode"), (#"{"a":"\ud83d\u0041"}"#, "invalid_unicode"),
            (#"{"a":"\ud83d\ud83d"}"#, "invalid_unicode"),
            (#"{"a":"\uzzzz"}"#, "invalid_json"), (#"{"a":"\"#, "invalid_json"), (#"{"a":"b"#, "invalid_json"),
            (#"{"a":"[[[[\"]]"}"#, nil), (#"{"a":1,"a":2}"#, "duplicate_key"), ("]", "invalid_json"), ("[", "invalid_json"),
            ("{\"a\":\"\u{1}\"}", "invalid_json"), ("{\"a\":\"größe 漢字 😀\"}", nil), ("{ü:1}", "invalid_json"),
        ] as [(String, String?)])
    func textIsJudged(json: String, expected: String?) {
        #expect(code(Array(json.utf8)) == expected)
    }

    @Test(
        arguments: [
            [0xFF], [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE6, 0xBC],
            [0x80],
            [0xF0, 0x9F, 0x98],
        ] as [[UInt8]])
    func invalidUTF8IsNamed(bytes: [UInt8]) {
        #expect(code(Array("[\"".utf8) + bytes + Array("\"]".utf8)) == "invalid_unicode")
        #expect(code(Array("[\"".utf8) + bytes) == "invalid_unicode")
    }

    @Test func anyBytesAreAnsweredWithoutACrash() {
        var generator = SplitMix(seed: 1)
        let alphabet = Array("{}[]\",:\\u0d8e1.-tfn \u{1}é".utf8) + [0xFF, 0xC2, 0xF0]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0..<24, using: &generator)).map { _ in alphabet.randomElement(using: &generator)! }
            _ = code(bytes)
            _ = try? WireDecoder.decode(WireValue.self, from: Data(bytes))
        }
    }

    @Test func valuesSurviveTheRoundTrip() throws {
        let value = WireValue.object([
            "a": .array([.null, .bool(true), .integer(3), .number(0.5), .string("ü")]), "b": .object([:]),
        ])
        #expect(try WireDecoder.decode(WireValue.self, from: WireEncoder.encode(value)) == value)
    }
}
