import API
import Foundation
import HTTP
import Jobs
import Workers
import Workshop

/// `/v1/files`: uploads, through OpenAI's calls.
///
/// Question sets and training data are uploaded in the same way. A key that may only measure can upload and read the former. Files of the purpose
/// "fine-tune", the results of jobs, and deletion need a key that may train.
enum FilesRoute {
    private static let training = "fine-tune"
    /// Results of jobs are training data too.
    private static let results = FineTuning.resultPurpose
    private static let purposes = [training, "evals", "user_data", Batches.inputPurpose]

    static func add(to router: inout Router, _ server: ServerState) {
        router.post("/v1/files", scope: [.measure, .train], bodyLimit: server.configuration.uploadBytes, spools: true) { request in
            try await refusing {
                let form = try Form(request)
                guard let purpose = form["purpose"] else {
                    throw HTTPError(
                        400, "purpose: expected \(list(purposes)); found nothing.", parameter: "purpose", code: "missing_required_parameter")
                }
                guard purposes.contains(purpose) else {
                    throw HTTPError(400, "purpose: expected \(list(purposes)); found \"\(purpose)\".", parameter: "purpose", code: "invalid_value")
                }
                try admit(purpose, request)
                guard let file = form.file("file"), form.files.count == 1 else {
                    throw HTTPError(400, "file: expected one file; found \(form.files.count).", parameter: "file", code: "missing_required_parameter")
                }
                guard !file.bytes.isEmpty else {
                    throw HTTPError(400, "file: expected bytes; found an empty file.", parameter: "file", code: "invalid_value")
                }
                let expiry = try WireDecoder.decode(FileExpiry.self, form: form.fields.items)
                let workshop = try server.workshop
                try workshop.removeExpiredFiles()
                let store = workshop.store
                let record = try await server.runtime.queues.uploads.run { cancellation in
                    let content = try store.contents.store(file.bytes, checking: cancellation.check)
                    return try store.addFile(
                        purpose: purpose, filename: name(file.filename), content: content, lifetime: expiry.seconds)
                }
                return .json(try WireEncoder.encode(FileObject(record)))
            }
        }
        router.get("/v1/files", scope: [.measure, .train]) { request in
            try await refusing {
                let query = try WireDecoder.decode(FilePageQuery.self, form: request.query.items)
                // The list of all purposes includes training data.
                try admit(query.purpose ?? training, request)
                let page = try server.workshop.store.files(
                    purpose: query.purpose, after: query.page.after, limit: query.page.limit,
                    ascending: query.page.order == .ascending)
                return .json(try WireEncoder.encode(ListObject(page.elements.map { FileObject($0) }, hasMore: page.hasMore)))
            }
        }
        router.get("/v1/files/{id}", scope: [.measure, .train]) { request in
            try await refusing {
                let file = try server.workshop.store.file(id: request.parameter("id"))
                try admit(file.purpose, request)
                return .json(try WireEncoder.encode(FileObject(file)))
            }
        }
        router.get("/v1/files/{id}/content", scope: [.measure, .train]) { request in
            try await refusing {
                let store = try server.workshop.store
                let record = try store.file(id: request.parameter("id"))
                try admit(record.purpose, request)
                // The whole file is checked against its hash before the first byte is sent.
                let file = try await server.runtime.queues.versions.run {
                    try FileHandle(forReadingFrom: store.contents.verified(record.sha256, as: "the file \(record.id)"))
                }
                return .stream(contentType: "application/octet-stream") { try await send(file, to: $0) }
            }
        }
        router.delete("/v1/files/{id}", scope: .train) { request in
            try await refusing {
                let id = request.parameter("id")
                try server.workshop.deleteFile(id)
                return .json(try WireEncoder.encode(DeletedObject(id: id, object: "file")))
            }
        }
    }

    /// - Throws: 403 if the key may not use files of the purpose.
    static func admit(_ purpose: String, _ request: Request) throws(HTTPError) {
        guard purpose == training || purpose == results, !request.scopes.contains(.train) else { return }
        throw .insufficientScope(
            "Files of the purpose \"\(purpose)\" need a key for train. This one brings and reads the others: name a purpose, "
                + "such as \"evals\".")
    }

    /// The last component of the client's file name. It is displayed and never used as a path.
    private static func name(_ given: String) -> String {
        let last = given.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? "upload"
        return String(last.unicodeScalars.filter { $0.value >= 32 }.prefix(255).map(Character.init))
    }

    private static func list(_ values: [String]) -> String { values.map { "\"\($0)\"" }.joined(separator: ", ") }
}

extension FileObject {
    init(_ record: FileRecord) {
        self.init(
            id: record.id, bytes: record.bytes, createdAt: Int(record.createdAt.timeIntervalSince1970), filename: record.filename,
            purpose: record.purpose, status: record.status, expiresAt: record.expiresAt.map { Int($0.timeIntervalSince1970) },
            statusDetails: record.statusDetails, sha256: record.sha256)
    }
}
