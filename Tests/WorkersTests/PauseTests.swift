import Testing
import Workers

@Suite struct PauseTests {
    @Test func aPauseLastsItsTime() async {
        let start = ContinuousClock.now
        await pause(for: .milliseconds(60))
        #expect(ContinuousClock.now - start >= .milliseconds(55))
    }

    @Test func aPauseOfATimeThatIsOverEndsAtOnce() async {
        let start = ContinuousClock.now
        for time in [Duration.zero, .milliseconds(-1), .seconds(-90)] { await pause(for: time) }
        #expect(ContinuousClock.now - start < .seconds(10))
    }

    @Test func aCancelledPauseEndsAtOnce() async {
        let start = ContinuousClock.now
        let task = Task { await pause(for: .seconds(600)) }
        task.cancel()
        await task.value
        #expect(ContinuousClock.now - start < .seconds(10))
    }
}
