import API
import Foundation
import Testing

@Suite struct JSONGuardTests {
    private func code(_ bytes: [UInt8]) -> String? {
        do throws(WireError) {
            try JSONGuard.check(Data(bytes))
            return nil
        } catch {
            return error.code
        }
    }

    @Test func tenThousandLevelsAreRefusedAndSixtyFourPass() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = String(repeating: open, count: 10_000) + "1" + String(repeating: close, count: 10_000)
            #expect(code(Array(deep.utf8)) == "json_too_deep")
            let shallow = String(repeating: open, count: 64) + "1" + String(repeating: close, count: 64)
            #expect(code(Array(shallow.utf8)) == nil)
        }
    }

    @Test func aMillionValuesAreRefused() {
        #expect(code(Array(("[" + String(repeating: "1,", count: 1_000_001) + "1]").utf8)) == "json_too_large")
    }

    @Test(
        arguments: [
            (#"{"a":"\ud83d\ude00"}"#, nil), (#"{"a":"\ud83d"}"#, "invalid_unicode"),
            (#"{"a":"\ude00"}"#, "invalid_unicode"), (#"{"a":"\ud83d\u0041"}"#, "invalid_unicode"),
            (#"{"a":"\uzzzz"}"#, "invalid_json"), (#"{"a":"\"#, "invalid_json"), (#"{"a":"b"#, "invalid_json"),
            (#"{"a":"[[[[\"]]"}"#, nil), (#"{"a":1,"a":2}"#, nil), ("]", "invalid_json"), ("[", "invalid_json"),
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
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("{}[]\",:\\u0d8e1.-tfn \u{1}é".utf8) + [0xFF, 0xC2, 0xF0]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0..<24, using: &generator)).map { _ in alphabet.randomElement()! }
            _ = code(bytes)
            _ = try? WireDecoder.decode(JSONValue.self, from: Data(bytes))
        }
    }

    @Test func valuesSurviveTheRoundTrip() throws {
        let value = JSONValue.object([
            "a": .array([.null, .bool(true), .integer(3), .number(0.5), .string("ü")]), "b": .object([:]),
        ])
        #expect(try WireDecoder.decode(JSONValue.self, from: WireEncoder.encode(value)) == value)
    }
}
