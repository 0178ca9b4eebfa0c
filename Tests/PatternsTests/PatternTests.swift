import Foundation
import TestSupport
import Testing

import Patterns

/// What Python's `re` matches is in Tests/Fixtures/weights/patterns.json (`patterns.py` beside it).
@Suite(.ownThread) struct PatternTests {
    struct Case: Decodable, CustomTestStringConvertible {
        let pattern: String
        /// For each name whether `re.fullmatch` finds it; null where Python refuses the pattern.
        let whole: [Bool?]
        /// The same for `re.match`.
        let start: [Bool?]
        var testDescription: String { pattern }
    }
    private struct File: Decodable {
        let names: [String]
        let patterns: [Case]
    }

    private static let file = Result {
        try JSONDecoder().decode(File.self, from: Data(contentsOf: fixtures.appending(path: "weights/patterns.json")))
    }

    @Test(arguments: cases(in: "weights/patterns.json") { _ in try file.get().patterns })
    func aPatternMatchesTheNamesThatPythonMatches(item: Case) throws {
        let names = try Self.file.get().names
        try #require(!names.isEmpty && item.whole.count == names.count && item.start.count == names.count)
        guard !item.whole.contains(nil) else {
            #expect(throws: PatternError.self) { try Pattern(item.pattern, .python, limits: .name) }
            return
        }
        let (pattern, budget) = (try Pattern(item.pattern, .python, limits: .name), PatternBudget())
        for (index, name) in names.enumerated() {
            #expect(try pattern.matches(name, whole: true, budget) == item.whole[index], "\(name)")
            #expect(try pattern.matches(name, whole: false, budget) == item.start[index], "\(name)")
        }
    }

    /// Each ends in what no name has; as a single character PCRE2 would look for it first.
    @Test(arguments: [
        "(.*.*.*.*.*.*.*.*.*.*)*[YZ]", "(a+)+[YZ]", "(a|aa)+[YZ]", "(.*)*(.*)*[YZ]", "(?=(a+)+[YZ])a", #"(?:a|a|a|a)*\d"#, "(.*a){12}[YZ]",
    ])
    func aPatternThatSearchesForLongIsRefusedAndSaysSo(source: String) throws {
        let pattern = try Pattern(source, .python, limits: .name)
        let error = #expect(throws: PatternError.self) {
            _ = try pattern.matches(String(repeating: "a", count: 60), whole: true, PatternBudget())
        }
        #expect(error?.reason.contains("steps") == true)
        #expect(error?.description.contains(source) == true)
    }

    @Test func manyPatternsTogetherHaveABudget() throws {
        let budget = PatternBudget()
        let pattern = try Pattern("(a|b|ab)*c", .python, limits: .name)
        let name = String(repeating: "ab", count: 8)
        let error = #expect(throws: PatternError.self) {
            for _ in 0..<2_000_000 { _ = try pattern.matches(name, whole: true, budget) }
        }
        #expect(error?.reason.contains("too many steps") == true)

        let large = try Pattern("(?:a{1,200}b){1,20}", .python, limits: .name)
        #expect(throws: PatternError.self) { for _ in 0..<100_000 { try budget.charge(large) } }
    }

    @Test func aPatternHasALengthAndASize() throws {
        #expect(throws: PatternError.self) { try Pattern(String(repeating: "a", count: 4097), .python, limits: .name) }
        _ = try Pattern(String(repeating: "a", count: 4097), .oniguruma)
        #expect(throws: PatternError.self) { try Pattern(String(repeating: "a", count: 70_000), .oniguruma) }
        #expect(throws: PatternError.self) { try Pattern("((a{1,1000}){1,1000}){1,1000}", .python, limits: .name) }
        #expect(throws: PatternError.self) { try Pattern(String(repeating: "(", count: 2000) + String(repeating: ")", count: 2000), .python) }
    }

    @Test(arguments: ["(?:a|aa)+$", "(a+)+$", "(?:(?:a|a)*)*$"])
    func aTextPatternEndsAtItsLimit(source: String) throws {
        let pattern = try Pattern(source, .oniguruma)
        var matches: [Range<Int>] = []
        let text = Array((String(repeating: "a", count: 64) + "b").utf8)
        #expect(throws: PatternError.self) { try pattern.appendMatches(in: text, 0..<text.count, Pattern.Matcher(), to: &matches) }
    }

    @Test func settingsOfTheEngineAreNotReadFromATokenizersPattern() {
        #expect(throws: PatternError.self) { try Pattern("(*NO_JIT)a", .oniguruma) }
        #expect(throws: PatternError.self) { try Pattern(#"\C"#, .oniguruma) }
    }

    @Test func aNamedGroupIsRead() throws {
        let pattern = try Pattern(#".*?\.[^.]*\.(?P<idx>\d+)\."#, .python, limits: .name)
        #expect(try pattern.capture("idx", in: "model.layers.12.mlp.3.up", PatternBudget()) == "12")
        #expect(try pattern.capture("idx", in: "layers.12.mlp", PatternBudget()) == nil)
        #expect(try pattern.capture("no", in: "model.layers.12.mlp", PatternBudget()) == nil)
    }
}
