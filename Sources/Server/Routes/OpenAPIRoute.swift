import Foundation
import HTTP

/// `GET /openapi.json`: the description of every route, put together from one file per resource in `OpenAPI/`.
///
///     document.json    info, security, and the components that all share
///     <resource>.json  {"paths": {…}, "schemas": {…}}
enum OpenAPIRoute {
    static func add(to router: inout Router) throws {
        let document = try document()
        router.get("/openapi.json", scope: .ask) { _ in .json(document) }
    }

    /// - Throws: When a file is missing, is not JSON, or describes what another one does.
    static func document() throws -> Data {
        let folder = Bundle.module.bundleURL.appendingPathComponent("OpenAPI", isDirectory: true)
        var document = try object(folder.appendingPathComponent("document.json"))
        var components = document["components"] as? [String: Any] ?? [:]
        var paths: [String: Any] = [:]
        var schemas = components["schemas"] as? [String: Any] ?? [:]
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        for file in files where file.pathExtension == "json" && file.lastPathComponent != "document.json" {
            let part = try object(file)
            try merge(part["paths"], into: &paths, file)
            try merge(part["schemas"], into: &schemas, file)
        }
        components["schemas"] = schemas
        document["components"] = components
        document["paths"] = paths
        return try JSONSerialization.data(withJSONObject: document, options: [.sortedKeys, .withoutEscapingSlashes])
    }

    private static func object(_ file: URL) throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
        guard let object = value as? [String: Any] else { throw OpenAPIError(description: "\(file.lastPathComponent) is not an object") }
        return object
    }

    private static func merge(_ part: Any?, into whole: inout [String: Any], _ file: URL) throws {
        for (name, value) in part as? [String: Any] ?? [:] {
            guard whole.updateValue(value, forKey: name) == nil else {
                throw OpenAPIError(description: "\(file.lastPathComponent) describes \(name), which another file does already")
            }
        }
    }

    private struct OpenAPIError: Error, CustomStringConvertible { let description: String }
}
