package import Foundation

/// The embedded default model: a Hugging Face directory in the Qwen2-Audio layout that travels inside the program.
package enum CordNano {
    /// The directory with `config.json`, `model.safetensors` and the tokenizer.
    package static var directory: URL {
        Bundle.module.bundleURL.appendingPathComponent("Checkpoint", isDirectory: true)
    }
}
