import API
import Foundation
import Generation
import HTTP
import Workers

/// `POST /v1/load_lora_adapter`, `POST /v1/unload_lora_adapter`: vLLM's calls, which answer in words.
enum AdaptersRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        router.post("/v1/load_lora_adapter", scope: .train, bodyLimit: 64 << 10) { request in
            try await refusing {
                let wanted = try WireDecoder.decode(LoadAdapterRequest.self, from: Data(request.body))
                let runtime = try server.runtime
                let folder = server.configuration.adapterFolder
                let name = wanted.loraName
                try await runtime.queues.versions.run {
                    let directory = try place(wanted.loraPath, in: folder)
                    try runtime.versions.checkIsFree(name)
                    do {
                        try runtime.loadAdapter(directory, name: name)
                    } catch let error as HTTPError {
                        throw error
                    } catch {
                        let reason = "\(error)".replacing(directory.path, with: wanted.loraPath)
                        throw HTTPError(
                            400, "The adapter in \(wanted.loraPath) does not fit \(runtime.model.name): \(reason).",
                            parameter: "lora_path", code: "invalid_adapter")
                    }
                }
                return .text("Loading was a success: the adapter \(name) answers from now on.\n")
            }
        }
        router.post("/v1/unload_lora_adapter", scope: .train, bodyLimit: 64 << 10) { request in
            try await refusing {
                let wanted = try WireDecoder.decode(UnloadAdapterRequest.self, from: Data(request.body))
                try server.runtime.unloadAdapter(wanted.loraName)
                return .text("Unloading was a success: the adapter \(wanted.loraName) is gone.\n")
            }
        }
    }

    /// The directory of a client's path, which may be relative to the operator's folder and must lie in it with all links
    /// followed.
    static func place(_ path: String, in folder: URL?) throws(HTTPError) -> URL {
        guard let folder else {
            throw HTTPError(
                403, "This server loads no adapters: its operator names no folder for them (--adapter-folder).",
                type: "permission_error", parameter: "lora_path", code: "adapters_disabled")
        }
        let root = folder.resolvingSymlinksInPath().standardizedFileURL
        guard !path.utf8.contains(0) else {
            throw HTTPError(400, "lora_path holds a zero byte.", parameter: "lora_path", code: "invalid_value")
        }
        let asked = path.hasPrefix("/") ? URL(fileURLWithPath: path) : root.appendingPathComponent(path)
        let directory = asked.standardizedFileURL.resolvingSymlinksInPath().standardizedFileURL
        guard directory.path == root.path || directory.path.hasPrefix(root.path + "/") else {
            throw HTTPError(
                403, "lora_path leads out of the folder from which adapters may be loaded.", type: "permission_error",
                parameter: "lora_path", code: "path_not_allowed")
        }
        var isDirectory: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: directory.path, isDirectory: &isDirectory), isDirectory.boolValue else {
            throw HTTPError(404, "There is no adapter directory at \(path).", parameter: "lora_path", code: "adapter_not_found")
        }
        return directory
    }
}
