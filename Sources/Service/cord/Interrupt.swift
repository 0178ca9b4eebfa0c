import Dispatch
import Glibc

/// Ctrl-C as a call, once; the second one ends the process as ever.
final class Interrupt {
    private let source = DispatchSource.makeSignalSource(signal: SIGINT)

    init(_ stop: @escaping @Sendable () -> Void) {
        signal(SIGINT, SIG_IGN)
        source.setEventHandler {
            signal(SIGINT, SIG_DFL)
            stop()
        }
        source.activate()
    }

    func end() {
        source.cancel()
        signal(SIGINT, SIG_DFL)
    }
}
