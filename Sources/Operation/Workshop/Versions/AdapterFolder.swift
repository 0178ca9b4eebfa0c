import Files
package import Foundation
import Generation

/// Loads adapters by a path inside the one folder that the operator allows.
package struct AdapterFolder: Sendable {
    private let folder: AllowedFolder?

    /// - Parameter folder: Nil allows no path.
    package init(_ folder: URL?) { self.folder = folder.map { AllowedFolder($0) } }

    /// Loads the adapter at `path` and serves it under `name`. Blocks.
    ///
    /// - Throws: ``WorkshopError``
    package func load(_ path: String, name: String, into runtime: Runtime) throws {
        let directory = try place(path)
        try runtime.versions.checkIsFree(name)
        do {
            try runtime.loadAdapter(directory, name: name)
        } catch let error as WorkshopError {
            throw error
        } catch {
            let reason = "\(error)".replacing(directory.path, with: path)
            throw WorkshopError(.unfitAdapter, "The adapter in \(path) does not fit \(runtime.model.name): \(reason).", at: "lora_path")
        }
    }

    private func place(_ path: String) throws(WorkshopError) -> URL {
        guard let folder else {
            throw WorkshopError(
                .adaptersDisabled, "This server loads no adapters: its operator names no folder for them (--adapter-folder).",
                at: "lora_path")
        }
        do { return try folder.place(path, .folder) } catch {
            throw switch error {
            case .zeroByte: WorkshopError(.invalidValue, "lora_path holds a zero byte.", at: "lora_path")
            case .outside, .link:
                WorkshopError(.pathNotAllowed, "lora_path leads out of the folder from which adapters may be loaded.", at: "lora_path")
            case .absent: WorkshopError(.noAdapterDirectory, "There is no adapter directory at \(path).", at: "lora_path")
            }
        }
    }
}
