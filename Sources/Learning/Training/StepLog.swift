package import Foundation

/// A file of JSON lines, one per step, each with its number as `step`. A resumed run appends to it, after lines of steps that will be taken again
/// are dropped.
package struct StepLog {
    private struct Step: Decodable { let step: Int }

    private static let newline = UInt8(ascii: "\n")
    private let file: FileHandle
    private let encoder = JSONEncoder()

    package init(_ url: URL, after step: Int) throws {
        let old = (try? Data(contentsOf: url)) ?? Data()
        let kept = old.split(separator: Self.newline).filter { line in
            ((try? JSONDecoder().decode(Step.self, from: line))?.step ?? .max) <= step
        }
        try Data(kept.map { $0 + [Self.newline] }.joined()).write(to: url, options: .atomic)
        file = try FileHandle(forWritingTo: url)
        try file.seekToEnd()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    }

    package func append(_ line: some Encodable) throws {
        try file.write(contentsOf: try encoder.encode(line) + [Self.newline])
    }

    /// The complete lines of a log.
    package static func lines<Line: Decodable>(_ type: Line.Type, of url: URL) throws -> [Line] {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return try Data(contentsOf: url).split(separator: newline).compactMap { try? decoder.decode(type, from: $0) }
    }
}
