import API
import Foundation
import HTTP
import Jobs
import Workers
import Workshop

/// `/v1/weights/versions…`: versions that training made or clients uploaded, which of them is in force, and their files.
enum WeightsRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        // Keys that ask or measure may name any version; only keys that train may delete one.
        router.get("/v1/weights/versions", scope: .all) { request in
            try await refusing {
                let query = try WireDecoder.decode(PageQuery.self, form: request.query.items)
                let workshop = try server.workshop
                let page = try workshop.store.versions(
                    after: query.after, limit: query.limit, ascending: query.order == .ascending)
                let current = try workshop.versions.current()
                let versions = try page.elements.map { try VersionObject($0, in: workshop.store, current: current) }
                return .json(try WireEncoder.encode(ListObject(versions, hasMore: page.hasMore)))
            }
        }
        router.post("/v1/weights/versions", scope: .train, bodyLimit: server.configuration.uploadBytes, spools: true) { request in
            try await refusing {
                let form = try Form(request)
                guard let file = form.file("file"), form.files.count == 1 else {
                    throw HTTPError(
                        400, "file: expected one archive; found \(form.files.count) files.", parameter: "file", code: "missing_required_parameter")
                }
                if let other = form.fields.items.first(where: { $0.name != "name" }) {
                    throw HTTPError(
                        400, "\(other.name): this server does not know it beside `file` and `name`.", parameter: other.name, code: "unknown_parameter"
                    )
                }
                let (workshop, name) = (try server.workshop, form["name"])
                let record = try await server.runtime.queues.uploads.run { try workshop.addVersion(file.bytes, name: name, cancellation: $0) }
                let version = try VersionObject(record, in: workshop.store, current: try workshop.versions.current())
                return .json(try WireEncoder.encode(version), status: 201)
            }
        }
        router.get("/v1/weights/versions/{id}", scope: .all) { request in
            try await refusing {
                let workshop = try server.workshop
                let record = try workshop.store.version(request.parameter("id"))
                let version = try VersionObject(record, in: workshop.store, current: try workshop.versions.current())
                return .json(try WireEncoder.encode(version))
            }
        }
        router.get("/v1/weights/versions/{id}/download", scope: .train) { request in
            try await refusing {
                let workshop = try server.workshop
                let record = try workshop.store.version(request.parameter("id"))
                return try await download(record, workshop, try server.runtime)
            }
        }
        router.post("/v1/weights/versions/{id}/promote", scope: .train, bodyLimit: 64 << 10) { request in
            try await refusing {
                let workshop = try server.workshop
                let promotion = try await server.runtime.queues.versions.run { try workshop.promote(request.parameter("id")) }
                return .json(try WireEncoder.encode(Promotion(promotion)))
            }
        }
        router.post("/v1/weights/rollback", scope: .train, bodyLimit: 64 << 10) { _ in
            try await refusing {
                let workshop = try server.workshop
                let promotion = try await server.runtime.queues.versions.run { try workshop.rollBack() }
                return .json(try WireEncoder.encode(Promotion(promotion)))
            }
        }
        router.delete("/v1/weights/versions/{id}", scope: .train) { request in
            try await refusing {
                let record = try server.workshop.deleteVersion(request.parameter("id"))
                return .json(try WireEncoder.encode(DeletedObject(id: record.id, object: "weights.version")))
            }
        }
    }

    /// The version's folder as a tar archive, packed beside the store and sent piece by piece.
    private static func download(_ record: WeightVersionRecord, _ workshop: Workshop, _ runtime: Runtime) async throws -> Response {
        let name = String(record.name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) ? $0 : "-" })
        let file = try await runtime.queues.versions.run { try workshop.packed(record, under: name, check: $0.check) }
        return .stream(
            contentType: "application/x-tar", headers: ["content-disposition": "attachment; filename=\"\(name).tar\""]
        ) { try await send(file, to: $0) }
    }
}

/// Sends a file piece by piece and closes it.
func send(_ file: FileHandle, to pipe: BytePipe) async throws {
    defer { try? file.close() }
    while let piece = try file.read(upToCount: 256 << 10), !piece.isEmpty { try await pipe.write(Array(piece)) }
}

extension VersionObject {
    init(_ record: WeightVersionRecord, in store: Store, current: String) throws {
        let metrics = (try? JSONDecoder().decode([String: WireValue].self, from: record.metrics)) ?? [:]
        guard let kind = WeightVersionKind(rawValue: record.kind) else {
            throw StoreError.corrupt(path: "versions", reason: "\(record.id) has the unknown kind \(record.kind)")
        }
        self.init(
            id: record.id, name: record.name, parent: record.parentID, kind: kind,
            createdAt: Int(record.createdAt.timeIntervalSince1970), hash: record.hash, promoted: record.id == current,
            step: record.step, bytes: record.bytes,
            metrics: metrics.compactMapValues { value in
                switch value {
                case .number(let number): number
                case .integer(let number): Double(number)
                default: nil
                }
            },
            reportIds: try store.reportIDs(version: record.id))
    }
}

extension Promotion {
    init(_ record: PromotionRecord) {
        self.init(
            weightVersion: record.versionID ?? "base", previous: record.previousVersionID ?? "base",
            createdAt: Int(record.createdAt.timeIntervalSince1970))
    }
}
