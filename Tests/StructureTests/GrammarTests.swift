import Foundation
import JSON
import Structure
import TestSupport
import Testing

/// Context-free grammars in GBNF's form.
@Suite(.ownThread) struct GrammarTests {
    private static let vocabulary = Vocabulary(count: 257, ends: [256]) { $0 < 256 ? [UInt8($0)][...] : [] }

    private func accepts(_ structure: Structure, _ text: String) throws -> Bool {
        guard let place = try structure.advance(structure.start, over: text.utf8) else { return false }
        return structure.isWhole(place)
    }

    @Test func textsAreTakenAsXGrammarAndLLGuidanceJudgeThem() throws {
        let file = fixtures.appending(path: "structure/grammars.json")
        let grammars = try JSONValue(parsing: try Data(contentsOf: file)).array("grammars")
        #expect(grammars.count > 10)
        var valid = 0
        for item in grammars {
            let grammar = try item.string("grammar")
            let structure = try Structure(.grammar(grammar), Self.vocabulary)
            for row in try item.array("texts") {
                let (text, isValid) = (try row.string("text"), row["valid"] == .boolean(true))
                #expect(try accepts(structure, text) == isValid, "\(grammar): \(text)")
                valid += isValid ? 1 : 0
            }
        }
        #expect(valid > 50)
    }

    @Test func everyEscapeIsRead() throws {
        let structure = try Structure(.grammar(#"root ::= "\n\t\r\\\"\x41\u00e9\U0001F600" [\]\-^\x42] . [^\u4e00-\u9fff\d]"#), Self.vocabulary)
        for end in ["]éx", "-中 ", "^\n\n", "B😀é"] { #expect(try accepts(structure, "\n\t\r\\\"Aé😀" + end), "\(end)") }
        for end in ["a12", "]1中", "]1", "]17"] { #expect(try !accepts(structure, "\n\t\r\\\"Aé😀" + end), "\(end)") }
    }

    /// A rule that calls itself last keeps nothing: long answers stay within few states. Nested ones are followed by what alternatives share.
    @Test func longAndDeepTextsAreFollowed() throws {
        let list = try Structure(.grammar(#"root ::= [a-z] root | """#), Self.vocabulary)
        let many = String(repeating: "a", count: 200_000)
        #expect(try accepts(list, many) && !accepts(list, many + "1") && !list.isLarge)
        let sum = try Structure(
            .grammar("root ::= term \"+\" root | term \"-\" root | term\nterm ::= [0-9] | \"(\" root \")\" | \"(\" root \"]\""), Self.vocabulary)
        let deep = String(repeating: "(", count: 500) + "1" + String(repeating: "+2)", count: 250) + String(repeating: "]", count: 250)
        #expect(try accepts(sum, deep) && !accepts(sum, "(" + deep) && !sum.isLarge)
        // What alternatives share behind different beginnings is not said once: every level has twice the ways.
        let apart = try Structure(
            .grammar("root ::= one \")\" | two \"]\" | \"1\"\none ::= \"(\" root\ntwo ::= \"(\" root"), Self.vocabulary)
        let error = #expect(throws: StructureError.self) { try accepts(apart, String(repeating: "(", count: 40)) }
        #expect(error?.reason.contains("too many ways") == true)
    }

    @Test(arguments: [
        ("", "expected a rule \"root\""), ("a ::= \"b\"", "expected a rule \"root\""), ("root ::= a", "\"a\", which is not defined"),
        ("root ::= \"a\"\nroot ::= \"b\"", "defined twice"), ("root ::= \"a\" root", "\"root\" ever ends"),
        ("root ::= \"a\" | b\nb ::= \"c\" b", "\"b\" ever ends"), ("root ::= root | root", "ever ends"),
        ("root ::= a\na ::= b \"x\" | \"y\"\nb ::= a \"z\" | \"w\"", "comes back to itself"),
        ("root ::= \"\"? root \"a\" | \"b\"", "comes back to itself"),
        ("start: \"a\"", "Lark's form is not accepted"), ("root = \"a\"", "expected \"::=\""), ("root ::= (\"a\"", "expected \")\""),
        ("root ::= \"a", "not closed"), ("root ::= [a", "not closed"), ("root ::= []", "no characters"), ("root ::= [z-a]", "two ends in order"),
        ("root ::= \"a\"{3,2}", "below its beginning"), ("root ::= \"a\"{x}", "expected counts"), ("root ::= \"a\"{99999}", "above 10000"),
        ("root ::= \"\\q\"", "not known"), ("root ::= \"\\ud800\"", "hexadecimal digits of a character"), ("root ::= \"a\nb\"", "write \\n"),
        ("root ::= (=\"a\") \"a\"", "looking ahead"), ("root ::= \"a\" %", "line 1, column 14"), ("\n  root ::= !", "line 2, column 12"),
        ("root ::= (((\"a\"{1000}){1000}){1000})", "too large"),
        ("root ::= " + String(repeating: "(", count: 100) + "\"a\"" + String(repeating: ")", count: 100), "nested more than 64"),
    ])
    func whatCannotBeReadIsNamed(grammar: String, reason: String) throws {
        let error = try #require(throws: StructureError.self) { try Structure(.grammar(grammar), Self.vocabulary) }
        #expect(error.reason.contains(reason), "\(error)")
    }
}
