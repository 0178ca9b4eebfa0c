import Archives
import Foundation
import Models
import Tensors
import TestSupport
import Weights

extension FuzzTarget {
    /// Headers and data of a safetensors file.
    static let safetensors = FuzzTarget(
        name: "safetensors", seeds: { try files("weights", ["safetensors"], upTo: 32 << 10) },
        run: { data in
            guard let scratch = try? ScratchFolder("safetensors"), let file = try? scratch.file("a.safetensors", data),
                let tensors = try? Safetensors(file)
            else { return }
            for tensor in tensors.tensors.values { _ = try? tensor.floats() }
        })

    /// A GGUF file's header, and every element of its tensors.
    static let gguf = FuzzTarget(
        name: "gguf", seeds: { try files("gguf", ["gguf"], upTo: 32 << 10) },
        run: { data in
            guard let scratch = try? ScratchFolder("gguf"), let file = try? scratch.file("a-00001-of-00002.gguf", data),
                let model = try? GGUF(file)
            else { return }
            for tensor in model.tensors.values {
                _ = try? tensor.requireFinite()
                _ = try? tensor.floats()
            }
        })

    /// An uploaded archive: unpacked within its bounds, and read as an adapter where it holds one.
    static let archives = FuzzTarget(
        name: "archives",
        seeds: {
            let scratch = try ScratchFolder("seeds")
            let archive = scratch.url.appending(path: "a.tar.gz")
            return try ["list", "regex-4"].map { name in
                try ArchiveWriter.tar(fixtures.appending(path: "weights/\(name)"), under: name, to: archive)
                return try Data(contentsOf: archive)
            }
        },
        run: { data in
            guard let scratch = try? ScratchFolder("archive"), let file = try? scratch.file("a.archive", data) else { return }
            let folder = scratch.url.appending(path: "unpacked")
            try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            var reader = ArchiveReader()
            reader.maximumBytes = 1 << 20
            reader.maximumEntries = 64
            guard let paths = try? reader.unpack(file, into: folder) else { return }
            for path in paths where path.hasSuffix("adapter_config.json") {
                _ = try? PEFTAdapter(directory: folder.appending(path: path).deletingLastPathComponent(), names: Family.qwen2Audio.names)
            }
        })

    /// `adapter_config.json` beside factors that fit the original.
    static let adapterConfigurations = FuzzTarget(
        name: "adapter-configurations", seeds: { try files("weights", ["json"]) },
        run: { data in
            guard let scratch = try? ScratchFolder("adapter"), (try? scratch.file("adapter_config.json", data)) != nil else {
                return
            }
            let factors = fixtures.appending(path: "weights/list/adapter_model.safetensors")
            try? FileManager.default.createSymbolicLink(
                at: scratch.url.appending(path: "adapter_model.safetensors"), withDestinationURL: factors)
            _ = try? PEFTAdapter(directory: scratch.url, names: Family.qwen2Audio.names)
        })
}
