import Testing
import Workshop

@Suite(.serialized) struct RecordingPlaceTests {
    @Test func recordingsBeyondTwoHoursWaitUntilOthersAreDone() throws {
        var first: RecordingPlace? = try RecordingPlace(seconds: 7000)
        for _ in 0..<3 {
            let error = #expect(throws: WorkshopError.self) { try RecordingPlace(seconds: 201) }
            #expect(error?.kind == .queueFull && error?.description.contains("116 minutes") == true)
        }
        let second = try RecordingPlace(seconds: 200)
        #expect(throws: WorkshopError.self) { try RecordingPlace(seconds: 1) }
        withExtendedLifetime((first, second)) {}
        first = nil
        _ = try RecordingPlace(seconds: 7000)
        withExtendedLifetime(second) {}
    }
}
