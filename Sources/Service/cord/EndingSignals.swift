import Files
import Foundation
import Glibc

/// SIGINT, SIGTERM and SIGHUP end a command as ever, but first remove what it has half written (``Leftovers``).
enum EndingSignals {
    static let all = [SIGINT, SIGTERM, SIGHUP]
    /// Where the handler tells the signal's number; a handler may do no more than that.
    nonisolated(unsafe) private static var told: Int32 = -1

    static func tidy() {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { return }
        // Programs that a command starts have no part in it.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let read = ends[0]
        unsafe told = ends[1]
        // A program that was started by a thread which lets no signal in would never hear of one.
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        for number in all { unsafe sigaddset(&signals, number) }
        unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        // Not in place of SIG_IGN, which nohup sets; and no SIG_IGN, which the programs that a command starts would inherit.
        for number in all where !isIgnored(number) {
            signal(number) { number in
                var byte = UInt8(truncatingIfNeeded: number)
                _ = unsafe write(EndingSignals.told, &byte, 1)
            }
        }
        Thread.detachNewThread {
            var byte: UInt8 = 0
            while unsafe Glibc.read(read, &byte, 1) != 1 { guard errno == EINTR else { return } }
            let number = Int32(byte)
            Leftovers.removeAll {
                signal(number, SIG_DFL)
                kill(getpid(), number)
                // The signal may reach another thread a moment later.
                pause()
            }
        }
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard unsafe sigaction(number, nil, &action) == 0 else { return false }
        return unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}
