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

    /// A slash before a combining mark is one letter to Swift and a slash to the system.
    @Test func aSlashBeforeACombiningMarkDividesAPath() throws {
        let place = FileManager.default.temporaryDirectory.appending(path: "cord-\(UUID().uuidString)").resolvingSymlinksInPath()
        defer { try? FileManager.default.removeItem(at: place) }
        let (root, beside) = (place.path + "/clips", place.path + "/others")
        for folder in [root, beside] {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            _ = FileManager.default.createFile(atPath: folder + "/\u{301}x", contents: Data("a".utf8))
        }
        _ = FileManager.default.createFile(atPath: place.path + "/\u{301}x", contents: Data("a".utf8))
        try FileManager.default.createSymbolicLink(atPath: root + "/link", withDestinationPath: beside)
        let folder = AllowedFolder(URL(fileURLWithPath: root, isDirectory: true))
        #expect("../\u{301}x".pathParts == ["..", "\u{301}x"])
        #expect(try folder.member("./\u{301}x").path.utf8.elementsEqual((root + "/\u{301}x").utf8))
        #expect(throws: AllowedFolder.Refusal.outside) { try folder.member("../\u{301}x") }
        #expect(throws: AllowedFolder.Refusal.link) { try folder.member("link/\u{301}x") }
        #expect(throws: AllowedFolder.Refusal.outside) { try folder.member("/\u{301}x") }
        #expect(throws: AllowedFolder.Refusal.outside) { try folder.place("../\u{301}x", .file) }
        #expect(throws: AllowedFolder.Refusal.outside) { try folder.place("link/\u{301}x", .file) }
    }
}
