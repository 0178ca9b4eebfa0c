import JSON

/// Instructions in a manifest, every one of which can be checked: one that cannot is refused here, by file and line.
extension ManifestRow {
    /// IFEval's two columns, `instruction_id_list` beside `kwargs`; arguments that are null belong to other instructions. Nil without them.
    func namedInstructions() throws -> [Instruction]? {
        guard let ids = try texts("instruction_id_list") else { return nil }
        guard case .array(let list) = columns["kwargs"], list.count == ids.count, !ids.isEmpty else { throw unlisted }
        return try checked(
            zip(ids, list).map { id, value in
                guard case .object(let named) = value else { throw unlisted }
                return Instruction(id: id, arguments: try arguments(named, of: id, in: "kwargs"))
            })
    }

    /// The column `instructions` of the product's own format, a list of `{id, arguments}`. Nil without it.
    func instructions() throws -> [Instruction]? {
        guard let column = value("instructions") else { return nil }
        guard case .array(let list) = column, !list.isEmpty else { throw wrongType("instructions", "a list of {id, arguments}") }
        return try checked(
            list.map { value in
                guard let id = try? value.string("id"), case .object(let named) = value["arguments"] else {
                    throw wrongType("instructions", "a list of {id, arguments}")
                }
                return Instruction(id: id, arguments: try arguments(named, of: id, in: "instructions"))
            })
    }

    private var unlisted: QuestionSetError {
        wrongType("kwargs", "a list with an object for each of instruction_id_list, which has at least one")
    }

    private func arguments(_ named: JSONObject, of id: String, in column: String) throws -> [String: Instruction.Argument] {
        var arguments: [String: Instruction.Argument] = [:]
        for name in named.keys {
            guard let value = named[name], value != .null else { continue }
            if let number = value.exactInteger {
                arguments[name] = .number(number)
            } else if case .string(let text) = value {
                arguments[name] = .text(text)
            } else if case .array = value, let list = try? value.strings("") {
                arguments[name] = .list(list)
            } else {
                throw wrongType(column, "texts, whole numbers and lists of texts for \(id)")
            }
        }
        return arguments
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
