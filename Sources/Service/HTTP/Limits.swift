package import Foundation

/// The limits of the front end. Everything that a client can make grow has a bound here.
package struct Limits: Sendable {
    /// The largest body of one request, in bytes, if its route has no limit of its own. Beyond: 413.
    package var bodyBytes = 64 << 20
    /// The folder for bodies on disk; nil uses the system's folder for temporary files.
    package var spoolFolder: URL?
    /// The size from which bodies of spooling routes are stored there.
    package var spoolsFrom = 1 << 20
    /// The total size of bodies there, in bytes. Beyond: 503.
    package var spooledBytesInTotal = 16 << 30
    /// The total size of bodies being received or handled, in bytes. Beyond: 503.
    package var bodyBytesInTotal = 1 << 30
    /// The request line and headers of one request, in bytes. Beyond: 431.
    package var headerBytes = 16 << 10
    /// The total number of connections. Further ones wait to be accepted.
    package var connections = 4096
    /// The number of connections from one address. Beyond: 429, and the connection is closed.
    package var connectionsPerAddress = 2048
    /// The number of running requests. Beyond: 429.
    package var requestsInFlight = 1024
    /// The time for a client to send a whole request, counted from its start, so that sending slowly does not help. A body extends it by one second
    /// per ``bodyRate`` bytes. Beyond: 408.
    package var requestTime = Duration.seconds(30)
    /// The rate in bytes per second that a body must sustain beyond ``requestTime``.
    package var bodyRate = 16 << 10
    /// The time between two requests on one connection.
    package var idleTime = Duration.seconds(75)
    /// The time for a client to read any part of a response, in whole seconds.
    package var stallTime = Duration.seconds(60)

    package init() {}
}
