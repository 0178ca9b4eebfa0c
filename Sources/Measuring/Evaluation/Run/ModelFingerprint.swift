package import Foundation
package import Generation
import Hashing
package import Models
import Synchronization
import Tensors
import Tokenization

/// Digests that show whether two machines asked the same model with the same prompts.
package enum ModelFingerprint {
    private static let known = Mutex<[String: String]>([:])

    /// SHA-256 over name and digest of every configuration, tokenizer and weight file of a model directory, sorted by name. Gigabytes are read
    /// once: a directory whose files have the same sizes and dates is not read again.
    package static func directory(_ folder: URL) throws -> String { try files(contents(of: folder)) }

    private static func contents(of folder: URL) throws -> [URL] {
        let wanted: Set = ["json", "jinja", "safetensors", "txt", "model"]
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        return names.filter { wanted.contains(($0 as NSString).pathExtension) }.sorted().map { folder.appending(path: $0) }
    }

    /// The digest over a model's directory and its parts, or over its GGUF files.
    package static func model(_ model: LoadedModel) throws -> String {
        guard model.files.isEmpty else { return try files(model.files.map(\.url)) }
        return try files(([model.directory] + model.parts).flatMap(contents))
    }

    private static func files(_ files: [URL]) throws -> String {
        let key = try files.map { file in
            // The files of published directories may be links into a cache of blobs.
            let attributes = try FileManager.default.attributesOfItem(atPath: file.resolvingSymlinksInPath().path)
            let date = (attributes[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
            return "\n\(file.path) \(attributes[.size] as? Int ?? 0) \(date)"
        }.joined()
        if let digest = known.withLock({ $0[key] }) { return digest }
        var digest = SHA256()
        for file in files { digest.update("\(try SHA256.hex(contentsOf: file)) \(file.lastPathComponent)\n") }
        let hex = digest.finish()
        known.withLock { $0[key] = hex }
        return hex
    }

    /// SHA-256 over every tensor of a version: the parameter's number, shape, scale and values in memory order.
    package static func version(_ version: WeightVersion) -> String {
        var digest = SHA256()
        // The digest is a parameter because unoptimised builds refuse to consume a captured noncopyable value.
        func add(_ tensor: Tensor, to digest: inout SHA256) {
            digest.update("\(tensor.shape)\n")
            unsafe digest.update(Data(bytes: tensor.pointer, count: tensor.count * MemoryLayout<Float>.size))
        }
        for (place, adapter) in version.adapters.sorted(by: { $0.key < $1.key }) {
            digest.update("adapter \(place) \(adapter.scale)\n")
            add(adapter.a, to: &digest)
            add(adapter.b, to: &digest)
        }
        for (place, tensor) in version.replacements.sorted(by: { $0.key < $1.key }) {
            digest.update("replacement \(place)\n")
            add(tensor, to: &digest)
        }
        return digest.finish()
    }

    /// SHA-256 over the chat format's prompts for a typed, a spoken and an empty question: the words around every item.
    package static func template(_ model: LoadedModel) throws -> String {
        var digest = SHA256()
        for parts in [[TemplateMessage.Part.text("question")], [.audio], []] {
            let pieces = try model.chat.render([TemplateMessage(role: "user", parts: parts)])
            digest.update(pieces.map(\.text).joined() + "\0")
        }
        return digest.finish()
    }
}

/// The machine that answered, for the reproducibility block.
package enum AnsweringMachine {
    package static let description: String = {
        let cpu = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n")
            .first { $0.hasPrefix("model name") }?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces)
        let release = (try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8))?
            .trimmingCharacters(in: .whitespacesAndNewlines)
        return [
            cpu ?? "unknown CPU", "\(Threads.count) threads", "\(Threads.kernels) kernels", "OpenBLAS \(BLAS.coreName)",
            "Linux \(release ?? "unknown")",
        ].joined(separator: ", ")
    }()
}
