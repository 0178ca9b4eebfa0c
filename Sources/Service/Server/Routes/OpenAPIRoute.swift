import Files
import Foundation
import HTTP
import JSON
import Objectives
import Workshop

/// `GET /openapi.json`: the description of every route, assembled from one file per resource in `OpenAPI/`.
///
///     document.json    info, security, and the components that all share
///     <resource>.json  {"paths": {…}, "schemas": {…}}
///
/// In these files, `"$training_methods"` stands for the names of ``Objective/Method`` and `$formats.USE` for ``RowFormat``'s text about a use. The
/// examples of bodies come from ``RowFormat``. ``FieldGlossary`` describes the members that the files leave undescribed.
enum OpenAPIRoute {
    static func add(to router: inout Router) throws {
        let path = "/openapi.json"
        let document = try document(router.routes.map { ($0.method, $0.pattern, $0.scope) } + [("GET", path, Scope.all)])
        router.get(path, scope: .all) { _ in .json(document) }
    }

    /// The `security` of each operation names the scopes that open it, of which a key needs one. The empty entry stands for servers without keys.
    ///
    /// - Throws: If a file is missing, is not JSON, or describes what another one describes.
    private static func document(_ routes: [(String, String, Scope?)]) throws -> Data {
        let folder = ProgramFolder.resources(of: "Server").appendingPathComponent("OpenAPI", isDirectory: true)
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
        for (method, pattern, scope) in routes {
            guard var item = paths[pattern] as? [String: Any], var operation = item[method.lowercased()] as? [String: Any] else {
                continue
            }
            let keys: [[String: [String]]] = (scope?.names ?? []).map { ["key": [$0]] }
            operation["security"] = scope == nil ? keys : [[:]] + keys
            item[method.lowercased()] = operation
            paths[pattern] = item
        }
        schemas["SupervisedHyperparameters"] = Self.without("objective", schemas["Hyperparameters"])
        for name in Self.read(by: paths, schemas) { schemas[name] = Self.admittingNulls(schemas[name] ?? [:]) }
        for format in RowFormat.all {
            if let route = format.route { Self.show(format, at: route, in: &paths) }
        }
        let glossary = try FieldGlossary(folder.appendingPathComponent("glossary.txt"))
        let plain = PlainSchema.named(
            schemas.reduce(into: [:]) { $0[$1.key] = glossary.described($1.value, in: $1.key) },
            paths: paths.reduce(into: [:]) { $0[$1.key] = glossary.described($1.value, in: $1.key) })
        components["schemas"] = plain.schemas
        components["examples"] = Dictionary(uniqueKeysWithValues: RowFormat.all.map { ($0.name, $0.openAPI) })
        document["components"] = components
        document["paths"] = plain.paths
        return try JSONSerialization.data(withJSONObject: document, options: [.sortedKeys, .withoutEscapingSlashes])
    }

    /// A schema without one of its members.
    private static func without(_ name: String, _ schema: Any?) -> Any {
        var schema = schema as? [String: Any] ?? [:]
        var members = schema["properties"] as? [String: Any] ?? [:]
        members[name] = nil
        schema["properties"] = members
        return schema
    }

    /// An example of the route's body.
    private static func show(_ format: RowFormat, at route: String, in paths: inout [String: Any]) {
        guard var item = paths[route] as? [String: Any], var post = item["post"] as? [String: Any],
            var body = post["requestBody"] as? [String: Any], var content = body["content"] as? [String: Any],
            var json = content["application/json"] as? [String: Any]
        else { return }
        var examples = json["examples"] as? [String: Any] ?? [:]
        if format.use == .step, let example = format.openAPI["value"] {
            examples[format.name] = ["summary": format.title, "value": ["pairs": [example]]]
        } else {
            examples[format.name] = ["$ref": "#/components/examples/\(format.name)"]
        }
        json["examples"] = examples
        content["application/json"] = json
        body["content"] = content
        post["requestBody"] = body
        item["post"] = post
        paths[route] = item
    }

    /// The schemas of JSON request bodies, and those that they refer to.
    private static func read(by paths: [String: Any], _ schemas: [String: Any]) -> Set<String> {
        var (found, next): (Set<String>, [Any]) = ([], [])
        for item in paths.values {
            for operation in (item as? [String: Any] ?? [:]).values {
                if let body = (operation as? [String: Any])?["requestBody"] { next.append(body) }
            }
        }
        while let value = next.popLast() {
            if let list = value as? [Any] { next += list }
            guard let object = value as? [String: Any] else { continue }
            next += object.values
            guard let name = (object["$ref"] as? String)?.split(separator: "/").last.map(String.init), found.insert(name).inserted,
                let schema = schemas[name]
            else { continue }
            next.append(schema)
        }
        return found
    }

    /// Lets a request contain unknown members that are null, since they have no effect.
    private static func admittingNulls(_ schema: Any) -> Any {
        if let list = schema as? [Any] { return list.map(admittingNulls) }
        guard let object = schema as? [String: Any] else { return schema }
        return object.reduce(into: [String: Any]()) { result, member in
            let isClosed = member.key == "additionalProperties" && (member.value as? Bool) == false
            result[member.key] = isClosed ? ["type": "null"] : admittingNulls(member.value)
        }
    }

    private static func object(_ file: URL) throws -> [String: Any] {
        let methods = Objective.Method.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ",")
        var text = try String(contentsOf: file, encoding: .utf8).replacing("\"$training_methods\"", with: methods)
        for use in RowFormat.Use.allCases where text.contains("\"$formats.\(use.rawValue)\"") {
            text = text.replacing("\"$formats.\(use.rawValue)\"", with: JSONValue.string(RowFormat.told(use)).text)
        }
        let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
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
