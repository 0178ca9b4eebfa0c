@unsafe @preconcurrency import Dispatch

/// Waits for a time, at most some 30,000 years, or until the task is cancelled. It returns at once if the time is over already.
///
/// `Task.sleep` returns at once when it is cancelled, but keeps its timer and its task's memory until the time is over.
/// With a time limit of minutes around an answer of milliseconds, that would be the memory of minutes of requests.
package func pause(for time: Duration) async {
    let (ended, continuation) = AsyncStream<Never>.makeStream()
    let timer = DispatchSource.makeTimerSource(queue: timers)
    timer.setEventHandler { continuation.finish() }
    timer.schedule(deadline: .now() + .milliseconds(Int(min(1e15, max(0, time.inSeconds * 1000)))))
    timer.activate()
    for await _ in ended {}
    timer.cancel()
}

// A queue of its own has a thread whenever it needs one; the global queues have as many as there are cores, for everybody.
private let timers = DispatchQueue(label: "cord.timers", qos: .userInitiated)

extension Duration {
    package var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

extension ContinuousClock.Instant {
    package var secondsUntilNow: Double { (ContinuousClock.now - self).inSeconds }
}
