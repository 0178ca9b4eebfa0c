/// The cost at which a rendering is stopped. Everything is charged before it is made.
package struct TemplateLimits: Sendable {
    /// Evaluated nodes, loop iterations, comparisons; and one for every 16 characters that are only read.
    package var steps = 5_000_000
    /// Elements of lists, tuples, dictionaries and namespaces that are made.
    package var elements = 1_000_000
    /// Characters produced, intermediate strings included.
    package var characters = 64_000_000
    /// Nesting of evaluations, macros included.
    package var depth = 300
    /// Nesting of values: deeper ones could not be printed, compared or released on a thread's stack.
    package var valueDepth = 100

    package init() {}

    /// - Throws: ``TemplateError/limit(line:reason:)`` where less than that is left.
    mutating func spend(steps: Int = 0, elements: Int = 0, characters: Int = 0, _ line: Int) throws(TemplateError) {
        self.steps -= min(steps, max(self.steps, -1) + 1)
        self.elements -= min(elements, max(self.elements, -1) + 1)
        self.characters -= min(characters, max(self.characters, -1) + 1)
        if self.steps < 0 { throw .limit(line: line, reason: "too many steps") }
        if self.elements < 0 { throw .limit(line: line, reason: "too many elements") }
        if self.characters < 0 { throw .limit(line: line, reason: "too much text") }
    }

    /// Charges for characters that are compared or searched.
    mutating func read(_ characters: Int, _ line: Int) throws(TemplateError) { try spend(steps: characters / 16, line) }

    mutating func append(_ text: TemplateText, to units: inout [UInt32], _ line: Int) throws(TemplateError) {
        try spend(steps: 1, characters: text.count, line)
        units += text.units
    }

    mutating func append(_ text: String, to units: inout [UInt32], _ line: Int) throws(TemplateError) {
        try append(TemplateText(text), to: &units, line)
    }
}
