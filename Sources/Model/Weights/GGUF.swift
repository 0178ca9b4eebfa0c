package import Foundation

/// A GGUF model, mapped into memory: its metadata, and its tensors by name, which keep the mapping alive.
///
/// A model in several files has the metadata of the first file and the tensors of all.
package struct GGUF: Sendable {
    package let path: String
    /// Its files in the order of their numbers, each with its bytes.
    package let files: [(url: URL, byteCount: Int)]
    package let metadata: [String: GGUFValue]
    package let tensors: [String: StoredTensor]

    /// Maps the file and checks its header whole; a file that opens has no tensor out of bounds, overlapping or misaligned. `url` names
    /// any one of a model's files.
    package init(_ url: URL) throws(GGUFError) {
        let named = try File(url)
        let parts = try Self.integer("split.count", in: named) ?? 1
        guard parts > 1 else {
            (path, files, metadata, tensors) = (url.path, [(url, named.byteCount)], named.metadata, named.tensors)
            return
        }
        var first: File?
        var files: [(url: URL, byteCount: Int)] = []
        var all: [String: StoredTensor] = [:]
        for part in 0..<parts {
            let partURL = try Self.part(part, of: parts, beside: url)
            guard FileManager.default.fileExists(atPath: partURL.path) else {
                throw GGUFError(path: url.path, problem: .missingSplit(file: partURL.lastPathComponent))
            }
            // The named file is mapped already.
            let file = partURL.path == url.path ? named : try File(partURL)
            let number = try Self.integer("split.no", in: file) ?? 0, count = try Self.integer("split.count", in: file) ?? 1
            guard number == part, count == parts else {
                let problem = GGUFError.Problem.wrongSplit(expected: "part \(part) of \(parts)", found: "part \(number) of \(count)")
                throw GGUFError(path: partURL.path, problem: problem)
            }
            for (name, tensor) in file.tensors where all.updateValue(tensor, forKey: name) != nil {
                throw GGUFError(path: partURL.path, problem: .twice(what: "tensor " + name))
            }
            first = first ?? file
            files.append((partURL, file.byteCount))
        }
        let counted = try Self.integer("split.tensors.count", in: named)
        if let counted, counted != all.count {
            throw GGUFError(path: url.path, problem: .wrongSplit(expected: "\(counted) tensors in all files", found: "\(all.count)"))
        }
        (path, self.files, metadata, tensors) = (url.path, files, first?.metadata ?? [:], all)
    }

    /// One file of a model.
    private struct File {
        let path: String
        let byteCount: Int
        let metadata: [String: GGUFValue]
        let tensors: [String: StoredTensor]

        init(_ url: URL) throws(GGUFError) {
            path = url.path
            do {
                let file = try MappedFile(path: url.path)
                let header = try unsafe GGUFHeader(file.bytes)
                var tensors: [String: StoredTensor] = [:]
                for (name, entry) in header.entries {
                    let range = header.dataOffset + entry.range.lowerBound..<header.dataOffset + entry.range.upperBound
                    tensors[name] = unsafe StoredTensor(
                        name: name, dtype: entry.dtype, shape: entry.shape,
                        bytes: UnsafeRawBufferPointer(rebasing: file.bytes[range]), owner: file)
                }
                byteCount = file.byteCount
                metadata = header.metadata
                self.tensors = tensors
            } catch let error as MappingError {
                throw GGUFError(path: url.path, problem: .unreadable(reason: error.reason))
            } catch let problem as GGUFError.Problem {
                throw GGUFError(path: url.path, problem: problem)
            } catch {
                throw GGUFError(path: url.path, problem: .unreadable(reason: "\(error)"))
            }
        }
    }

    private static func integer(_ key: String, in file: File) throws(GGUFError) -> Int? {
        guard let value = file.metadata[key] else { return nil }
        guard let number = value.integer, (0...99_999).contains(number) else {
            throw GGUFError(path: file.path, problem: .wrongMetadata(key: key, expected: "an integer from 0 to 99999", found: "\(value)"))
        }
        return number
    }

    /// The name of part `part`, counted from 0: `NAME-00001-of-00003.gguf`.
    private static func part(_ part: Int, of parts: Int, beside url: URL) throws(GGUFError) -> URL {
        func digits(_ number: Int) -> String { String(String(100_000 + number).dropFirst()) }
        let name = url.lastPathComponent, ending = "-of-\(digits(parts)).gguf"
        guard name.hasSuffix(ending), name.dropLast(ending.count).suffix(6).hasPrefix("-") else {
            throw GGUFError(path: url.path, problem: .splitName(name))
        }
        return url.deletingLastPathComponent().appending(path: name.dropLast(ending.count + 5) + digits(part + 1) + ending)
    }
}
