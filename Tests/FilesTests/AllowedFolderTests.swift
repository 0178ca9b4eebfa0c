import Files
import Foundation
import Testing

@Suite struct AllowedFolderTests {
    @Test func noPathLeadsOutOfTheFolder() throws {
        let place = FileManager.default.temporaryDirectory.appending(path: "cord-\(UUID().uuidString)").resolvingSymlinksInPath()
        defer { try? FileManager.default.removeItem(at: place) }
        let (root, beside) = (place.appending(path: "clips"), place.appending(path: "clips-of-others"))
        for folder in [root.appending(path: "inner"), beside] {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data("a".utf8).write(to: folder.appending(path: "a.wav"))
        }
        try FileManager.default.createSymbolicLink(at: root.appending(path: "out"), withDestinationURL: beside)
        try FileManager.default.createSymbolicLink(at: root.appending(path: "in"), withDestinationURL: root.appending(path: "inner"))
        let folder = AllowedFolder(root)
        let file = root.appending(path: "inner/a.wav").path
        for path in ["inner/a.wav", "in/a.wav", "./inner/../inner/a.wav", "../clips/inner/a.wav", file] {
            #expect(try folder.place(path, .file).path == file, "\(path)")
        }
        #expect(try folder.place("inner", .folder).path == root.path + "/inner")
        #expect(try folder.place(".", .folder).path == root.path)
        let refused: [(String, AllowedFolder.Content, AllowedFolder.Refusal)] = [
            ("../clips-of-others/a.wav", .file, .outside), ("out/a.wav", .file, .outside), (beside.path + "/a.wav", .file, .outside),
            ("/etc/passwd", .file, .outside), (".", .file, .outside), ("..", .folder, .outside), ("inner", .file, .absent),
            ("inner/a.wav", .folder, .absent), ("inner/b.wav", .file, .absent), ("inner/a.wav\0.txt", .file, .zeroByte),
        ]
        for (path, content, refusal) in refused {
            #expect(throws: refusal, "\(path)") { try folder.place(path, content) }
        }
    }
}
