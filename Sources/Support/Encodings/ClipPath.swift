/// A clip's path for messages. A text that is too long for a path, such as a clip in base64, is cut.
package func toldPath(_ path: String) -> String {
    path.utf8.count <= 512 ? path : "\(path.prefix(24))… (\(path.utf8.count) bytes, which are no path)"
}
