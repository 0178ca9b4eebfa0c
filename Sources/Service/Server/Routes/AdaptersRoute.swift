import API
import Foundation
import HTTP
import Workers
import Workshop

/// `POST /v1/load_lora_adapter`, `POST /v1/unload_lora_adapter`: vLLM's calls, which answer in words.
enum AdaptersRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        let folder = AdapterFolder(server.configuration.adapterFolder)
        router.post("/v1/load_lora_adapter", scope: .train, bodyLimit: 64 << 10) { request in
            try await refusing {
                let wanted = try WireDecoder.decode(LoadAdapterRequest.self, from: Data(request.body))
                let runtime = try server.runtime
                try await runtime.queues.versions.run { try folder.load(wanted.loraPath, name: wanted.loraName, into: runtime) }
                return .text("Loading was a success: the adapter \(wanted.loraName) answers from now on.\n")
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
}
