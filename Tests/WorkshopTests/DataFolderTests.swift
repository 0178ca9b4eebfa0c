import Foundation
import Testing
import Workshop

@Suite struct DataFolderTests {
    @Test func foldersThatAreNoneAreNamed() throws {
        let place = FileManager.default.temporaryDirectory.appending(path: "cord-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: place) }
        let (file, dangling, link) = (
            place.appending(path: "file"), place.appending(path: "dangling"), place.appending(path: "link")
        )
        try Data().write(to: file)
        try FileManager.default.createSymbolicLink(at: dangling, withDestinationURL: place.appending(path: "nowhere"))
        #expect(throws: DataFolderError.unusable(path: file.path, reason: "it is a file; expected a folder")) {
            try DataFolder(file)
        }
        #expect(throws: DataFolderError.self) { try DataFolder(dangling) }
        #expect(throws: DataFolderError.absent(path: place.appending(path: "no").path)) {
            try DataFolder(place.appending(path: "no"), existing: true)
        }
        // A link to a folder is that folder, and has one server.
        let folder = place.appending(path: "folder")
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: folder)
        let held = try DataFolder(folder)
        #expect(throws: DataFolderError.held(path: link.path)) { try DataFolder(link) }
        _ = held.url
    }
}
