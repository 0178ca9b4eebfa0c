package import Foundation

/// The operator's folders. Their location is hidden from clients: a path in an error begins below them.
///
///     /srv/cord/temporary/1f/adapter_model.safetensors  →  temporary/1f/adapter_model.safetensors
package struct OperatorFolders: Sendable {
    /// Without trailing slashes. A folder inside another one comes before it.
    private let folders: [String]

    package init(_ named: [URL]) {
        let all = named.flatMap { folder in
            [folder, folder.standardizedFileURL, folder.resolvingSymlinksInPath()].map { Self.plain($0.path) }
        }
        folders = Set(all).subtracting(["", "/"]).sorted { ($0.count, $0) > ($1.count, $1) }
    }

    /// Shortens every path below a folder, and names the folder itself by its last component.
    package func hidden(in text: String) -> String {
        folders.reduce(text) { text, folder in
            guard text.contains(folder) else { return text }
            return text.replacing(folder + "/", with: "").replacing(folder, with: folder.split(separator: "/").last ?? "")
        }
    }

    private static func plain(_ path: String) -> String { path.hasSuffix("/") ? String(path.dropLast()) : path }
}
