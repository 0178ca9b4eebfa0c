import Foundation
import JSON
import Patterns
import TestSupport
import Testing
import Weights

/// What peft selects is in Tests/Fixtures/weights/patterns.json (`patterns.py` beside it).
@Suite struct PEFTConfigurationTests {
    private static let file = Result {
        try JSONValue(parsing: try Data(contentsOf: fixtures.appending(path: "weights/patterns.json")))
    }

    @Test(arguments: cases(in: "weights/patterns.json") { _ in try file.get().array("selections") }.indices)
    func modulesRanksAndScalingsAreThoseOfPeft(index: Int) throws {
        let file = try Self.file.get()
        let selection = try file.array("selections")[index]
        let configuration = try PEFTConfiguration(try #require(selection["config"]))
        let selected = try selection.object("selected")
        for module in try file.strings("modules") {
            #expect(try configuration.targets(module) == (selected[module] != nil), "\(module)")
            guard case .array(let values)? = selected[module] else { continue }
            #expect(try configuration.rank(of: module) == values[0].exactInteger)
            #expect(try configuration.scaling(of: module) == values[1].number)
        }
    }

    private static func configuration(_ members: String) throws -> PEFTConfiguration {
        var object: JSONObject = ["peft_type": "LORA", "r": .integer(4), "lora_alpha": .integer(4), "target_modules": .array(["q_proj"])]
        let given = try JSONValue(parsing: members).object("")
        for key in given.keys { object[key] = given[key] }
        return try PEFTConfiguration(.object(object))
    }

    @Test(arguments: [
        (#"{"r": 0}"#, "r"), (#"{"r": -1}"#, "r"), (#"{"r": 9223372036854775807}"#, "r"), (#"{"r": 1e300}"#, "r"), (#"{"r": 2.5}"#, "r"),
        (#"{"r": true}"#, "r"), (#"{"rank_pattern": {"q_proj": 1e300}}"#, "rank_pattern"), (#"{"rank_pattern": {"q_proj": 0}}"#, "rank_pattern"),
        (#"{"rank_pattern": {"q_proj": 9223372036854775807}}"#, "rank_pattern"), (#"{"rank_pattern": {"q_proj": "4"}}"#, "rank_pattern"),
        (#"{"rank_pattern": {"q_proj": 9.3e18}}"#, "rank_pattern"), (#"{"alpha_pattern": {"q_proj": null}}"#, "alpha_pattern"),
        (#"{"lora_alpha": "16"}"#, "lora_alpha"), (#"{"layers_to_transform": [1.5]}"#, "layers_to_transform"),
        ("{\"modules_to_save\": [" + Array(repeating: "\"x\"", count: 129).joined(separator: ",") + "]}", "modules_to_save"),
    ])
    func aNumberOutOfRangeIsRefusedByItsField(members: String, field: String) {
        let error = #expect(throws: JSONError.self) { try Self.configuration(members) }
        guard case .unexpected(let path, _, _)? = error, path.split(separator: ".").first == field[...] else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: [
        (#"{"lora_alpha": 1e300}"#, "lora_alpha"), (#"{"lora_alpha": -1e39, "use_rslora": true}"#, "lora_alpha"),
        (#"{"alpha_pattern": {"q_proj": 1e300}}"#, "alpha_pattern"),
    ])
    func aScalingBeyondFloatIsRefusedByItsField(members: String, field: String) throws {
        let configuration = try Self.configuration(members)
        let error = #expect(throws: PEFTError.self) { try configuration.scaling(of: "model.q_proj") }
        #expect(error?.description.contains(field) == true)
        #expect(error?.description.contains("model.q_proj") == true)
    }

    @Test(arguments: [
        (#"{"target_modules": "PATTERN"}"#, "target_modules"), (#"{"exclude_modules": "PATTERN"}"#, "exclude_modules"),
        (#"{"rank_pattern": {"PATTERN": 2}}"#, "rank_pattern"), (#"{"alpha_pattern": {"PATTERN": 2}}"#, "alpha_pattern"),
        (#"{"modules_to_save": ["PATTERN"]}"#, "modules_to_save"),
        (#"{"layers_to_transform": [1], "layers_pattern": "PATTERN"}"#, "layers_pattern"),
    ])
    func aPatternThatSearchesForLongIsRefusedByItsField(members: String, field: String) throws {
        let configuration = try Self.configuration(members.replacing("PATTERN", with: "(.*.*.*.*.*.*.*.*.*.*)*[YZ]"))
        let module = "model.language_model.layers.1.self_attn.q_proj"
        let error = #expect(throws: PEFTError.self) {
            _ = try configuration.targets(module)
            _ = try configuration.scaling(of: module)
        }
        guard case .pattern(field, let reason)? = error, reason.contains("steps") else {
            Issue.record("\(String(describing: error))")
            return
        }
    }
}
