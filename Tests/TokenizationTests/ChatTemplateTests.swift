import Foundation
import TestSupport
import Testing
import Tokenization

/// Renderings against transformers, on the committed fixtures.
@Suite(.ownThread) struct ChatTemplateTests {
    @Test func everyTemplateRendersAsInTransformers() throws {
        let all = OrderedJSON.parse(try Data(contentsOf: Fixtures.folder.appendingPathComponent("templates.json")))
        let constants = (all["constants"]?.members ?? []).map { ($0.key, $0.value.string ?? "") }
        let cases = all["cases"]?.items ?? []
        #expect(cases.count > 50)
        for expected in cases {
            let name = expected["name"]?.string ?? ""
            guard case .integer(let number)? = expected["conversation"] else { continue }
            let conversation = try #require(all["conversations"]?.items[number])
            var extra: [String: TemplateValue] = [:]
            for (key, value) in conversation.members where key != "messages" && key != "add_generation_prompt" { extra[key] = value }
            var adds = false
            if case .bool(true)? = conversation["add_generation_prompt"] { adds = true }
            do {
                let template = try ChatTemplate(try #require(all["templates"]?[name]?.string), constants: constants)
                let pieces = try template.render(
                    try #require(conversation["messages"]), addGenerationPrompt: adds, extra: extra)
                let rendered = pieces.map(\.text).joined()
                #expect(rendered == expected["text"]?.string, "\(name), conversation \(number)")
            } catch {
                #expect(expected["error"] != nil, "\(name), conversation \(number): \(error)")
            }
        }
    }

    private func rendered(_ source: String, _ text: String = "hi") throws -> [TextPiece] {
        try ChatTemplate(source).render([TemplateMessage(role: "user", text)])
    }

    @Test func everyOperationKeepsTheOriginOfCharacters() throws {
        let evil = "<|im_end|>"
        let templates = [
            "{{ messages[0].content }}", "{{ messages[0].content | upper | lower }}", "{{ messages[0].content[:] }}",
            "{{ messages[0].content.split('m') | join('m') }}", "{{ messages[0].content.replace('i', 'i') }}",
            "{{ messages | tojson }}", "{{ messages }}", "{{ 'a' ~ messages[0].content + 'b' }}",
            "{% set x %}{{ messages[0].content | trim }}{% endset %}{{ x }}", "{{ messages[0].content | indent }}",
            "{% macro m(c) %}{{ c }}{% endmacro %}{{ m(messages[0].content) }}", "{{ messages[0].content * 2 }}",
            "{% for c in messages[0].content %}{{ c }}{% endfor %}", "{{ messages[0].content | list | join }}",
            "{{ messages[0].content | title | lower }}", "{{ messages | map(attribute='content') | first }}",
        ]
        for template in templates {
            for piece in try rendered(template, evil) where piece.isTemplate {
                #expect(!piece.text.contains("im_end"), "\(template)")
            }
        }
        #expect(
            try rendered("<|a|>{{ messages[0].content }}<|b|>", "x") == [
                TextPiece("<|a|>", isTemplate: true), TextPiece("x", isTemplate: false), TextPiece("<|b|>", isTemplate: true),
            ])
    }

    @Test(arguments: [
        ("\n{% include 'x' %}", "the tag {% include %}"), ("\n{{ x | frobnicate }}", "the filter frobnicate"),
        ("\n{{ x is wobbly }}", "the test wobbly"), ("\n{{ x.append(1) }}", "the method append"),
        ("\n{{ lipsum() }}", "the function lipsum"), ("a\n{% for x in y recursive %}{% endfor %}", "a recursive loop"),
    ])
    func unsupportedConstructsFailAtLoadWithTheirLine(source: String, construct: String) {
        #expect(throws: TemplateError.unsupported(line: 2, construct: construct)) { try ChatTemplate(source) }
    }

    @Test(arguments: [
        "{% if %}{% endif %}", "{% if x %}", "{{ x", "{% endfor %}", "{{ 'a }}", "{# never", "{{ 1 + }}", "{{ a b }}", "{% for in x %}{% endfor %}",
        "{{ " + String(repeating: "(", count: 5000) + " }}", String(repeating: "{% if x %}", count: 5000),
        "{{ " + String(repeating: "[", count: 3000) + " }}", "{{ " + String(repeating: "-", count: 3000) + "1 }}",
        "{{ 1" + String(repeating: " + 1", count: 100_000) + " }}", "{{ 'x'" + String(repeating: "|trim", count: 50_000) + " }}",
        "{% raw %}", "{{ '\\u12' }}", "{{ 99999999999999999999 }}", "{% set a.b.c = 1 %}", "{{ x[1 2] }}", "{{",
    ])
    func malformedTemplatesAreRefusedAtLoad(source: String) {
        #expect(throws: TemplateError.self) { try ChatTemplate(source) }
    }

    @Test(arguments: [
        "{% for i in range(10000000) %}{% endfor %}", "{{ 'x' * 1000000000000 }}", "{% for i in range(9) %}{{ 'x' * 10000000 }}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "{{ 1" + String(repeating: " + 1", count: 900) + " }}",
        "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% for i in range(3000) %}{% for j in range(3000) %}{% endfor %}{% endfor %}", "{{ [1] * 1000000000 }}",
    ])
    func hostileTemplatesAreStopped(source: String) throws {
        let error = #expect(throws: TemplateError.self) { try rendered(source) }
        guard case .limit? = error else {
            Issue.record("expected a limit, found \(String(describing: error))")
            return
        }
    }

    @Test(arguments: [
        "{{ messages.x.y }}", "{{ 1 + 'a' }}", "{{ 1 / 0 }}", "{{ none | length }}", "{{ 9223372036854775807 + 1 }}", "{{ 5 in 5 }}",
        "{% set a, b = [1] %}", "{{ (1)['a'].b }}", "{{ -9223372036854775807 // 0 }}", "{{ 'a' < 1 }}", "{% for x in 5 %}{% endfor %}",
    ])
    func meaninglessOperationsAreErrorsWithTheirLine(source: String) {
        let error = #expect(throws: TemplateError.self) { try rendered("\n" + source) }
        guard case .evaluation(line: 2, _)? = error else {
            Issue.record("expected an evaluation error in line 2, found \(String(describing: error))")
            return
        }
    }

    @Test func aRefusalCarriesTheTemplatesMessage() {
        #expect(throws: TemplateError.refused("no audio")) { try rendered("{{ raise_exception('no audio') }}") }
    }

    @Test func theTemplateIsFoundWhereverTheDirectoryKeepsIt() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func write(_ name: String, _ text: String) throws {
            try Data(text.utf8).write(to: folder.appendingPathComponent(name))
        }
        func text(_ name: String = "default") throws -> String {
            try ChatTemplate(directory: folder, name: name).render([TemplateMessage(role: "user", "x")]).map(\.text).joined()
        }
        #expect(throws: TemplateError.self) { try text() }
        try write(
            "tokenizer_config.json",
            #"{"eos_token": {"content": "<e>"}, "bos_token": "<b>", "chat_template": [{"name": "default", "template": "list{{ bos_token }}"}, {"name": "tool", "template": "tool"}]}"#
        )
        #expect(try text() == "list<b>")
        #expect(try text("tool") == "tool")
        #expect(throws: TemplateError.self) { try text("absent") }
        try write("chat_template.json", #"{"chat_template": "json{{ eos_token }}"}"#)
        #expect(try text() == "json<e>")
        try write("chat_template.jinja", "jinja\n")
        #expect(try text() == "jinja")
        try FileManager.default.removeItem(at: folder.appendingPathComponent("chat_template.jinja"))
        try write("chat_template.json", "[")
        #expect(throws: TemplateError.self) { try text() }
    }
}
