package import Foundation

/// What the front end grants its clients. Everything a client can make grow has a bound here.
package struct Limits: Sendable {
    /// The largest body of one request, in bytes, where its route has no limit of its own. Beyond: 413.
    package var bodyBytes = 64 << 20
    /// Where the bodies of routes that spool lie; the system's folder for temporary files where nil.
    package var spoolFolder: URL?
    /// From how many bytes on they lie there.
    package var spoolsFrom = 1 << 20
    /// All bodies together that lie there, in bytes. Beyond: 503.
    package var spooledBytesInTotal = 16 << 30
    /// All bodies together that are being received or handled, in bytes. Beyond: 503.
    package var bodyBytesInTotal = 1 << 30
    /// Request line and headers of one request, in bytes. Beyond: 431.
    package var headerBytes = 16 << 10
    /// Connections in total. Beyond: they wait to be accepted.
    package var connections = 4096
    /// Connections of one address. Beyond: 429 and the connection is closed.
    package var connectionsPerAddress = 2048
    /// Requests whose handlers are running. Beyond: 429.
    package var requestsInFlight = 1024
    /// Time for a client to send a whole request, counted from its start and not from its last byte, so that
    /// dripping does not help. A body gains time by arriving: one second for each ``bodyRate`` bytes. Beyond: 408.
    package var requestTime = Duration.seconds(30)
    /// Bytes per second that a body must keep up beyond ``requestTime``.
    package var bodyRate = 16 << 10
    /// Time between two requests on one connection.
    package var idleTime = Duration.seconds(75)
    /// Time for a client to take anything of a response. Whole seconds.
    package var stallTime = Duration.seconds(60)

    package init() {}
}
