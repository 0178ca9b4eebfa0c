import Files
package import Foundation

/// The embedded default model: a Hugging Face directory that travels inside the program.
package enum CordNano {
    /// The directory with `config.json`, `model.safetensors` and the tokenizer.
    package static var directory: URL {
        ProgramFolder.resources(of: "CordNano").appendingPathComponent("Checkpoint", isDirectory: true)
    }

    /// The name of the model with ``closedAdapter``.
    package static let closedName = "cord-nano-cord"

    /// A PEFT directory: what CORD learnt over the model, from its own typed answers.
    package static var closedAdapter: URL {
        ProgramFolder.resources(of: "CordNano").appendingPathComponent("Adapter", isDirectory: true)
    }
}
