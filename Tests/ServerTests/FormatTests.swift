import API
import Evaluation
import Foundation
import HTTP
import JSON
import Judging
import Objectives
import Speech
import TestSupport
import Testing
import Training
import Workshop

/// Every format of the table, its example given to what reads it; and what is told of them.
@Suite(.ownThread) struct FormatTests {
    private static func formats(_ use: RowFormat.Use) -> [RowFormat] { RowFormat.all.filter { $0.use == use } }

    /// A folder with the clips that examples name, and a file with one.
    private func folder(_ name: String, _ text: String) throws -> (TemporaryFolder, URL) {
        let folder = try TemporaryFolder()
        for (place, clip) in [("audio", "sum"), ("clips", "1")] {
            try FileManager.default.createDirectory(at: folder.url.appending(path: place), withIntermediateDirectories: true)
            try Data(try Fixture.flac("plus")).write(to: folder.url.appending(path: "\(place)/\(clip).flac"))
        }
        return (folder, URL(filePath: try folder.file(name, text)))
    }

    @Test func formatsHaveNamesOfTheirOwn() {
        #expect(Set(RowFormat.all.map(\.name)).count == RowFormat.all.count)
        for use in RowFormat.Use.allCases { #expect(!Self.formats(use).isEmpty, "\(use)") }
    }

    @Test(arguments: formats(.training)) func trainingRowsAreLearntFrom(format: RowFormat) async throws {
        let (folder, file) = try folder(format.isTable ? "metadata.csv" : "train.jsonl", format.example)
        defer { withExtendedLifetime(folder) {} }
        for method in [Objective.Method.cord, .supervised] {
            let checked = try await PairManifest(file, for: .pairs(Objective(method))).checked(by: Fixture.shared.get().runtime.model)
            #expect(checked.pairs.count == 1 && checked.skipped.isEmpty && checked.pairs[0].sounds.count == 1, "\(method)")
        }
    }

    @Test(arguments: formats(.questions)) func questionRowsAreAsked(format: RowFormat) throws {
        let (folder, file) = try folder("rows.jsonl", format.example)
        defer { withExtendedLifetime(folder) {} }
        let item = try #require(try ManifestReader().read(file).items.first)
        #expect(!item.text.isEmpty && !item.answer.isEmpty)
        #expect(item.audio == "clips/1.flac" || item.audio?.hasPrefix("sha256://") == true)
        let kind = ManifestFormat(rawValue: String(format.title.prefix { $0 != "," }))
        #expect(try ManifestReader().read(file, format: kind).items == [item], "the example is taken for another format")
    }

    @Test(arguments: formats(.typed)) func typedQuestionsAreSpoken(format: RowFormat) throws {
        #expect(try JSONDecoder().decode(SpokenText.self, from: Data(format.example.utf8)).answer == "54")
    }

    @Test func requestsAndStepsAreAnswered() async throws {
        let server = try await TrainingServer()
        for format in RowFormat.all {
            guard let route = format.route else { continue }
            let body =
                format.use == .step ? #"{"objective": {"max_rollout_tokens": 4, "rollouts": 2}, "pairs": [\#(format.example)]}"# : format.example
            let answer = try await server.client.post(route, json: body)
            let text = try await answer.text()
            #expect(answer.status == 200, "\(format.name): \(text)")
        }
    }

    @Test(arguments: formats(.batch)) func batchLinesAreAnswered(format: RowFormat) async throws {
        let line = try JSONValue(parsing: format.example)
        let body = try #require(line["body"]).text
        guard case .string(let url)? = line["url"] else { Issue.record("no url"); return }
        let answer = try await Fixture.shared.get().memory.post(url, json: body)
        #expect(answer.status == 200 && line["custom_id"] != nil && line["method"] == "POST")
    }

    /// A program that asserts the request of the table and answers as the table says.
    @Test func rewardsAreAskedAndTakenAsTheTableSays() async throws {
        let formats = Self.formats(.reward)
        let (asked, given) = (try JSONValue(parsing: formats[0].example), formats[1].example)
        let folder = try TemporaryFolder()
        let program = try folder.file(
            "rule.sh", "while read -r line; do printf '%s' \"$line\" > \(folder.url.path)/asked.json; printf '%s\\n' '\(given)'; done")
        let reward = try Reward("sh \(program)")
        let request = RewardRequest(
            audioID: "sum-1", question: "What is 8 plus 5?", reference: "The answer is 13.", gold: "13",
            rollouts: ["The answer is 13.", "The answer is 12."])
        #expect(try await reward.rewards(for: request) == [1, 0])
        let found = try JSONValue(parsing: try Data(contentsOf: folder.url.appending(path: "asked.json")))
        guard case .object(let members) = asked, case .object(let sent) = found else { Issue.record("no objects"); return }
        #expect(Set(members.keys) == Set(sent.keys) && members.keys.allSatisfy { members[$0] == sent[$0] })
    }

    @Test(arguments: [
        (#"{"text": "What?", "answer": "13"}"#, "needs the question spoken, and the pair has no clip"),
        (#"{"audio": {"path": "audio/sum.flac"}, "text": "What?", "chosen": "13", "rejected": "12"}"#, "no method here learns from preferences"),
        (#"{"audio": {"path": "audio/sum.flac"}, "text": "What?", "rollouts": [{"text": "13"}]}"#, "POST /v1/cord/steps"),
        (#"{"audio": {"path": "audio/sum.flac"}, "answer": "13"}"#, "the text is empty"),
    ])
    func whatIsNotReadIsRefusedInWords(row: String, words: String) async throws {
        let (folder, file) = try folder("train.jsonl", row)
        defer { withExtendedLifetime(folder) {} }
        let problems = try PairManifest(file, for: .pairs(Objective(.cord))).problems
        #expect(problems.count == 1 && problems[0].reason.contains(words), "\(problems)")
    }

    /// `cord data formats --markdown > Sources/Operation/FORMATS.md` makes the page again.
    @Test func thePageIsTheTables() throws {
        let page = try String(contentsOf: fixtures.appendingPathComponent("../../Sources/Operation/FORMATS.md").standardized, encoding: .utf8)
        #expect(page == RowFormat.page())
        let help = RowFormat.text(RowFormat.Use.allCases)
        for format in RowFormat.all { #expect(help.contains(format.example.split(separator: "\n")[0]), "\(format.name)") }
    }

    @Test func theDescriptionHasEveryFormat() async throws {
        let document = try await Fixture.shared.get().memory.get("/openapi.json").json()
        for format in RowFormat.all {
            let told = try #require(document["components"]?["examples"]?[format.name], "\(format.name)")
            let value = format.isTable ? WireValue.string(format.example) : try WireValue(json: Data(format.example.utf8))
            #expect(told["value"] == value, "\(format.name)")
            if let route = format.route {
                let examples = document["paths"]?[route]?["post"]?["requestBody"]?["content"]?["application/json"]?["examples"]
                #expect(examples?[format.name] != nil, "\(format.name)")
            }
        }
        for (route, use) in [("/v1/files", RowFormat.Use.training), ("/v1/benchmarks", .questions), ("/v1/batches", .batch)] {
            #expect(document["paths"]?[route]?["post"]?["description"]?.text == RowFormat.told(use), "\(route)")
        }
    }

    /// Every member and parameter is described, conditions between them (`x-conditions`) aside; most that hold a value, and not only members of
    /// their own, have an example.
    @Test func everyFieldIsDescribed() async throws {
        let document = try await Fixture.shared.get().memory.get("/openapi.json").json()
        var (fields, bare, unshown) = (0, Set<String>(), Set<String>())
        func holdsMembers(_ schema: WireValue) -> Bool {
            if schema["$ref"] != nil || schema["properties"] != nil || schema["allOf"] != nil { return true }
            if let items = schema["items"] { return holdsMembers(items) || items == .object([:]) }
            if let kept = schema["additionalProperties"], kept["type"] != nil || kept["$ref"] != nil { return holdsMembers(kept) }
            for word in ["anyOf", "oneOf"] {
                if case .array(let list)? = schema[word], list.contains(where: holdsMembers) { return true }
            }
            return false
        }
        func check(_ value: WireValue, _ place: String) {
            if case .array(let list) = value { list.forEach { check($0, place) } }
            guard case .object(let members) = value else { return }
            if case .object(let properties)? = members["properties"] {
                for (name, schema) in properties {
                    fields += 1
                    if schema["description"] == nil { bare.insert("\(place).\(name)") }
                    if schema["examples"] == nil, schema["example"] == nil, !holdsMembers(schema), schema["format"]?.text != "binary" {
                        unshown.insert("\(place).\(name)")
                    }
                    check(schema, "\(place).\(name)")
                }
            }
            if case .array(let parameters)? = members["parameters"] {
                for parameter in parameters {
                    guard let name = parameter["name"]?.text else { continue }
                    fields += 1
                    if parameter["description"] == nil { bare.insert("\(place).\(name)") }
                    if parameter["example"] == nil, parameter["schema"]?["examples"] == nil { unshown.insert("\(place).\(name)") }
                }
            }
            for (name, member) in members where !["properties", "parameters", "example", "examples", "value", "x-conditions"].contains(name) {
                check(member, name.hasPrefix("/") ? name : place)
            }
        }
        guard case .object(let schemas)? = document["components"]?["schemas"] else { Issue.record("no schemas"); return }
        for (name, schema) in schemas { check(schema, name) }
        check(try #require(document["paths"]), "paths")
        #expect(fields > 1000)
        #expect(bare.isEmpty, "\(bare.count) without a description: \(bare.sorted().joined(separator: " "))")
        #expect(unshown.isEmpty, "\(unshown.count) without an example: \(unshown.sorted().joined(separator: " "))")
    }

    /// The id in a path, and the one that a page comes after, are shown as ids of what the path is about.
    @Test func idsAreShownAsThoseOfTheirOwnKind() async throws {
        let document = try await Fixture.shared.get().memory.get("/openapi.json").json()
        let kinds = [
            "/v1/batches": "batch_", "/v1/benchmarks": "bench_", "/v1/benchmarks/{id}": "cord-bench-", "/v1/cord/steps": "step_",
            "/v1/files": "file-",
            "/v1/fine_tuning/jobs": "ftjob-", "/v1/fine_tuning/jobs/{id}/checkpoints?": "ftckpt_", "/v1/fine_tuning/jobs/{id}/events?": "ftevent-",
            "/v1/gap/reports": "gaprep_", "/v1/gap/runs": "gaprun_", "/v1/weights/versions": "ver_",
        ]
        guard case .object(let paths)? = document["paths"] else { Issue.record("no paths"); return }
        var count = 0
        for (path, item) in paths {
            guard case .object(let operations) = item else { continue }
            for (method, operation) in operations {
                guard case .array(let parameters)? = operation["parameters"] else { continue }
                for parameter in parameters where ["id", "after"].contains(parameter["name"]?.text) {
                    let place = parameter["name"]?.text == "after" ? path + "?" : path
                    guard let kind = kinds.keys.filter({ place.hasPrefix($0) }).max(by: { $0.count < $1.count }).flatMap({ kinds[$0] }),
                        let example = parameter["example"]?.text, !path.contains("/items"), !path.hasSuffix("/rows") || place == path
                    else { continue }
                    count += 1
                    #expect(example.hasPrefix(kind), "\(method) \(path) \(parameter["name"]?.text ?? ""): \(example)")
                }
            }
        }
        #expect(count > 30)
    }
}
