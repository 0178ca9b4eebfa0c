import Foundation

/// Instructions in a manifest, every one of which can be checked: one that cannot is refused here, by file and line.
extension ManifestRow {
    /// IFEval's two columns, `instruction_id_list` beside `kwargs`; arguments that are null belong to other instructions. Nil without them.
    func namedInstructions() throws -> [Instruction]? {
        guard let ids = try texts("instruction_id_list") else { return nil }
        guard let arguments = columns["kwargs"] as? [[String: Any]], arguments.count == ids.count, !ids.isEmpty else {
            throw QuestionSetError.wrongType(
                file: file, line: line, column: "kwargs", expected: "a list with an object for each of instruction_id_list, which has at least one")
        }
        return try checked(
            zip(ids, arguments).map { id, arguments in
                Instruction(id: id, arguments: try arguments.compactMapValues { try argument($0, of: id) })
            })
    }

    /// The column `instructions` of the product's own format, a list of `{id, arguments}`. Nil without it.
    func instructions() throws -> [Instruction]? {
        guard let column = columns["instructions"], !(column is NSNull) else { return nil }
        guard JSONSerialization.isValidJSONObject(column), let data = try? JSONSerialization.data(withJSONObject: column),
            let instructions = try? JSONDecoder().decode([Instruction].self, from: data), !instructions.isEmpty
        else {
            throw QuestionSetError.wrongType(file: file, line: line, column: "instructions", expected: "a list of {id, arguments}")
        }
        return try checked(instructions)
    }

    private func argument(_ value: Any, of id: String) throws -> Instruction.Argument? {
        switch value {
        case is NSNull: return nil
        case let text as String: return .text(text)
        case let list as [String]: return .list(list)
        case let number as NSNumber where Double(number.intValue) == number.doubleValue: return .number(number.intValue)
        default:
            throw QuestionSetError.wrongType(
                file: file, line: line, column: "kwargs", expected: "texts, whole numbers and lists of texts for \(id)")
        }
    }

    private func checked(_ instructions: [Instruction]) throws -> [Instruction] {
        do {
            for instruction in instructions { _ = try InstructionRule(instruction) }
        } catch let error as InstructionError {
            throw QuestionSetError.instruction(file: file, line: line, error: error)
        }
        return instructions
    }
}
