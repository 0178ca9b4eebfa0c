import HTTP
import Testing

@Suite struct PauseTests {
    @Test func aPauseLastsItsTime() async {
        let start = ContinuousClock.now
        await pause(for: .milliseconds(60))
        #expect(ContinuousClock.now - start >= .milliseconds(55))
    }

    @Test func aCancelledPauseEndsAtOnce() async {
        let start = ContinuousClock.now
        let task = Task { await pause(for: .seconds(600)) }
        task.cancel()
        await task.value
        #expect(ContinuousClock.now - start < .seconds(10))
    }
}
