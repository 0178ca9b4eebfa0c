import Foundation

/// A folder that goes with its value.
final class TemporaryDirectory: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "weights-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func file(_ name: String, _ bytes: some Sequence<UInt8>) throws -> URL {
        let file = url.appending(path: name)
        try Data(bytes).write(to: file)
        return file
    }

    /// A safetensors file with this header and `dataCount` bytes of data; the header is padded to eight bytes where asked.
    func safetensors(
        _ header: String, dataCount: Int, name: String = "model.safetensors", padded: Bool = true
    ) throws -> URL {
        try file(name, safetensorsBytes(header, dataCount: dataCount, padded: padded))
    }

    var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: url.path).sorted()) ?? [] }
}

func safetensorsBytes(_ header: String, dataCount: Int, padded: Bool = true) -> [UInt8] {
    var text = Array(header.utf8)
    while padded && text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
    let length = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }
    return length + text + (0..<dataCount).map { UInt8(truncatingIfNeeded: $0) }
}
