import Foundation
import TestSupport
import Testing
import Tokenization

/// A template's publisher is a stranger: whatever it computes ends within its limits, and nothing is made that was not charged.
@Suite(.ownThread) struct TemplateLimitTests {
    private func render(_ source: String, _ text: String = "hi", _ change: (inout TemplateLimits) -> Void = { _ in }) throws -> String {
        var limits = TemplateLimits()
        change(&limits)
        return try ChatTemplate(source, limits: limits).render([TemplateMessage(role: "user", text)]).map(\.text).joined()
    }

    private func expectLimit(_ source: String, _ place: SourceLocation = #_sourceLocation, _ change: (inout TemplateLimits) -> Void = { _ in }) {
        #expect(sourceLocation: place) {
            try render(source, change)
        } throws: {
            guard case .limit? = $0 as? TemplateError else { return false }
            return true
        }
    }

    private func render(_ source: String, _ change: (inout TemplateLimits) -> Void) throws { _ = try render(source, "hi", change) }

    /// Each would fill memory, or take for ever, were it made first and charged afterwards.
    @Test(arguments: [
        "{{ 'ab' * 9223372036854775807 }}", "{{ 9223372036854775807 * 'a' }}", "{% set x = [1, 2] * 4611686018427387904 %}",
        "{% set x = range(9223372036854775807) %}", "{% set x = range(-9223372036854775807, 9223372036854775807) %}",
        "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x=(1, 2)) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x='aa') %}{% for i in range(60) %}{% set ns.x = ns.x.replace('a', 'aaaa') %}{% endfor %}",
        "{% set ns = namespace(x='aa') %}{% for i in range(60) %}{% set ns.x = ns.x | replace('', 'aaaa') %}{% endfor %}",
        "{% set ns = namespace(x='a') %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] | join(ns.x) %}{% endfor %}",
        "{% set ns = namespace(x='a') %}{% for i in range(60) %}{% set ns.x = ns.x.join([ns.x, ns.x]) %}{% endfor %}",
        "{% set ns = namespace(x='a\n') %}{% for i in range(60) %}{% set ns.x = ns.x | indent(ns.x, true, true) %}{% endfor %}",
        "{{ ('\n' * 1000000) | indent(1000, true, true) }}",
        "{% set ns = namespace(x='a') %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] | string %}{% endfor %}",
        "{% set ns = namespace(x='\\n') %}{% for i in range(60) %}{% set ns.x = ns.x | tojson %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson(indent=1000000000) }}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = {'a': ns.x, 'b': ns.x} %}{% endfor %}{{ ns.x | tojson }}",
        "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
        "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x < ns.y }}",
        "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ [ns.x] | unique | list }}{{ ns.x in [ns.y] }}",
        "{% for a in range(100000) %}{% set x = 'a' * 100000 %}{% endfor %}", "{% for a in range(1000) %}{{ ('ab' * 32000) | upper }}{% endfor %}",
        "{% set x = ('a' * 1000000) | list %}{% set y = x | reverse | list %}", "{% set x = ('a ' * 500000).split() %}",
        "{{ (range(100000) | list | unique | list) | length }}", "{{ range(1000000) | sum }}{{ range(1000000) | map('string') | list | length }}",
        "{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}", "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    ])
    func whatGrowsIsStoppedBeforeItIsMade(template: String) {
        expectLimit(template) {
            $0.steps = 500_000
            $0.elements = 200_000
            $0.characters = 2_000_000
        }
    }

    @Test(arguments: [
        "[ns.x]", "(ns.x,)", "{'a': ns.x}", "dict(a=ns.x)", "[1, ns.x] | list", "[ns.x] + [1]", "{'a': ns.x}.items() | list",
        "{'a': ns.x} | dictsort", "[ns.x][:]",
    ])
    func valuesNestOnlySoDeep(step: String) throws {
        let template = "{% set ns = namespace(x=[]) %}{% for i in range(100000) %}{% set ns.x = \(step) %}{% endfor %}"
        expectLimit(template)
        // What is allowed can be printed, compared and released; deeper things that are only referred to hold nothing.
        let shallow = "{% set ns = namespace(x=[]) %}{% for i in range(30) %}{% set ns.x = \(step) %}{% endfor %}"
        #expect(try render(shallow + "{{ ns.x == ns.x }}{{ (ns.x | string | length) > 30 }}") == "TrueTrue")
    }

    @Test func namespacesAndLoopsMayReferToOneAnotherInCircles() throws {
        let chain = "{% set o = namespace(a=1) %}{% for i in range(20000) %}{% set n = namespace(next=o) %}{% set o.last = [n, loop] %}{% endfor %}"
        #expect(try render(chain + "{{ o.a }}") == "1")
        let circle = "{% set a = namespace(x=1) %}{% set b = namespace(a=a) %}{% set a.b = [b] %}{{ a.b[0].a.x }}{{ a == b.a }}"
        #expect(try render(circle) == "1True")
        #expect(
            try render("{% set o = namespace() %}{% for i in [7, 8] %}{% set o.l = loop %}{{ o.l.index }}{% endfor %}{{ o.l.index is defined }}")
                == "12False")
    }

    /// As Python gives them.
    @Test(arguments: [
        ("{{ (-9223372036854775807 - 1) % -1 }}", "0"), ("{{ (-9223372036854775807 - 1) is divisibleby(-1) }}", "True"),
        ("{{ 'abc'[9223372036854775807:] }}|{{ 'abc'[-9223372036854775807:] }}|{{ 'abc'[::9223372036854775807] }}", "|abc|a"),
        ("{{ 'abc'[::-9223372036854775807] }}{{ [1, 2, 3][:-9223372036854775807:-1] }}", "c[3, 2, 1]"),
        ("{{ [1][9223372036854775807] is defined }}{{ 'a'[-9223372036854775807] is defined }}", "FalseFalse"),
        ("{{ range(-9223372036854775807, 9223372036854775807, 9223372036854775807) | list }}", "[-9223372036854775807, 0]"),
        ("{{ range(5, 0, -2) | list }}{{ range(0, -9223372036854775807, 1) | list }}{{ range(3, 3) | list }}", "[5, 3, 1][][]"),
        ("{{ '1e400' | int }}{{ 1e308 * 10 }}{{ ('nan' | float) | int }}", "0inf0"),
        ("{{ 'aXbXc'.split('X', 1) }}{{ 'aXbXc'.rsplit('X', 1) }}{{ ' a  b '.split() }}", "['a', 'bXc']['aXb', 'c']['a', 'b']"),
        ("{{ ' a b  c '.split(None, 1) }}{{ ' a b  c '.rsplit(None, 1) }}", "['a', 'b  c '][' a b', 'c']"),
        ("{{ 'a\\r\\nb\\rc\\n'.splitlines() }}{{ 'aaa'.replace('aa', 'b') }}{{ 'ab'.replace('', '-', 2) }}", "['a', 'b', 'c']ba-a-b"),
        ("{{ 'abcabc'.rfind('bc') }}{{ 'abc'.rfind('') }}{{ 'aab'.find('ab') }}{{ 'aaaa'.count('aa') }}", "4312"),
    ])
    func edgesOfIntegersAndTextsAreThoseOfPython(template: String, expected: String) throws {
        #expect(try render(template) == expected)
    }

    @Test func theSmallestIntegerToAPowerIsRefused() {
        for template in ["{{ (-9223372036854775807 - 1) ** 65 }}", "{{ 10 ** 9223372036854775807 }}", "{{ (-9223372036854775807 - 1) // -1 }}"] {
            #expect(throws: TemplateError.self) { try render(template) }
        }
    }

    @Test(arguments: [
        "{{ " + String(repeating: "(", count: 3000) + "1", "{{ " + String(repeating: "[", count: 3000),
        "{{ " + String(repeating: "-", count: 3000) + "1 }}", "{{ " + String(repeating: "not ", count: 3000) + "1 }}",
        "{% for " + String(repeating: "(", count: 3000) + "a", "{% set " + String(repeating: "(", count: 3000) + "a",
        String(repeating: "{% if 1 %}", count: 100_000), String(repeating: "{% for a in b %}", count: 100_000),
        "{{ " + String(repeating: "{'a': ", count: 3000), "{{ a" + String(repeating: "[a", count: 3000),
        "{{ " + String(repeating: "1 if ", count: 3000), "{{ a is eq " + String(repeating: "[", count: 3000),
    ])
    func sourcesNestOnlySoDeep(template: String) { #expect(throws: TemplateError.self) { try ChatTemplate(template) } }

    /// A chain makes a deep tree of flat source: it is read, evaluated only so deep, and released.
    @Test(arguments: ["+ 1 ", "~ 1 ", "and 1 ", "or 0 ", "| string ", ".a", "[0]", "if 1 ", "is defined ", "** 1 "])
    func longChainsAreReleased(link: String) throws {
        let template = try ChatTemplate("{{ 1 " + String(repeating: link, count: 1200) + "}}")
        #expect(throws: TemplateError.self) { try template.render([TemplateMessage(role: "user", "hi")]) }
    }

    @Test func sourcesHaveALength() {
        #expect(throws: TemplateError.self) { try ChatTemplate(String(repeating: "a", count: 5 << 20)) }
    }

    /// A search is linear whatever the client sends.
    @Test func searchesOfSuppliedTextsAreLinear() throws {
        let text = String(repeating: "a", count: 200_000) + "b"
        let template =
            "{{ messages[0].content.replace(messages[0].content[100000:], 'x') | length }}{{ (messages[0].content[:100000] ~ 'c') in messages[0].content }}"
        #expect(try render(template, text) == "100001False")
    }

    @Test func refusalsAreShort() throws {
        #expect {
            _ = try render("{{ raise_exception('a' * 1000000) }}")
        } throws: {
            guard case .refused(let reason)? = $0 as? TemplateError else { return false }
            return reason.count == 2000
        }
    }
}
