package import Foundation

/// A safetensors file, mapped into memory: its tensors by name. They keep the mapping alive.
package struct Safetensors: Sendable {
    package let path: String
    package let tensors: [String: StoredTensor]
    package let metadata: [String: String]

    /// Maps the file and checks its header whole; a file that opens has no tensor out of bounds, overlapping or misaligned.
    package init(_ url: URL) throws(SafetensorsError) {
        let path = url.path
        let file: MappedFile
        do { file = try MappedFile(path: path) } catch { throw SafetensorsError(path: path, problem: .unreadable(reason: error.reason)) }
        guard file.byteCount >= 8 else { throw SafetensorsError(path: path, problem: .tooShort(bytes: file.byteCount)) }
        let claimed = UInt64(littleEndian: unsafe file.bytes.loadUnaligned(as: UInt64.self))
        guard claimed <= UInt64(SafetensorsHeader.byteLimit) else {
            throw SafetensorsError(
                path: path, problem: .headerTooLarge(bytes: claimed, limit: SafetensorsHeader.byteLimit))
        }
        let dataOffset = 8 + Int(claimed)
        guard dataOffset <= file.byteCount else {
            throw SafetensorsError(path: path, problem: .headerBeyondFile(bytes: Int(claimed), file: file.byteCount))
        }
        let header = try SafetensorsHeader(
            json: unsafe Array(file.bytes[8..<dataOffset]), dataOffset: dataOffset,
            dataCount: file.byteCount - dataOffset, path: path)
        var tensors: [String: StoredTensor] = [:]
        for (name, entry) in header.entries {
            let range = dataOffset + entry.range.lowerBound..<dataOffset + entry.range.upperBound
            tensors[name] = unsafe StoredTensor(
                name: name, dtype: entry.dtype, shape: entry.shape,
                bytes: UnsafeRawBufferPointer(rebasing: file.bytes[range]),
                owner: file)
        }
        self.path = path
        self.tensors = tensors
        metadata = header.metadata
    }
}
