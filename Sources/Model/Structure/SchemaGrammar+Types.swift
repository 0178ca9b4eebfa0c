import JSON

/// The part of a schema that concerns values of one type.
extension SchemaGrammar {
    mutating func integer(_ keywords: inout Keywords, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        let most = 999_999_999_999_999_999
        func bound(_ value: Double, up: Bool) -> Int { Int(max(-Double(most), min(1e18, value.rounded(up ? .up : .down)))) }
        var (low, high) = (-most, most)
        if let minimum = try keywords.number("minimum") { low = max(low, bound(minimum, up: true)) }
        if let maximum = try keywords.number("maximum") { high = min(high, bound(maximum, up: false)) }
        if let minimum = try keywords.number("exclusiveMinimum") { low = max(low, bound(minimum, up: false) + 1) }
        if let maximum = try keywords.number("exclusiveMaximum") { high = min(high, bound(maximum, up: true) - 1) }
        guard low <= high else { throw StructureError(keywords.path, "no integer lies between its minimum and its maximum") }
        let isFree = low == -most && high == most
        return try grammar.expression(isFree ? .anyInteger : .integers(low, high), .plain, from: from)
    }

    mutating func text(_ keywords: inout Keywords, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        let least = try keywords.count("minLength") ?? 0
        let most = try keywords.count("maxLength")
        guard least <= most ?? .max else { throw StructureError(keywords.path, "minLength is above maxLength") }
        let pattern = try keywords.string("pattern")
        let format = try keywords.string("format")
        guard pattern != nil || format != nil else { return try string(least: least, most: most, from: from) }
        guard pattern == nil || format == nil, least == 0, most == nil else {
            throw StructureError(keywords.path, "pattern, format and lengths are supported one at a time; say the length in the pattern")
        }
        let expression: RegularExpression
        if let pattern {
            expression = try RegularExpression(pattern, searching: true, path: keywords.path + "/pattern")
        } else {
            guard let known = Self.formats[format ?? ""] else {
                let names = Self.formats.keys.sorted().joined(separator: ", ")
                throw StructureError(keywords.path + "/format", "expected \(names); found \"\(format ?? "")\"")
            }
            expression = try RegularExpression(known, searching: false, path: keywords.path + "/format")
        }
        let open = try grammar.literal("\"", from: from)
        return try grammar.literal("\"", from: try grammar.expression(expression, .quoted, from: open))
    }

    /// By RFC 3339 (days to the 28th, which every month has), RFC 4122, RFC 2673, and the mailbox of RFC 5321 in its usual form.
    private static let formats = [
        "date": date, "time": time, "date-time": "\(date)T\(time)",
        "uuid": "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        "ipv4": "(\(byte)\\.){3}\(byte)",
        "email": "[A-Za-z0-9_+-]{1,32}(\\.[A-Za-z0-9_+-]{1,31}){0,1}@([a-z0-9]{1,32}\\.){1,3}[a-z]{2,12}",
    ]
    private static let date = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
    private static let time = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
    private static let byte = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"

    mutating func array(_ keywords: inout Keywords, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        let path = keywords.path
        let prefix = try keywords.array("prefixItems") ?? []
        let rest = keywords.take("items") ?? .boolean(true)
        let least = try keywords.count("minItems") ?? 0
        var most = try keywords.count("maxItems")
        if keywords.take("uniqueItems") == .boolean(true) { throw StructureError(path + "/uniqueItems", "is not supported") }
        if case .boolean(false) = rest { most = min(most ?? .max, prefix.count) }
        guard least <= most ?? .max else { throw StructureError(path, "minItems is above what items allow") }
        let end = try grammar.node()
        var place = try space(from: try grammar.literal("[", from: from))
        var count = 0
        func isOpen() -> Bool { count < most ?? .max }
        while isOpen(), count < max(prefix.count, least) {
            if count >= least { grammar.free(try close("]", count, from: place), to: end) }
            if count > 0 { place = try comma(from: place) }
            let isFixed = count < prefix.count
            place = try value(isFixed ? prefix[count] : rest, isFixed ? "\(path)/prefixItems/\(count)" : path + "/items", from: place)
            count += 1
        }
        if let most {
            while count < most {
                grammar.free(try close("]", count, from: place), to: end)
                if count > 0 { place = try comma(from: place) }
                place = try value(rest, path + "/items", from: place)
                count += 1
            }
        } else {
            if count == 0 {
                grammar.free(try close("]", 0, from: place), to: end)
                place = try value(rest, path + "/items", from: place)
            }
            // After an item, further items may follow.
            let behind = try grammar.node()
            grammar.free(place, to: behind)
            grammar.free(try value(rest, path + "/items", from: try comma(from: behind)), to: behind)
            place = behind
            count = 1
        }
        grammar.free(try close("]", count, from: place), to: end)
        return end
    }

    mutating func close(_ bracket: String, _ count: Int, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        try grammar.literal(bracket, from: count == 0 ? from : try space(from: from))
    }

    mutating func object(_ keywords: inout Keywords, from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        let path = keywords.path
        let properties = try keywords.object("properties") ?? JSONObject()
        var required: Set<String> = []
        for name in try keywords.array("required") ?? [] {
            guard case .string(let name) = name else { throw StructureError(path + "/required", "expected names") }
            required.insert(name)
        }
        let others = keywords.take("additionalProperties")
        if properties.keys.isEmpty, required.isEmpty, others == nil { return try grammar.call(try rule(.object), from: from) }
        if let name = required.first(where: { properties[$0] == nil }) {
            throw StructureError(path + "/required", "\"\(name)\" is not among the properties")
        }
        let optional = properties.keys.count { !required.contains($0) }
        guard optional <= 512 else { throw StructureError(path + "/properties", "more than 512 are optional; found \(optional)") }

        // Before the first member is written, and behind one.
        var empty: Grammar.Node? = try space(from: try grammar.literal("{", from: from))
        var written: Grammar.Node?
        for (name, schema) in properties.members {
            let isRequired = required.contains(name)
            let begin = try grammar.node()
            if let empty { grammar.free(empty, to: begin) }
            if let written { grammar.free(try comma(from: written), to: begin) }
            let behind = try grammar.node()
            let member = try colon(from: try quoted(name, from: begin))
            let place = "\(path)/properties/\(name.replacing("~", with: "~0").replacing("/", with: "~1"))"
            grammar.free(try value(schema, place, from: member), to: behind)
            if isRequired {
                empty = nil
            } else if let written {
                grammar.free(written, to: behind)
            }
            written = behind
        }
        let end = try grammar.node()
        if let others, others != .boolean(false) {
            let begin = try grammar.node()
            if let empty { grammar.free(empty, to: begin) }
            if let written { grammar.free(try comma(from: written), to: begin) }
            let name = try otherName(than: properties.keys, from: begin)
            let behind = try value(others, path + "/additionalProperties", from: try colon(from: name))
            grammar.free(try comma(from: behind), to: begin)
            grammar.free(try close("}", 1, from: behind), to: end)
        }
        if let empty { grammar.free(try close("}", 0, from: empty), to: end) }
        if let written { grammar.free(try close("}", 1, from: written), to: end) }
        return end
    }

    /// A member's name that is none of `names`: it leaves their letters at some place, by a character that stands for itself.
    mutating func otherName(than names: [String], from: Grammar.Node) throws(StructureError) -> Grammar.Node {
        let open = try grammar.literal("\"", from: from)
        let end = try grammar.node()
        let free = try grammar.node()
        grammar.free(
            try grammar.repeated(0, nil, from: free) { grammar, node throws(StructureError) in try grammar.anyCharacter(from: node) }, to: end)
        var level: [(node: Grammar.Node, names: [ArraySlice<Unicode.Scalar>])] = [(open, names.map { Array($0.unicodeScalars)[...] })]
        while let (node, names) = level.popLast() {
            var children: [Unicode.Scalar: [ArraySlice<Unicode.Scalar>]] = [:]
            for name in names { if let first = name.first { children[first, default: []].append(name.dropFirst()) } }
            let plain = CharacterRanges([0...0x1F, 0x22...0x22, 0x5C...0x5C]).inverted
            let taken = CharacterRanges(children.keys.map { $0.value...$0.value })
            grammar.free(try grammar.character(plain.subtracting(taken), .plain, from: node), to: free)
            if !names.contains(where: \.isEmpty) { grammar.free(node, to: end) }
            for (scalar, rest) in children.sorted(by: { $0.key < $1.key }) {
                level.append((try grammar.character(CharacterRanges([scalar.value...scalar.value]), .quoted, from: node), rest))
            }
        }
        return try grammar.literal("\"", from: end)
    }
}
