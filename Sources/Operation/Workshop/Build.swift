/// The name and version of this program.
package enum Build {
    package static let version = "0.1.0"
}
