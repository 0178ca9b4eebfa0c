import Files
package import Foundation

/// The files of a folder, read once at the start and served from memory.
///
/// Paths are looked up among the files that were read, so none can leave the folder. Hidden files, links and files of unknown types are left out.
/// `index.html` is served for its folder.
package struct StaticFiles: Sendable {
    private struct File {
        let bytes: [UInt8]
        let contentType: String
        let tag: String

        /// Nil for a type that is not served.
        init?(_ url: URL) throws {
            guard let type = StaticFiles.types[url.pathExtension.lowercased()] else { return nil }
            bytes = [UInt8](try Data(contentsOf: url))
            contentType = type
            tag = StaticFiles.tag(bytes)
        }
    }

    private var files: [String: File]
    private let policy: String

    /// - Parameters:
    ///   - styles, scripts: Inline styles and scripts that pages may contain besides those of the server. The Content-Security-Policy lists them
    ///     by digest, because a page's policy also applies to the tabs that it fills.
    /// - Throws: If the folder or one of its files cannot be read.
    package init(directory: String, styles: [String] = [], scripts: [String] = []) throws {
        policy = """
            default-src 'self'; style-src \((["'self'"] + styles).joined(separator: " ")); \
            script-src \((["'self'"] + scripts).joined(separator: " ")); \
            img-src 'self' data: blob:; media-src 'self' data: blob:; frame-ancestors 'none'
            """
        let root = URL(fileURLWithPath: directory, isDirectory: true).resolvingSymlinksInPath()
        let keys: [URLResourceKey] = [.isRegularFileKey, .isSymbolicLinkKey]
        // The enumeration skips what it cannot open, which must not look like an empty folder.
        if let error = FileError(folder: root) { throw error }
        guard
            let walk = FileManager.default.enumerator(
                at: root, includingPropertiesForKeys: keys, options: [.skipsHiddenFiles])
        else { throw CocoaError(.fileReadNoSuchFile, userInfo: [NSFilePathErrorKey: directory]) }
        var files: [String: File] = [:]
        for case let url as URL in walk {
            let values = try url.resourceValues(forKeys: Set(keys))
            guard values.isRegularFile == true, values.isSymbolicLink != true, let file = try File(url) else { continue }
            let path = String(url.resolvingSymlinksInPath().path.dropFirst(root.path.count + 1))
            files[path] = file
            if path == "index.html" { files[""] = file }
            if path.hasSuffix("/index.html") { files[String(path.dropLast("index.html".count))] = file }
        }
        self.files = files
    }

    /// Adds one file from elsewhere, following links. An unreadable file or unknown type is left out.
    package mutating func add(_ url: URL, at path: String) {
        if let file = try? File(url) { files[path] = file }
    }

    /// Responds with the file at a path without its leading slash.
    ///
    /// - Throws: 404.
    package func respond(to request: Request, path: String) throws -> Response {
        guard let file = files[path] else {
            throw HTTPError(404, "There is nothing at \(request.path).", code: "not_found")
        }
        let headers: Headers = [
            "etag": file.tag,
            "cache-control": "no-cache",
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "content-security-policy": policy,
        ]
        let known = (request.headers["if-none-match"] ?? "").split(separator: ",").map { $0.filter { $0 != " " } }
        if known.contains(file.tag) || known.contains("W/" + file.tag) || known == ["*"] {
            return Response(status: 304, headers: headers)
        }
        return Response(contentType: file.contentType, bytes: file.bytes, headers: headers)
    }

    /// FNV-1a, 64 bits, which suffices to distinguish versions of a file.
    private static func tag(_ bytes: [UInt8]) -> String {
        let hash = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return "\"" + String(hash, radix: 16) + "\""
    }

    private static let types = [
        "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
        "mjs": "text/javascript; charset=utf-8", "json": "application/json", "svg": "image/svg+xml", "png": "image/png",
        "ico": "image/x-icon", "txt": "text/plain; charset=utf-8", "woff2": "font/woff2", "wav": "audio/wav",
        "webmanifest": "application/manifest+json", "wasm": "application/wasm",
    ]
}

extension Router {
    /// Serves the files at `/` and below; more specific routes take precedence. The pages are public, but what they fetch requires a key.
    package mutating func files(_ files: StaticFiles) {
        get("/{path...}") { request in try files.respond(to: request, path: request.parameter("path")) }
    }
}
