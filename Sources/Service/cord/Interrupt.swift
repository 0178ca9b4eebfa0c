@unsafe @preconcurrency import Dispatch
import Glibc
import Synchronization

/// The signals that ask a process to end (Ctrl-C, a scheduler's SIGTERM, a closed terminal) as a call, once; the second one ends it as ever.
final class Interrupt: Sendable {
    private let sources: [any DispatchSourceSignal]
    /// What a signal did before, and does again afterwards.
    private let former: [(@convention(c) (Int32) -> Void)?]
    private let received = Mutex<Int32?>(nil)

    init(_ stop: @escaping @Sendable () -> Void) {
        sources = EndingSignals.all.map { DispatchSource.makeSignalSource(signal: $0) }
        let former = EndingSignals.all.map { signal($0, SIG_IGN) }
        self.former = former
        for (number, source) in zip(EndingSignals.all, sources) {
            source.setEventHandler { [weak self] in
                for (number, action) in zip(EndingSignals.all, former) { signal(number, action) }
                self?.received.withLock { $0 = number }
                stop()
            }
            source.activate()
        }
    }

    /// The status of a program that a signal ended, as shells have it.
    var status: Int32 { 128 + (received.withLock { $0 } ?? SIGINT) }

    func end() {
        for source in sources { source.cancel() }
        for (number, action) in zip(EndingSignals.all, former) { signal(number, action) }
    }
}
