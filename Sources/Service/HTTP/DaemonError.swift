/// Why a daemon could not start.
package enum DaemonError: Error, CustomStringConvertible, Equatable {
    case addressInUse(address: String, port: Int)
    case cannotListen(address: String, port: Int, reason: String)
    case keyRequired(address: String)
    case unreadableTLS(path: String, reason: String)
    case cannotStart(reason: String)

    package var description: String {
        switch self {
        case .addressInUse(let address, let port):
            "Another program listens on \(address) port \(port). Stop it, or choose another port with --port (0 takes a free one)."
        case .cannotListen(let address, let port, let reason):
            "Cannot listen on \(address) port \(port): \(reason). Give an address of this machine with --host."
        case .keyRequired(let address):
            "Listening on \(address) opens the server to other machines, and no key is set. Set one with --api-key, or "
                + "listen on 127.0.0.1 with --host."
        case .unreadableTLS(let path, let reason):
            "Cannot read the TLS file \(path): \(reason). --tls-certificate and --tls-key each name a PEM file."
        case .cannotStart(let reason):
            "The HTTP server did not start: \(reason)."
        }
    }
}
