import Foundation
import JSON
import Randomness
import Structure
import TestSupport
import Testing

@Suite(.ownThread) struct StructureTests {
    private static let cases: JSONValue = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fixtures/structure/cases.json").standardized
        return (try? JSONValue(parsing: (try? Data(contentsOf: file)) ?? Data())) ?? .null
    }()

    /// All single bytes, and pieces of JSON as byte-level tokens are.
    private static let tokens: [[UInt8]] = {
        let pieces = [
            "{\"", "\":", "\",\"", "},", "]]", "\"}", ": ", ", ", "true", "false", "null", "name", "\"name\":", "12", "123", "-1", "0.", "e1",
            "\\u00", "\\n", "é",
            "中", "😀", " \n", "\n  ", "value", "children", "[]", "[{", "abc", "AB-", "yes", "no",
            "abcdefghijklmnopqrst", "abcdefgh", "abcde", "abcd fgh", "Hello", "Hello World 2026", "a1b2c3d4e5", "éèêëéèêëé", "中文字符",
        ]
        // One token is half of a character, one of its other half with a quote.
        return (0...255).map { [UInt8($0)] } + pieces.map { Array($0.utf8) } + [[0xF0, 0x9F], [0x98, 0x80, 0x22]]
    }()
    private static let end = Int32(tokens.count)
    private static let vocabulary = Vocabulary(count: tokens.count + 2, ends: [end]) { id in
        id < tokens.count ? tokens[id][...] : []
    }

    private func accepts(_ structure: Structure, _ text: some Sequence<UInt8>) throws -> Bool {
        guard let place = try structure.advance(structure.start, over: text) else { return false }
        return structure.isWhole(place)
    }

    @Test func instancesAreTakenAsJSONSchemaJudgesThem() throws {
        guard case .array(let schemas)? = Self.cases["schemas"] else { throw Missing() }
        #expect(schemas.count > 20)
        for item in schemas {
            let schema = try #require(item["schema"])
            let structure = try Structure(.schema(schema), Self.vocabulary)
            guard case .array(let instances)? = item["instances"] else { throw Missing() }
            for instance in instances {
                guard case .array(let texts)? = instance["texts"] else { throw Missing() }
                for case .string(let text) in texts {
                    #expect(try accepts(structure, text.utf8) == (instance["valid"] == .boolean(true)), "\(schema): \(text)")
                }
            }
        }
    }

    @Test func expressionsMatchAsPythonsDo() throws {
        guard case .array(let expressions)? = Self.cases["expressions"] else { throw Missing() }
        #expect(expressions.count > 5)
        for item in expressions {
            guard case .string(let expression)? = item["expression"], case .array(let texts)? = item["texts"] else { throw Missing() }
            let structure = try Structure(.pattern(expression), Self.vocabulary)
            for row in texts {
                guard case .string(let text)? = row["text"] else { throw Missing() }
                #expect(try accepts(structure, text.utf8) == (row["matches"] == .boolean(true)), "\(expression): \(text)")
            }
        }
    }

    /// A token may come if and only if some text goes on with its bytes; the end if and only if what is there is whole. What was drawn among them
    /// is JSON.
    @Test(arguments: 0..<6) func masksAreWhatReadingByteByByteAllows(seed: Int) throws {
        guard case .array(let schemas)? = Self.cases["schemas"] else { throw Missing() }
        var random = RandomStream(seed: UInt64(seed))
        var whole = 0
        for item in schemas {
            let structure = try Structure(.schema(try #require(item["schema"])), Self.vocabulary)
            var place = structure.start
            var text: [UInt8] = []
            for _ in 0..<60 {
                let mask = try structure.mask(place)
                var allowed: [Int] = []
                for (token, bytes) in Self.tokens.enumerated() {
                    let isAllowed = try structure.advance(place, over: bytes) != nil
                    #expect(mask.allows(Int32(token)) == isAllowed, "\(String(decoding: text, as: UTF8.self)) + \(bytes)")
                    if isAllowed { allowed.append(token) }
                }
                #expect(mask.allows(Self.end) == structure.isWhole(place) && !mask.allows(Self.end + 1))
                #expect(mask.endsAlone == (structure.isWhole(place) && allowed.isEmpty) && !mask.isEmpty)
                if allowed.isEmpty || (structure.isWhole(place) && random.unit() < 0.3) { break }
                // What closes comes more often, so that texts end.
                let closing = allowed.filter { Self.tokens[$0].contains { "\"}]".utf8.contains($0) } }
                let token = !closing.isEmpty && random.unit() < 0.5 ? random.pick(closing) : random.pick(allowed)
                text += Self.tokens[token]
                place = try #require(try structure.advance(place, over: Self.tokens[token]))
            }
            guard structure.isWhole(place) else { continue }
            whole += 1
            #expect(String(validating: text, as: UTF8.self) != nil)
            // Two members of one name may be drawn where others than the declared are allowed.
            do { _ = try JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed) } catch {
                Issue.record("\(String(decoding: text, as: UTF8.self)): \(error)")
            }
        }
        #expect(whole > 5)
    }

    /// Tokens that are allowed unread, being text of one kind, are those that reading them allows.
    @Test(arguments: [
        #"{"type": "string"}"#, #"{"type": "string", "maxLength": 40}"#, #"{"type": "string", "minLength": 5, "maxLength": 9}"#,
        #"{"type": "string", "pattern": "^[a-z]{2,17}$"}"#, #"{"type": "string", "pattern": "^[a-zA-Z]{1,9}[0-9]+$"}"#,
        #"{"type": "string", "pattern": "^[A-Za-z0-9]*$"}"#, #"{"type": "string", "pattern": "^[^é]+$"}"#,
        #"{"type": "string", "pattern": "^.{0,16}$"}"#,
    ])
    func tokensOfOneKindAreThoseThatReadingAllows(schema: String) throws {
        let structure = try Structure(.schema(try JSONValue(parsing: schema)), Self.vocabulary)
        var place = try #require(try structure.advance(structure.start, over: "\"".utf8))
        for count in 0..<20 {
            let mask = try structure.mask(place)
            for (token, bytes) in Self.tokens.enumerated() {
                let isAllowed = try structure.advance(place, over: bytes) != nil
                #expect(mask.allows(Int32(token)) == isAllowed, "\(count) characters + \(String(decoding: bytes, as: UTF8.self))")
            }
            guard let next = try structure.advance(place, over: "a".utf8) else { break }
            place = next
        }
    }

    /// Texts of many characters do not outgrow what is kept.
    @Test func longTextsAreFollowedToTheirEnd() throws {
        let structure = try Structure(.schema(try JSONValue(parsing: #"{"type": "string", "maxLength": 5000}"#)), Self.vocabulary)
        var place = try #require(try structure.advance(structure.start, over: "\"".utf8))
        for _ in 0..<500 {
            #expect(try !structure.mask(place).isEmpty)
            place = try #require(try structure.advance(place, over: "éabcd fgh!".utf8))
        }
        #expect(try structure.advance(place, over: "a".utf8) == nil)
        #expect(structure.isWhole(try #require(try structure.advance(place, over: "\"".utf8))))
    }

    @Test func choicesAreTakenWhole() throws {
        let structure = try Structure(.choice(["A", "AB", "b\"é"]), Self.vocabulary)
        #expect(try accepts(structure, "A".utf8) && accepts(structure, "AB".utf8) && accepts(structure, "b\"é".utf8))
        #expect(try !accepts(structure, "".utf8) && !accepts(structure, "B".utf8) && !accepts(structure, "ABA".utf8))
        let behindA = try #require(try structure.advance(structure.start, over: "A".utf8))
        let mask = try structure.mask(behindA)
        #expect(mask.allows(Self.end) && mask.allows(Int32(UInt8(ascii: "B"))) && !mask.endsAlone)
        #expect(throws: StructureError.self) { try Structure(.choice([]), Self.vocabulary) }
        #expect(throws: StructureError.self) { try Structure(.choice(["a", ""]), Self.vocabulary) }
    }

    @Test func anyObjectIsAnObject() throws {
        let structure = try Structure(.object, Self.vocabulary)
        for text in [#"{}"#, #"{"a": [1, {"b": null}], "c": "\ud83d\ude00"}"#, "{\n  \"a\": 1e5\n}"] { #expect(try accepts(structure, text.utf8)) }
        for text in ["[]", "1", #"{"a"}"#, #"{"a":01}"#, #"{"a":"\ud83d"}"#, "{\"a\":\"\u{1}\"}", #"{"a":1,}"#] {
            #expect(try !accepts(structure, text.utf8), "\(text)")
        }
        // Bytes that are no UTF-8: overlong, a surrogate, above the last character, cut.
        for bytes in [[0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xC3]] as [[UInt8]] {
            #expect(try !accepts(structure, Array("{\"a\":\"".utf8) + bytes + Array("\"}".utf8)))
        }
    }

    @Test(arguments: [
        (#"{"type": "string", "minLength": 3, "pattern": "a"}"#, "", "pattern"),
        (#"{"type": "object", "properties": {"a": {"type": "array", "uniqueItems": true}}}"#, "/properties/a/uniqueItems", "not supported"),
        (#"{"type": "object", "patternProperties": {}}"#, "/patternProperties", "not supported"),
        (#"{"not": {"type": "null"}}"#, "/not", "not supported"),
        (#"{"type": "integer", "multipleOf": 3}"#, "/multipleOf", "not supported"),
        (#"{"$ref": "https://example.com/schema.json"}"#, "/$ref", "within this schema"),
        (##"{"$ref": "#/$defs/none"}"##, "/$ref", "points at nothing"),
        (##"{"$ref": "#"}"##, "", "leads to itself"),
        (##"{"anyOf": [{"$ref": "#"}, {"type": "null"}]}"##, "", "leads to itself"),
        (#"{"oneOf": [{"type": "string"}, {"type": "string", "maxLength": 3}]}"#, "/oneOf", "tells its schemas apart"),
        (#"{"type": "string", "pattern": "(?=a)b"}"#, "/pattern", "lookarounds"),
        (#"{"type": "string", "pattern": "(a)\\1"}"#, "/pattern", "not supported"),
        (#"{"type": "string", "pattern": "(((a{1000}){1000}){1000})"}"#, "", "too large"),
        (#"{"type": "string", "format": "idn-hostname"}"#, "/format", "expected date"),
        (#"{"type": "text"}"#, "/type", "expected null"),
        (#"{"type": "integer", "minimum": 5, "maximum": 4}"#, "", "no integer"),
        (#"{"type": "object", "properties": {"a": {}}, "required": ["b"]}"#, "/required", "not among"),
        (#"false"#, "", "expected a schema"), (#"[]"#, "", "expected a schema"), (#"{"enum": []}"#, "/enum", "at least one"),
        (#"{"type": "array", "items": {"type": "string"}, "minItems": 3, "maxItems": 2}"#, "", "minItems"),
        (#"{"type": "string", "minLength": 3, "maxLength": 2}"#, "", "minLength"),
        (#"{"type": "integer", "const": "a"}"#, "/const", "not of the type"),
        (#"{"type": "integer", "enum": ["a", 1.5]}"#, "/enum", "no value is of the type"),
        (#"{"type": "string", "anyOf": [{"type": "integer"}, {"type": ["null", "array"]}]}"#, "/anyOf", "no schema is of the type"),
        (##"{"type": "string", "anyOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"type": "integer"}}}"##, "/anyOf/0/$ref", "beside a type"),
        (#"{"type": "string", "pattern": "^a[^\\s\\S]$"}"#, "", "no value can ever be valid"),
        (
            ##"{"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}, "required": ["next"]}}}"##,
            "/$defs/node/properties/next", "no value can ever be valid"
        ),
        (
            ##"{"type": "object", "properties": {"a": {"type": "array", "items": {"$ref": "#"}, "minItems": 1}}, "required": ["a"]}"##,
            "/properties/a/items", "no value can ever be valid"
        ),
    ])
    func whatCannotBeKeptIsNamed(schema: String, path: String, reason: String) throws {
        let error = try #require(throws: StructureError.self) { try Structure(.schema(try JSONValue(parsing: schema)), Self.vocabulary) }
        #expect(error.path == path && error.reason.contains(reason), "\(error)")
    }

    /// What leads to no end is not begun: an answer is never where nothing may follow.
    @Test func waysWithoutAnEndAreNotTaken() throws {
        let endless = ##"{"type": "object", "properties": {"a": {"$ref": "#/$defs/e"}}, "required": ["a"]}"##
        let schema = ##"{"anyOf": [{"$ref": "#/$defs/e"}, {"type": "array", "items": {"$ref": "#/$defs/e"}}], "$defs": {"e": "## + endless + "}}"
        let structure = try Structure(.schema(try JSONValue(parsing: schema)), Self.vocabulary)
        #expect(try !structure.mask(structure.start).allows(Int32(UInt8(ascii: "{"))))
        #expect(try accepts(structure, "[]".utf8) && structure.advance(structure.start, over: "[{".utf8) == nil)
        #expect(throws: StructureError.self) { try Structure(.pattern(#"a[^\s\S]"#), Self.vocabulary) }
        let narrow = try Structure(
            .schema(try JSONValue(parsing: #"{"type": "integer", "enum": ["a", 2, 2.5, 3.0]}"#)), Self.vocabulary)
        #expect(try accepts(narrow, "2".utf8) && !accepts(narrow, #""a""#.utf8) && !accepts(narrow, "2.5".utf8))
        let either = try Structure(
            .schema(try JSONValue(parsing: #"{"type": ["integer", "null"], "anyOf": [{"minimum": 3}, {"type": "number"}, {"const": null}]}"#)),
            Self.vocabulary)
        #expect(try accepts(either, "5".utf8) && accepts(either, "null".utf8) && accepts(either, "-1".utf8) && !accepts(either, "1.5".utf8))
    }

    /// Ten thousand required members are a long text and nothing else; optional ones that are too many are refused.
    @Test func manyMembersAreBounded() throws {
        func schema(_ count: Int, required: Bool) throws -> JSONValue {
            let names = (0..<count).map { "\"member\($0)\"" }
            let members = names.map { "\($0): {\"type\": \"integer\"}" }.joined(separator: ",")
            return try JSONValue(
                parsing: "{\"type\": \"object\", \"properties\": {\(members)}, \"required\": [\(required ? names.joined(separator: ",") : "")]}")
        }
        #expect(throws: StructureError.self) { try Structure(.schema(try schema(10_000, required: false)), Self.vocabulary) }
        let structure = try Structure(.schema(try schema(500, required: false)), Self.vocabulary)
        #expect(try accepts(structure, #"{"member7":1,"member499":-3}"#.utf8) && !accepts(structure, #"{"member7":1,"member6":1}"#.utf8))
        #expect(try !structure.mask(structure.start).isEmpty)
    }

    /// What is learnt is bounded: a form that was followed far says so before it gives up.
    @Test func deepAnswersAreBounded() throws {
        let structure = try Structure(.schema(.boolean(true)), Self.vocabulary)
        func follow(_ depth: Int) throws { _ = try structure.advance(structure.start, over: Array(repeating: UInt8(ascii: "["), count: depth)) }
        try follow(1000)
        #expect(!structure.isLarge)
        var depth = 1000
        while !structure.isLarge {
            depth += depth / 4
            try follow(depth)
        }
        #expect(throws: StructureError.self) { try follow(10 * depth) }
    }

    /// An expression whose backtracking would explode is read in one pass.
    @Test func explodingExpressionsDoNotExplode() throws {
        let structure = try Structure(.pattern("((a+)+)+b"), Self.vocabulary)
        #expect(try accepts(structure, Array(repeating: UInt8(ascii: "a"), count: 5000) + [UInt8(ascii: "b")]))
        #expect(try !accepts(structure, Array(repeating: UInt8(ascii: "a"), count: 5000) + [UInt8(ascii: "c")]))
    }

    /// An expression whose ways multiply with every letter is given up before much was done for it.
    @Test func multiplyingWaysAreBounded() throws {
        let structure = try Structure(.pattern(".*a.{30}z"), Self.vocabulary)
        #expect(throws: StructureError.self) {
            var random = RandomStream(seed: 1)
            let letters = (0..<1_000_000).map { _ in UInt8(ascii: random.unit() < 0.5 ? "a" : "b") }
            _ = try structure.advance(structure.start, over: letters)
        }
        #expect(structure.isLarge)
    }

    /// What is learnt in pieces, among which others have their turn, is what is learnt at once.
    @Test func masksLearntInPiecesAreThoseLearntAtOnce() throws {
        for form in [StructureForm.pattern(".*a.{7}z"), .schema(.boolean(true)), .pattern("(ab|a|b){1,40}c")] {
            let (whole, pieces) = (try Structure(form, Self.vocabulary), try Structure(form, Self.vocabulary))
            var rests = 0
            for text in ["", "a", "ab", "[", "[{\"a\":", "abab"] {
                guard let place = try whole.advance(whole.start, over: text.utf8) else { continue }
                let same = try #require(try pieces.advance(pieces.start, over: text.utf8))
                var mask: Structure.Mask?
                while mask == nil {
                    var work = 3
                    mask = try pieces.mask(same, work: &work)
                    #expect(mask != nil || work <= 0)
                    rests += mask == nil ? 1 : 0
                }
                #expect(try mask == whole.mask(place), "\(form), behind \(text)")
                // What is known takes no work.
                var none = 0
                #expect(try pieces.mask(same, work: &none) == mask)
            }
            #expect(rests > 0, "\(form)")
        }
    }

    @Test func preparingTellsOfWhatCannotBeFollowed() throws {
        let tokens = (0..<20_000).map { number in (0..<15).map { UInt8(ascii: number >> $0 & 1 == 1 ? "a" : "b") } }
        let vocabulary = Vocabulary(count: tokens.count + 1, ends: [Int32(tokens.count)]) { $0 < tokens.count ? tokens[$0][...] : [] }
        let structure = try Structure(.pattern("(.*a.{29}z|.*b.{30}y|.*a.{28}x|.*b.{27}w|(a|b)*(a|b)*(a|b)*(a|b)*v)"), vocabulary)
        #expect(throws: StructureError.self) { try structure.prepare() }
    }

    private struct Missing: Error {}
}
