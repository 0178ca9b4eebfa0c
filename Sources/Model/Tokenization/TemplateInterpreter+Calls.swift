import Foundation

/// The calls of templates: macros, methods, and the functions of Jinja and transformers.
extension TemplateInterpreter {
    mutating func call(_ callee: Value, _ arguments: Arguments, _ line: Int) throws(TemplateError) -> Value {
        switch callee {
        case .macro(let macro): return try call(macro, arguments, line)
        case .method(let value, let name): return try call(method: name, of: value, arguments, line)
        case .function(let name): return try call(function: name, arguments, line)
        default: throw .evaluation(line: line, reason: "\(callee.typeName) cannot be called")
        }
    }

    /// A macro sees its parameters and the template's outermost names.
    mutating func call(_ macro: Value.Macro, _ arguments: Arguments, _ line: Int) throws(TemplateError) -> Value {
        guard arguments.positional.count <= macro.parameters.count else {
            throw .evaluation(line: line, reason: "\(macro.name) takes \(macro.parameters.count) arguments")
        }
        for name in arguments.named.keys where !macro.parameters.contains(where: { $0.name == name }) {
            throw .evaluation(line: line, reason: "\(macro.name) has no parameter \(name)")
        }
        let saved = (scopes, loopDepth)
        scopes = [saved.0[0], [:]]
        loopDepth = 0
        defer { (scopes, loopDepth) = saved }
        for (index, parameter) in macro.parameters.enumerated() {
            let value: Value
            if index < arguments.positional.count {
                value = arguments.positional[index]
            } else if let named = arguments.named[parameter.name] {
                value = named
            } else if let expression = parameter.defaultValue {
                value = try evaluate(expression)
            } else {
                value = .undefined(parameter.name)
            }
            scopes[1][parameter.name] = value
        }
        return .text(try capture(macro.body))
    }

    mutating func call(function name: String, _ arguments: Arguments, _ line: Int) throws(TemplateError) -> Value {
        switch name {
        case "range":
            var bounds: [Int] = []
            for value in arguments.positional {
                guard let integer = value.asInteger else {
                    throw .evaluation(line: line, reason: "range of a \(value.typeName)")
                }
                bounds.append(integer)
            }
            guard (1...3).contains(bounds.count), bounds.count < 3 || bounds[2] != 0 else {
                throw .evaluation(line: line, reason: "range takes one to three integers, the step not zero")
            }
            let (start, stop) = bounds.count == 1 ? (0, bounds[0]) : (bounds[0], bounds[1])
            let step = bounds.count == 3 ? bounds[2] : 1
            guard step > 0 ? start < stop : start > stop else { return try list([], line) }
            // Wide ranges may have few elements, a long step apart: the width needs all bits, and products may pass over the end.
            let width = UInt(bitPattern: step > 0 ? stop &- start : start &- stop)
            let many = Int(clamping: (width - 1) / step.magnitude + 1)
            try spend(elements: many, line)
            return try list((0..<many).map { .integer(start &+ $0 &* step) }, line)
        case "namespace":
            try spend(elements: 1, line)
            namespaces.append(try members(arguments, line).reduce(into: [:]) { $0[$1.0.string] = $1.1 })
            return .namespace(namespaces.count - 1)
        case "dict":
            var dictionary = Value.Dictionary()
            for (key, value) in try members(arguments, line) { dictionary.set(key, value) }
            try hold(depth: dictionary.depth, line)
            return .object(dictionary)
        case "raise_exception":
            let reason = try arguments.positional.first.map { value throws(TemplateError) in try text(of: value, line) }
            throw .refused(reason.map { TemplateText(units: Array($0.units.prefix(2000))).string } ?? "")
        case "strftime_now":
            guard case .text(let format)? = arguments.positional.first else {
                throw .evaluation(line: line, reason: "strftime_now needs a format")
            }
            return .literal(Self.format(now, format.string))
        default:
            preconditionFailure("\(name) is not a function of the environment")
        }
    }

    mutating func members(_ arguments: Arguments, _ line: Int) throws(TemplateError) -> [(TemplateText, Value)] {
        var result: [(TemplateText, Value)] = []
        for value in arguments.positional {
            guard case .object(let dictionary) = value else {
                throw .evaluation(line: line, reason: "expected a dictionary, found a \(value.typeName)")
            }
            try spend(elements: dictionary.keys.count, line)
            result += zip(dictionary.keys, dictionary.values)
        }
        try spend(elements: arguments.named.count, line)
        return result + arguments.named.sorted { $0.key < $1.key }.map { (TemplateText($0.key), $0.value) }
    }

    /// C's `strftime` in local time and the C locale, as Python's `datetime.now().strftime`.
    private static func format(_ date: Date, _ format: String) -> String {
        var seconds = time_t(date.timeIntervalSince1970.rounded(.down))
        var parts = unsafe tm()
        unsafe localtime_r(&seconds, &parts)
        var buffer = [CChar](repeating: 0, count: 1024)
        let count = unsafe buffer.withUnsafeMutableBufferPointer { unsafe strftime($0.baseAddress, $0.count, format, &parts) }
        return String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

/// The evaluated arguments of a call.
struct Arguments {
    var positional: [Value] = []
    var named: [String: Value] = [:]

    /// The argument at `index`, or the one called `name`.
    func value(_ index: Int, _ name: String) -> Value? { index < positional.count ? positional[index] : named[name] }
}
