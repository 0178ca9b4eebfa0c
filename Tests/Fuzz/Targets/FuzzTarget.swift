package import Foundation
import TestSupport

/// A parser that strangers reach, as libFuzzer calls it: any bytes give a value or an error of the parser's own.
///
///     bytes → run     a trap, a hang or memory without bound is a finding; errors are answers
///
/// Another parser: a file beside this one with its `FuzzTarget`, a line in `all`, seeds from Tests/Fixtures.
package struct FuzzTarget: Sendable {
    package let name: String
    /// Where the mutations begin.
    package let seeds: @Sendable () throws -> [Data]
    package let run: @Sendable (Data) -> Void

    package static let all: [FuzzTarget] = [
        .audio, .requests, .safetensors, .gguf, .archives, .adapterConfigurations, .modelConfigurations, .tokenizers, .templates,
        .manifests,
        .reports, .forms, .heads, .grammars, .schemas,
    ]

    /// What a run once ended in, and must not again.
    package var findings: [Data] {
        let folder = fixtures.appending(path: "fuzz/\(name)")
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return files.sorted { $0.path < $1.path }.compactMap { try? Data(contentsOf: $0) }
    }

    /// Files below Tests/Fixtures with these endings, short ones, which mutate faster.
    static func files(_ folder: String, _ endings: Set<String>, upTo bytes: Int = 64 << 10) throws -> [Data] {
        let place = fixtures.appending(path: folder)
        return try FileManager.default.subpathsOfDirectory(atPath: place.path).sorted().compactMap { path in
            guard endings.contains(URL(fileURLWithPath: path).pathExtension) else { return nil }
            let data = try Data(contentsOf: place.appending(path: path))
            return data.count <= bytes ? data : nil
        }
    }
}

/// A folder of this process for parsers that read files.
final class ScratchFolder: Sendable {
    let url: URL

    init(_ name: String) throws {
        url = FileManager.default.temporaryDirectory.appending(path: "cord-fuzz-\(name)-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func file(_ name: String, _ data: Data) throws -> URL {
        let file = url.appending(path: name)
        try data.write(to: file)
        return file
    }
}
