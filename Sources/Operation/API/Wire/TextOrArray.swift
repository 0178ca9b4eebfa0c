/// A text, or an array of elements instead.
enum TextOrArray<Element: Decodable>: Decodable {
    case text(String)
    case array([Element])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        self = try (try? container.decode(String.self)).map { .text($0) } ?? .array(container.decode([Element].self))
    }

    /// The elements. A text is read as one.
    func elements(_ element: (String) -> Element) -> [Element] {
        switch self {
        case .text(let text): [element(text)]
        case .array(let elements): elements
        }
    }
}
