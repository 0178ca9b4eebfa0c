import API
import Foundation
import Objectives
import Testing

/// Steps and jobs over HTTP hold numbers against `NumericOption`, and the description says the same of them.
@Suite struct TrainingOptionTests {
    /// A schema's members in the description of the interface.
    private static func members(_ file: String, _ path: String...) throws -> [String: WireValue] {
        let place = URL(filePath: #filePath).appending(path: "../../../Sources/Service/Server/OpenAPI/\(file).json").standardized
        var value = try #require(try WireValue(json: Data(contentsOf: place))["schemas"])
        // What members exclude each other stands beside them.
        func chosen(_ value: WireValue) throws -> WireValue {
            guard value["properties"] == nil, case .array(let choices) = value["anyOf"] else { return value }
            return try #require(choices.first { $0["properties"] != nil })
        }
        for name in path {
            value = try chosen(value)
            value = try #require(value[name] ?? value["properties"]?[name])
        }
        value = try chosen(value)
        guard case .object(let members) = try #require(value["properties"]) else { return [:] }
        return members
    }

    /// The table's parts, with the place of each in a step and in a job.
    static let parts: [(options: [NumericOption], step: String?, job: String, file: String, schema: [String])] = [
        (NumericOption.objective, "objective", "hyperparameters.objective", "cord-steps", ["CordObjective"]),
        (NumericOption.optimizer, "optimizer", "hyperparameters.optimizer", "cord-steps", ["OptimizerOptions"]),
        (NumericOption.hyperparameters, nil, "hyperparameters", "fine-tuning", ["Hyperparameters"]),
        (NumericOption.earlyStopping, nil, "hyperparameters.early_stopping", "fine-tuning", ["Hyperparameters", "early_stopping"]),
        (NumericOption.job, nil, "cord", "fine-tuning", ["FineTuningRequest", "cord"]),
    ]

    private static func members(_ place: Int) throws -> [String: WireValue] {
        let (file, schema) = (parts[place].file, parts[place].schema)
        return schema.count == 1 ? try members(file, schema[0]) : try members(file, schema[0], schema[1])
    }

    private func number(_ value: WireValue?) -> Double? {
        switch value {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .null, .bool, .string, .array, .object, nil: nil
        }
    }

    private func numeral(_ value: Double, _ option: NumericOption) -> String { option.isInteger ? String(Int(value)) : String(value) }

    /// A request with one number at its place.
    private func step(_ part: String, _ option: NumericOption, _ value: Double) -> String {
        #"{"pairs":[{"audio":{"data":"UklGRg=="},"text":"a"}],"\#(part)":{"\#(option.name)":\#(numeral(value, option))}}"#
    }

    private func job(_ part: String, _ option: NumericOption, _ value: Double) -> String {
        var text = "\"\(option.name)\":\(numeral(value, option))"
        if part.hasSuffix("early_stopping"), option != .patience { text += ",\"patience\":1" }
        if part == "cord" { return #"{"model":"m","training_file":"f","cord":{\#(text)}}"# }
        for name in part.split(separator: ".").reversed() { text = "\"\(name)\":{\(text)}" }
        return #"{"model":"m","training_file":"f","method":{"type":"cord","cord":{\#(text)}}}"#
    }

    @Test(arguments: parts.indices) func theDescriptionHasTheTablesRanges(place: Int) throws {
        let members = try Self.members(place)
        for option in Self.parts[place].options {
            let found = try #require(members[option.name], "\(option.name)")
            let schema: WireValue =
                if case .array(let choices) = found["anyOf"] { try #require(choices.first { $0["maximum"] != nil }) } else { found }
            #expect(number(schema[option.isOpen ? "exclusiveMaximum" : "maximum"]) == option.most, "\(option.name)")
            let least = number(schema["minimum"])
            // What is above 0 is said so, or by the least number that Float keeps.
            if number(schema["exclusiveMinimum"]) == 0 {
                #expect(least == nil && option.least > 0 && option.least <= 1e-30, "\(option.name)")
            } else {
                #expect(least == option.least, "\(option.name)")
            }
        }
        // No number is told that the table has not.
        let numbers = members.filter { _, schema in
            var schemas = [schema]
            if case .array(let choices) = schema["anyOf"] { schemas += choices }
            return schemas.contains { $0["maximum"] != nil || $0["exclusiveMaximum"] != nil }
        }
        let others: Set = ["learning_rate_multiplier", "max_skipped"]
        #expect(Set(numbers.keys).subtracting(others) == Set(Self.parts[place].options.map(\.name)))
    }

    @Test(arguments: parts.indices) func stepsAndJobsTakeWhatTheTableAllows(place: Int) throws {
        let part = Self.parts[place]
        for option in part.options {
            let near = option.isOpen ? option.most.nextDown : option.most
            let beyond = option.isInteger ? option.most + 1 : option.isOpen ? option.most : option.most.nextUp
            let below = option.isInteger ? option.least - 1 : option.least > 0 ? 0 : -1e-9
            for value in [option.least, near] {
                #expect(option.allows(value))
                if let step = part.step { _ = try read(CordStepRequest.self, self.step(step, option, value)) }
                _ = try read(FineTuningRequest.self, job(part.job, option, value))
            }
            for value in [below, beyond] {
                #expect(!option.allows(value), "\(option.name) \(value)")
                if let step = part.step { #expect(refusal(CordStepRequest.self, self.step(step, option, value)).param == "\(step).\(option.name)") }
                let refused = refusal(FineTuningRequest.self, job(part.job, option, value)).param
                #expect(refused == (part.job == "cord" ? "" : "method.cord.") + part.job + "." + option.name)
            }
            #expect(!option.allows(.nan))
        }
    }

    /// What is absent has the described value, in a step as in a job.
    @Test func defaultsAreTheDescribedOnes() throws {
        let step = try read(CordStepRequest.self, #"{"pairs":[{"audio":{"data":"UklGRg=="},"text":"a"}]}"#)
        #expect(step.objective == CordObjective() && step.optimizer == OptimizerOptions())
        let written = try [
            ("CordObjective", WireValue(json: WireEncoder.encode(CordObjective()))),
            ("OptimizerOptions", WireValue(json: WireEncoder.encode(OptimizerOptions()))),
        ]
        // Left out of what is stored where they say nothing.
        let silent: [String: WireValue] = [
            "teacher_temperature": .integer(0), "normalisation": .string("sum"), "estimator": .string("unit_temperature"),
            "importance_bound": .integer(2), "reference_coefficient": .integer(0), "entropy_coefficient": .integer(0),
            "updates_per_rollout": .integer(1), "replay_weight": .integer(1), "replay_transcripts": .integer(0),
        ]
        for (schema, values) in written {
            for (name, member) in try Self.members("cord-steps", schema) {
                let described = member["default"]
                let found = values[name] ?? silent[name]
                if let expected = number(described) {
                    #expect(number(found) == expected, "\(name)")
                } else {
                    #expect(found == described, "\(name)")
                }
            }
        }
        let objective = Objective()
        #expect(objective.teacherTemperature == 0 && objective.normalisation == .sum && objective.estimator == .unitTemperature)
        #expect(objective.importanceBound == 2 && objective.referenceCoefficient == 0 && objective.entropyCoefficient == 0)
        #expect(objective.updatesPerRollout == 1 && objective.replayWeight == 1 && objective.replayTranscripts == 0)
    }
}
