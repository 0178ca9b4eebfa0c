@unsafe @preconcurrency import Dispatch
import Glibc
import Synchronization

/// The signals that ask a process to end (Ctrl-C, a scheduler's SIGTERM, a closed terminal) as a call, once; the second one ends it as ever.
final class Interrupt: Sendable {
    private static let signals = [SIGINT, SIGTERM, SIGHUP]
    private let sources: [any DispatchSourceSignal]
    private let received = Mutex<Int32?>(nil)

    init(_ stop: @escaping @Sendable () -> Void) {
        sources = Self.signals.map { DispatchSource.makeSignalSource(signal: $0) }
        for (number, source) in zip(Self.signals, sources) {
            signal(number, SIG_IGN)
            source.setEventHandler { [weak self] in
                for number in Self.signals { signal(number, SIG_DFL) }
                self?.received.withLock { $0 = number }
                stop()
            }
            source.activate()
        }
    }

    /// The status of a program that a signal ended, as shells have it.
    var status: Int32 { 128 + (received.withLock { $0 } ?? SIGINT) }

    func end() {
        for (number, source) in zip(Self.signals, sources) {
            source.cancel()
            signal(number, SIG_DFL)
        }
    }
}
