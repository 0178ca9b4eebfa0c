package import Foundation

/// The operator's folders. Clients do not learn where they are: what an error says of a file begins below them.
///
///     /srv/cord/temporary/1f/adapter_model.safetensors  →  temporary/1f/adapter_model.safetensors
package struct OperatorFolders: Sendable {
    /// Without a slash at the end; a folder in another one comes first.
    private let folders: [String]

    package init(_ named: [URL]) {
        let all = named.flatMap { folder in
            [folder, folder.standardizedFileURL, folder.resolvingSymlinksInPath()].map { Self.plain($0.path) }
        }
        folders = Set(all).subtracting(["", "/"]).sorted { ($0.count, $0) > ($1.count, $1) }
    }

    /// The text with every path below a folder shortened, and the folder itself named by its last part.
    package func hidden(in text: String) -> String {
        folders.reduce(text) { text, folder in
            guard text.contains(folder) else { return text }
            return text.replacing(folder + "/", with: "").replacing(folder, with: folder.split(separator: "/").last ?? "")
        }
    }

    private static func plain(_ path: String) -> String { path.hasSuffix("/") ? String(path.dropLast()) : path }
}
