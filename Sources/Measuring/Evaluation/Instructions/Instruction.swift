import Foundation

/// An instruction of IFEval that rules can check, as its sets name it: `length_constraints:number_words` with `num_words` and `relation`
/// (Zhou et al., arXiv 2311.07911).
package struct Instruction: Codable, Sendable, Equatable {
    package enum Argument: Codable, Sendable, Equatable {
        case number(Int)
        case text(String)
        case list([String])

        package init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let number = try? value.decode(Int.self) {
                self = .number(number)
            } else if let text = try? value.decode(String.self) {
                self = .text(text)
            } else {
                self = .list(try value.decode([String].self))
            }
        }

        package func encode(to encoder: any Encoder) throws {
            var value = encoder.singleValueContainer()
            switch self {
            case .number(let number): try value.encode(number)
            case .text(let text): try value.encode(text)
            case .list(let list): try value.encode(list)
            }
        }
    }

    package let id: String
    package let arguments: [String: Argument]

    package init(id: String, arguments: [String: Argument] = [:]) {
        self.id = id
        self.arguments = arguments
    }
}

/// Why an instruction cannot be checked.
package enum InstructionError: Error, Equatable, CustomStringConvertible {
    case unknown(id: String)
    case argument(id: String, name: String, expected: String)

    package var description: String {
        switch self {
        case .unknown(let id):
            "the instruction \(id) is not one that can be checked: expected one of \(InstructionRule.Kind.allCases.map(\.rawValue).joined(separator: ", "))"
        case .argument(let id, let name, let expected): "the instruction \(id) needs \(name), \(expected)"
        }
    }
}

/// Whether a response followed an instruction.
package struct InstructionOutcome: Codable, Sendable, Equatable {
    package var id: String
    /// The verdict on the response itself.
    package var strict: Bool
    /// The verdict on the best of IFEval's eight variants: without the first line, the last line, both or neither, each with and without asterisks.
    package var loose: Bool

    package init(id: String, strict: Bool, loose: Bool) {
        self.id = id
        self.strict = strict
        self.loose = loose
    }

    /// - Returns: one outcome per instruction; an empty response follows none.
    package static func all(_ rules: [InstructionRule], _ response: String) -> [InstructionOutcome] {
        let variants = looseVariants(response).filter { $0.contains { !$0.isWhitespace } }
        let isEmpty = response.allSatisfy(\.isWhitespace)
        return rules.map { rule in
            let strict = !isEmpty && rule.isFollowed(by: response)
            return InstructionOutcome(id: rule.kind.rawValue, strict: strict, loose: strict || variants.contains { rule.isFollowed(by: $0) })
        }
    }

    private static func looseVariants(_ response: String) -> [String] {
        let lines = response.split(separator: "\n", omittingEmptySubsequences: false)
        let cut = [lines.dropFirst(), lines.dropLast(), lines.dropFirst().dropLast()].map {
            $0.joined(separator: "\n").trimmingCharacters(in: .whitespacesAndNewlines)
        }
        return ([response] + cut).flatMap { [$0, $0.replacing("*", with: "")] }
    }
}
