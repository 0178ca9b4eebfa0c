import Foundation
import Hashing

/// What tells two adapters apart that come under one name: the digest of their configuration and tensors.
enum AdapterDigest {
    /// Twelve hexadecimal digits.
    static func short(_ directory: URL) throws -> String {
        var hash = SHA256()
        for file in ["adapter_config.json", "adapter_model.safetensors"] {
            let url = directory.appendingPathComponent(file)
            // Missing files are named by whoever reads the adapter.
            guard let data = try? Data(contentsOf: url, options: .alwaysMapped) else { continue }
            hash.update(data)
        }
        return String(hash.finish().prefix(12))
    }
}
