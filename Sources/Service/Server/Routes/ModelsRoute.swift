import API
import Foundation
import Generation
import HTTP
import Jobs
import Models
import Workshop

/// `GET /v1/models`, `GET` and `DELETE /v1/models/{id}`: the base, the adapters and the tuned versions over it.
enum ModelsRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        router.get("/v1/models", scope: .all) { _ in
            try await refusing {
                let runtime = try server.runtime
                let tuned = try (try? server.workshop)?.versions.tuned() ?? []
                let models = runtime.versions.entries.map { object($0, runtime) } + tuned.map { object($0, runtime) }
                return .json(try WireEncoder.encode(ListObject(models)))
            }
        }
        router.get("/v1/models/{id}", scope: .all) { request in
            try await refusing {
                let runtime = try server.runtime
                return .json(try WireEncoder.encode(object(try runtime.versions.entry(request.parameter("id")), runtime)))
            }
        }
        router.delete("/v1/models/{id}", scope: .train) { request in
            try await refusing {
                let name = request.parameter("id")
                try server.workshop.deleteModel(name)
                return .json(try WireEncoder.encode(DeletedObject(id: name, object: "model")))
            }
        }
    }

    private static func object(_ entry: VersionRegistry.Entry, _ runtime: Runtime) -> ModelObject {
        ModelObject(
            id: entry.name, created: entry.created, root: entry.root,
            parent: entry.version == nil || entry.name == runtime.versions.baseName ? nil : runtime.versions.baseName,
            maxModelLen: runtime.model.model.contextLength, dtype: runtime.model.dtype, weightVersion: entry.versionID,
            family: family(runtime.model))
    }

    private static func object(_ record: WeightVersionRecord, _ runtime: Runtime) -> ModelObject {
        ModelObject(
            id: record.name, created: Int(record.createdAt.timeIntervalSince1970), root: record.base, parent: record.base,
            maxModelLen: runtime.model.model.contextLength, dtype: runtime.model.dtype, weightVersion: record.id,
            family: family(runtime.model))
    }

    private static func family(_ model: LoadedModel) -> ModelFamilyObject {
        let family = model.model.family
        return ModelFamilyObject(
            name: model.model.type, longestClipSeconds: model.windowSeconds,
            audioTokensPerSecond: model.model.audio == nil ? 0 : 1 / model.secondsPerAudioToken, licence: family.licence,
            heldAgainst: family.reference)
    }
}
