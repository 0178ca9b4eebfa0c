import API
import Archives
import Files
import Foundation
import Server

/// What a running server is brought: a file as it is, or a folder as a tar archive.
struct MultipartUpload {
    let name: String
    private let bytes: Data

    init(named name: String, _ bytes: Data) { (self.name, self.bytes) = (name, bytes) }

    /// - Throws: `FileError` or `ArchiveError`, where it cannot be read.
    init(_ path: String) throws {
        let place = URL(fileURLWithPath: path).standardizedFileURL
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: place.path, isDirectory: &isFolder), isFolder.boolValue else {
            name = place.lastPathComponent
            bytes = try Data(reading: place, options: .alwaysMapped)
            return
        }
        if let error = FileError(folder: place) { throw error }
        let archive = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).tar")
        Leftovers.add(archive.path)
        defer {
            try? FileManager.default.removeItem(at: archive)
            Leftovers.remove(archive.path)
        }
        try ArchiveWriter.tar(place, under: place.lastPathComponent, to: archive, isDeep: true)
        name = place.lastPathComponent + ".tar"
        // The mapping outlives the file's name.
        bytes = try Data(reading: archive, options: .alwaysMapped)
    }

    /// The fields and the file as `multipart/form-data`.
    func form(_ fields: [String: String]) -> (body: Data, type: String) {
        let boundary = "cord-\(UUID().uuidString)"
        var body = Data()
        for (field, value) in fields {
            body += Data("--\(boundary)\r\nContent-Disposition: form-data; name=\"\(field)\"\r\n\r\n\(value)\r\n".utf8)
        }
        let plain = String(name.map { $0 == "\"" || $0.isNewline ? "_" : $0 })
        body += Data("--\(boundary)\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\(plain)\"\r\n\r\n".utf8)
        body += bytes + Data("\r\n--\(boundary)--\r\n".utf8)
        return (body, "multipart/form-data; boundary=\(boundary)")
    }
}

extension RunningServer {
    /// Brings a file, which is there for `use`: where that throws, the server is asked to delete it.
    func with<Value>(_ upload: MultipartUpload, purpose: String, use: (FileObject) async throws -> Value) async throws -> Value {
        let form = upload.form(["purpose": purpose])
        let file = try WireDecoder.response(
            FileObject.self, from: try await bytes("POST", "/v1/files", body: form.body, type: form.type))
        do { return try await use(file) } catch {
            // A key that only measures may not delete.
            _ = try? await bytes("DELETE", "/v1/files/\(file.id)")
            throw error
        }
    }
}
