import API
import Archives
import Files
import Foundation

/// Bytes of a file for a running server, or of a folder as a tar archive.
struct LocalFile {
    let bytes: Data
    /// The file's; a folder's with `.tar`.
    let filename: String

    /// - Parameter subfolders: Of a folder, whether those in it come along.
    /// - Throws: `FileError` where there is nothing to read, `ArchiveError`.
    init(_ path: String, subfolders: Bool = true) throws {
        let place = URL(fileURLWithPath: path).standardizedFileURL
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: place.path, isDirectory: &isFolder), isFolder.boolValue else {
            (bytes, filename) = (try Data(reading: place), place.lastPathComponent)
            return
        }
        let archive = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).tar")
        defer { try? FileManager.default.removeItem(at: archive) }
        try ArchiveWriter.tar(place, under: place.lastPathComponent, to: archive, subfolders: subfolders)
        (bytes, filename) = (try Data(reading: archive), place.lastPathComponent + ".tar")
    }

    /// A form with fields and the file, as `multipart/form-data`.
    func form(_ fields: [String: String]) -> (body: Data, type: String) {
        let boundary = "cord-\(UUID().uuidString)"
        var body = Data()
        for (field, value) in fields {
            body += Data("--\(boundary)\r\nContent-Disposition: form-data; name=\"\(field)\"\r\n\r\n\(value)\r\n".utf8)
        }
        let plain = filename.replacingOccurrences(of: "\"", with: "_")
        body += Data("--\(boundary)\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\(plain)\"\r\n\r\n".utf8)
        body += bytes + Data("\r\n--\(boundary)--\r\n".utf8)
        return (body, "multipart/form-data; boundary=\(boundary)")
    }

    /// Sends the file, lets `use` work with it, and takes it back where that fails.
    ///
    /// - Throws: the server's own words, or what `use` throws.
    func send<Value>(to server: RunningServer, purpose: String, use: (FileObject) async throws -> Value) async throws -> Value {
        let form = form(["purpose": purpose])
        let file = try WireDecoder.response(FileObject.self, from: try await server.bytes("POST", "/v1/files", body: form.body, type: form.type))
        do { return try await use(file) } catch {
            // A key for measuring alone may not delete.
            _ = try? await server.bytes("DELETE", "/v1/files/\(file.id)")
            throw error
        }
    }
}
