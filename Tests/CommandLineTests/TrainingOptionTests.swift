import Foundation
import Objectives
import TestSupport
import Testing

/// `cord train` has the options that steps and jobs have over HTTP, under the same names, with the same values where nothing is told, and
/// within the same bounds.
@Suite(.ownThread) struct TrainingOptionTests {
    private struct Description: Decodable {
        struct Schema: Decodable { let properties: [String: Member]? }
        struct Member: Decodable {
            /// As the command line would show it.
            let value: String?
            let choices: [String]?

            private enum CodingKeys: String, CodingKey { case value = "default", choices = "enum" }

            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: CodingKeys.self)
                choices = try? container.decode([String?].self, forKey: .choices).compactMap(\.self)
                value =
                    (try? container.decode(Double.self, forKey: .value)).map { String($0) }
                    ?? (try? container.decode(String.self, forKey: .value))
                    ?? (try? container.decode([String].self, forKey: .value))?.joined(separator: ",")
            }
        }
        let schemas: [String: Schema]
    }

    private struct Dump: Decodable {
        struct Name: Decodable { let kind, name: String }
        struct Argument: Decodable {
            let kind: String
            let sectionTitle: String?
            let names: [Name]?
            let defaultValue: String?
        }
        struct Command: Decodable { let arguments: [Argument]? }
        let command: Command
    }

    private func members(_ file: String, _ schema: String) throws -> [String: Description.Member] {
        let place = fixtures.appending(path: "../../Sources/Service/Server/OpenAPI/\(file).json").standardized
        return try #require(JSONDecoder().decode(Description.self, from: Data(contentsOf: place)).schemas[schema]?.properties)
    }

    /// By long name.
    private func options() throws -> [String: Dump.Argument] {
        let dump = try JSONDecoder().decode(Dump.self, from: Data(try Cord("train", "run", "--experimental-dump-help").output.utf8))
        var options: [String: Dump.Argument] = [:]
        for argument in dump.command.arguments ?? [] {
            for name in argument.names ?? [] where name.kind == "long" { options[name.name] = argument }
        }
        return options
    }

    @Test func namesAndDefaultsAreThoseOfTheInterface() throws {
        let options = try options()
        let objective = Set(options.filter { $0.value.sectionTitle == "Objective" }.keys)
        // A judge is asked over HTTP alone.
        let described = try members("cord-steps", "CordObjective").filter { $0.key != "judge" }
        #expect(Set(described.keys.map { $0.replacing("_", with: "-") }) == objective)
        let optimizer = try members("cord-steps", "OptimizerOptions")
        for (name, member) in described.merging(optimizer, uniquingKeysWith: { $1 }) where name != "method" {
            let option = try #require(options[name.replacing("_", with: "-")], "\(name)")
            guard option.kind == "option" else { continue }
            let (found, expected) = (option.defaultValue, member.value)
            if let number = expected.flatMap(Double.init) {
                #expect(found.flatMap(Double.init) == number, "\(name)")
            } else if name != "lora_dropout" {
                #expect(found == expected, "\(name)")
            }
        }
        // Of a run: OpenAI's names, and what only a file that is uploaded needs.
        let renamed = ["n_epochs": "epochs"]
        let elsewhere: Set = ["learning_rate_multiplier", "objective", "optimizer", "early_stopping"]
        for name in try members("fine-tuning", "Hyperparameters").keys where !elsewhere.contains(name) {
            #expect(options[renamed[name] ?? name.replacing("_", with: "-")] != nil, "\(name)")
        }
        for name in ["patience", "min-change", "criterion", "keep", "checkpoints", "eval-pairs", "max-skipped", "token-log", "tensorboard", "replay"]
        {
            #expect(options[name] != nil, "\(name)")
        }
    }

    @Test(arguments: [
        NumericOption.objective, NumericOption.optimizer, NumericOption.hyperparameters, NumericOption.earlyStopping, NumericOption.job,
    ])
    func numbersHaveTheBoundsOfTheInterface(table: [NumericOption]) throws {
        for option in table {
            let beyond = option.isInteger ? option.most + 1 : option.isOpen ? option.most : option.most.nextUp
            let text = option.isInteger ? String(Int(beyond)) : String(beyond)
            let refused = try Cord("train", "none.jsonl", "--output", "none", "--\(option.flag)=\(text)")
            let expected = "--\(option.flag): expected \(option.expected), found \(text)"
            #expect(refused.status != 0 && refused.errors.contains(expected), "\(refused.errors)")
        }
    }
}
