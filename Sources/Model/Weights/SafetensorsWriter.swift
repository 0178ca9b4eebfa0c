package import Foundation
import JSON
package import Tensors

/// Writes safetensors files: the largest element types first, so that every tensor is aligned, by name within a type.
///
/// The file appears whole or not at all (``AtomicFile``), so readers that have mapped the old one keep it.
package enum SafetensorsWriter {
    /// A tensor to store under a name.
    package struct Item {
        enum Content {
            case tensor(Tensor, as: StoredFormat)
            case copy(StoredTensor)
        }

        let name: String
        let shape: [Int]
        let content: Content

        /// `tensor` under any shape of as many elements; its own, [rows, columns], without one.
        package static func float32(_ name: String, _ tensor: Tensor, shape: [Int]? = nil) -> Item {
            Item(name: name, shape: checked(shape, tensor), content: .tensor(tensor, as: .float32))
        }

        /// The same, rounded to nearest even.
        package static func bfloat16(_ name: String, _ tensor: Tensor, shape: [Int]? = nil) -> Item {
            Item(name: name, shape: checked(shape, tensor), content: .tensor(tensor, as: .bfloat16))
        }

        /// The bytes of a tensor of another file, under another name perhaps.
        package static func copy(_ name: String, _ tensor: StoredTensor) -> Item {
            Item(name: name, shape: tensor.shape, content: .copy(tensor))
        }

        private static func checked(_ shape: [Int]?, _ tensor: Tensor) -> [Int] {
            let shape = shape ?? [tensor.rows, tensor.columns]
            precondition(shape.reduce(1, *) == tensor.count, "shape \(shape) for a tensor \(tensor.shape)")
            return shape
        }

        var dtype: DType {
            switch content {
            case .tensor(_, let format): DType(format)
            case .copy(let tensor): tensor.dtype
            }
        }

        var byteCount: Int { shape.reduce(1, *) / dtype.blockElements * dtype.blockBytes }
    }

    package static func write(_ items: [Item], metadata: [String: String] = [:], to url: URL) throws(FileWriteError) {
        let items = items.sorted { ($1.dtype.blockBytes, $0.name) < ($0.dtype.blockBytes, $1.name) }
        var header = JSONObject()
        if !metadata.isEmpty {
            var entries = JSONObject()
            for (key, value) in metadata.sorted(by: { $0.key < $1.key }) { entries[key] = .string(value) }
            header["__metadata__"] = .object(entries)
        }
        var offset = 0
        for item in items {
            guard header[item.name] == nil, item.name != "__metadata__" else {
                throw FileWriteError(path: url.path, reason: "two tensors are named \(item.name)")
            }
            header[item.name] = .object([
                "dtype": .string(item.dtype.name), "shape": .array(item.shape.map { .integer($0) }),
                "data_offsets": .array([.integer(offset), .integer(offset + item.byteCount)]),
            ])
            offset += item.byteCount
        }
        var text = JSONValue.object(header).text
        text += String(repeating: " ", count: (8 - text.utf8.count % 8) % 8)

        var file = try AtomicFile(path: url.path, byteCount: 8 + text.utf8.count + offset)
        let length = [UInt64(text.utf8.count).littleEndian]
        try unsafe file.write(length.span.bytes)
        try file.write(text)
        for item in items { try write(item, into: &file) }
        try file.commit()
    }

    private static func write(_ item: Item, into file: inout AtomicFile) throws(FileWriteError) {
        switch item.content {
        case .tensor(let tensor, let format):
            guard tensor.count > 0 else { return }
            try withExtendedLifetime(StoredMatrix(tensor).converted(to: format)) { (stored) throws(FileWriteError) in
                try unsafe file.write(RawSpan(_unsafeBytes: stored.storedFloats))
            }
        case .copy(let tensor):
            try unsafe file.write(RawSpan(_unsafeBytes: tensor.bytes))
        }
    }
}
