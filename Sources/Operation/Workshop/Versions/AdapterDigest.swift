import Foundation
import Hashing

/// A digest of an adapter's configuration and tensors, which tells adapters with the same name apart.
enum AdapterDigest {
    /// Twelve hexadecimal digits.
    static func short(_ directory: URL) throws -> String {
        var hash = SHA256()
        for file in ["adapter_config.json", "adapter_model.safetensors"] {
            let url = directory.appendingPathComponent(file)
            // The reader of the adapter reports missing files.
            guard let data = try? Data(contentsOf: url, options: .alwaysMapped) else { continue }
            hash.update(data)
        }
        return String(hash.finish().prefix(12))
    }
}
