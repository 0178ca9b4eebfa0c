import Files
import Foundation
import Testing

@Suite(.serialized) struct LeftoversTests {
    @Test func whatIsHalfWrittenGoesAndWhatIsFinishedStays() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "cord-leftovers-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in ["partial", "finished"] {
            let place = folder.appending(path: name)
            Leftovers.add(place.path)
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            try Data(name.utf8).write(to: place.appending(path: "tensors"))
        }
        Leftovers.remove(folder.appending(path: "finished").path)
        // One that was never made is in nobody's way.
        Leftovers.add(folder.appending(path: "absent").path)
        var hasEnded = false
        Leftovers.removeAll { hasEnded = true }
        #expect(try hasEnded && FileManager.default.contentsOfDirectory(atPath: folder.path) == ["finished"])
    }
}
