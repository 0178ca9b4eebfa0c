/// A clip's path as messages tell it: whole, or the beginning of what is too long to be one, such as a clip itself in base64.
package func toldPath(_ path: String) -> String {
    path.utf8.count <= 512 ? path : "\(path.prefix(24))… (\(path.utf8.count) bytes, which are no path)"
}
