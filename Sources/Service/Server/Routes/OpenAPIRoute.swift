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
        var components = document["components"]?.object ?? [:]
        var paths: JSONObject = [:]
        var schemas = components["schemas"]?.object ?? [:]
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        for file in files where file.pathExtension == "json" && file.lastPathComponent != "document.json" {
            let part = try object(file)
            try merge(part["paths"], into: &paths, file)
            try merge(part["schemas"], into: &schemas, file)
        }
        for (method, pattern, scope) in routes {
            let keys: [JSONValue] = (scope?.names ?? []).map { .object(["key": .array([.string($0)])]) }
            paths.change([pattern, method.lowercased()]) { $0["security"] = .array(scope == nil ? keys : [.object([:])] + keys) }
        }
        schemas["SupervisedHyperparameters"] = schemas["Hyperparameters"]
        schemas.change(["SupervisedHyperparameters", "properties"]) { $0["objective"] = nil }
        for name in Self.read(by: paths, schemas) { schemas[name] = schemas[name].map(Self.admittingNulls) }
        for format in RowFormat.all {
            if let route = format.route { Self.show(format, at: route, in: &paths) }
        }
        let glossary = try FieldGlossary(folder.appendingPathComponent("glossary.txt"))
        // Sorted, so that names are the same at every start.
        let plain = PlainSchema.named(
            JSONValue.object(schemas.mapMembers { glossary.described($1, in: $0) }).sorted.object ?? [:],
            paths: JSONValue.object(paths.mapMembers { glossary.described($1, in: $0) }).sorted.object ?? [:])
        components["schemas"] = .object(plain.schemas)
        components["examples"] = .object(JSONObject(RowFormat.all.map { ($0.name, .object($0.openAPI)) }))
        document["components"] = .object(components)
        document["paths"] = .object(plain.paths)
        return Data(JSONValue.object(document).sorted.text.utf8)
    }

    /// An example of the route's body.
    private static func show(_ format: RowFormat, at route: String, in paths: inout JSONObject) {
        paths.change([route, "post", "requestBody", "content", "application/json"]) { json in
            var examples = json["examples"]?.object ?? [:]
            if format.use == .step, let example = format.openAPI["value"] {
                examples[format.name] = .object(["summary": .string(format.title), "value": .object(["pairs": .array([example])])])
            } else {
                examples[format.name] = .object(["$ref": .string("#/components/examples/\(format.name)")])
            }
            json["examples"] = .object(examples)
        }
    }

    /// The schemas of JSON request bodies, and those that they refer to.
    private static func read(by paths: JSONObject, _ schemas: JSONObject) -> Set<String> {
        var found: Set<String> = []
        var next = paths.flatMap { _, item in (item.object ?? [:]).compactMap { _, operation in operation["requestBody"] } }
        while let value = next.popLast() {
            next += value.array ?? []
            guard let object = value.object else { continue }
            next += object.map(\.value)
            guard let name = object["$ref"]?.string?.split(separator: "/").last.map(String.init), found.insert(name).inserted,
                let schema = schemas[name]
            else { continue }
            next.append(schema)
        }
        return found
    }

    /// Lets a request contain unknown members that are null, since they have no effect.
    private static func admittingNulls(_ schema: JSONValue) -> JSONValue {
        if let list = schema.array { return .array(list.map(admittingNulls)) }
        guard let object = schema.object else { return schema }
        return .object(
            object.mapMembers { $0 == "additionalProperties" && $1 == false ? .object(["type": "null"]) : admittingNulls($1) })
    }

    private static func object(_ file: URL) throws -> JSONObject {
        let methods = Objective.Method.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ",")
        var text = try String(contentsOf: file, encoding: .utf8).replacing("\"$training_methods\"", with: methods)
        for use in RowFormat.Use.allCases where text.contains("\"$formats.\(use.rawValue)\"") {
            text = text.replacing("\"$formats.\(use.rawValue)\"", with: JSONValue.string(RowFormat.told(use)).text)
        }
        do {
            return try JSONValue(parsing: text).object ?? { throw OpenAPIError(description: "it is not an object") }()
        } catch { throw OpenAPIError(description: "\(file.lastPathComponent): \(error)") }
    }

    private static func merge(_ part: JSONValue?, into whole: inout JSONObject, _ file: URL) throws {
        for (name, value) in part?.object ?? [:] {
            guard whole[name] == nil else {
                throw OpenAPIError(description: "\(file.lastPathComponent) describes \(name), which another file does already")
            }
            whole[name] = value
        }
    }

    private struct OpenAPIError: Error, CustomStringConvertible { let description: String }
}

extension JSONObject {
    /// Changes the object below the path; nothing if there is none.
    fileprivate mutating func change(_ path: ArraySlice<String>, _ body: (inout JSONObject) -> Void) {
        guard let name = path.first else { return body(&self) }
        guard var inner = self[name]?.object else { return }
        inner.change(path.dropFirst(), body)
        self[name] = .object(inner)
    }
}
