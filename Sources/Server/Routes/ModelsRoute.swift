import API
import Generation
import HTTP
import Models

/// `GET /v1/models`, `GET /v1/models/{id}`: the base and the weight versions over it.
enum ModelsRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        router.get("/v1/models", scope: .ask) { _ in
            let runtime = try server.runtime
            return .json(try WireEncoder.encode(ListObject(runtime.versions.entries.map { object($0, runtime) })))
        }
        router.get("/v1/models/{id}", scope: .ask) { request in
            let runtime = try server.runtime
            return .json(try WireEncoder.encode(object(try runtime.versions.entry(request.parameter("id")), runtime)))
        }
    }

    private static func object(_ entry: VersionRegistry.Entry, _ runtime: Runtime) -> ModelObject {
        ModelObject(
            id: entry.name, created: entry.created, root: entry.root,
            parent: entry.version == nil ? nil : runtime.versions.baseName,
            maxModelLen: runtime.model.model.contextLength, weightVersion: entry.versionID)
    }
}
