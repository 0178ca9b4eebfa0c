package import Foundation

extension GapReport {
    /// The report as JSON, keys sorted, so that equal reports are equal bytes.
    package func json() throws -> Data { try Self.encoder.encode(self) }

    package init(json: Data) throws { self = try JSONDecoder().decode(GapReport.self, from: json) }

    static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}

extension GapComparison {
    package func json() throws -> Data { try GapReport.encoder.encode(self) }
}
