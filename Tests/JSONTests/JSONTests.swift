import JSON
import Testing

@Suite struct JSONTests {
    @Test func readsEveryKindOfValue() throws {
        let json = try JSONValue(
            parsing:
                #" {"z":[null,true,false,-0,12,1.5,-2e3,"a\u00e9\ud83d\ude00\n\/"],"a":{"b":{"c":7}},"big":1e400e} "#
                .replacing(
                    "1e400e", with: "18446744073709551616"))
        #expect(
            json["z"]
                == .array([
                    .null, .boolean(true), .boolean(false), .integer(0), .integer(12), .real(1.5), .real(-2000),
                    .string("aé😀\n/"),
                ]))
        #expect(try json.integer("a.b.c") == 7)
        #expect(json["big"] == .real(18_446_744_073_709_551_616))
        #expect(try json.object("").keys == ["z", "a", "big"])
    }

    @Test(arguments: [
        "", "tru", "[1,]", "{\"a\":1,}", "01", "1.", "-", "+1", ".5", "1e", "NaN", "Infinity", "1e999", "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\udc00\"", "\"a", "[1 2]", "{1:2}", "[] []", "\u{FEFF}\u{FEFF}[]", "[\u{FEFF}]", "{\"a\":1,\"a\":2}",
        String(repeating: "[", count: 65) + String(repeating: "]", count: 65),
    ])
    func refusesWhatIsNotJSON(text: String) { #expect(throws: JSONError.self) { try JSONValue(parsing: text) } }

    @Test func aByteOrderMarkIsPassedOver() throws {
        #expect(try JSONValue(parsing: "\u{FEFF}{\"a\": 1}").integer("a") == 1)
        #expect(throws: JSONError.self) { try JSONValue(parsing: "\u{FEFF}") }
    }

    @Test(arguments: ["NaN", "Infinity", "-Infinity", "1e999", "-1e400"])
    func aNumberWithoutAValueIsNamedByItsPath(text: String) {
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: #"{"a": [1], "b": {"c": \#(text)}}"#) }
        #expect(error?.description == "\"b.c\": expected a finite number, found \(text)")
    }

    @Test func integersAreExactHoweverTheyAreWritten() throws {
        let json = try JSONValue(parsing: #"{"a": 4.0, "b": 9223372036854775807, "c": 9223372036854775808, "d": 1e300, "e": [2, 3.0], "f": -0.0}"#)
        #expect(try json.integer("a") == 4)
        #expect(try json.integer("b") == .max)
        #expect(throws: JSONError.self) { try json.integer("c") }
        #expect(throws: JSONError.self) { try json.integer("d") }
        #expect(try json.integers("e") == [2, 3])
        #expect(try json.integer("f") == 0)
    }

    @Test func errorsNameThePathWhatWasExpectedAndFound() throws {
        let json = try JSONValue(parsing: #"{"text_config":{"hidden_size":"big","layers":2.5,"none":null}}"#)
        #expect(throws: JSONError.unexpected(path: "text_config.hidden_size", expected: "an integer", found: "\"big\"")) {
            try json.integer("text_config.hidden_size")
        }
        #expect(throws: JSONError.unexpected(path: "text_config.layers", expected: "an integer", found: "2.5")) {
            try json.integer("text_config.layers", default: 3)
        }
        #expect(throws: JSONError.unexpected(path: "text_config.none", expected: "a number", found: "nothing")) {
            try json.number("text_config.none")
        }
        #expect(try json.number("text_config.none", default: 1e-6) == 1e-6)
        #expect(try json.integers("text_config.eos", default: [2]) == [2])
    }

    @Test func writtenTextReadsBackEqual() throws {
        let json = try JSONValue(parsing: #"{"b":[1,-2.5e-7,"\"\\\n\u0001é",[],{}],"a":{"c":true,"d":null}}"#)
        #expect(try JSONValue(parsing: json.text) == json)
        #expect(try JSONValue(parsing: json.indentedText) == json)
        #expect(json.text.hasPrefix(#"{"b":[1,-2.5e-07,"#))
    }
}
