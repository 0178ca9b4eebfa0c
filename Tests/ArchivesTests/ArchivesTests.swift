import Archives
import Foundation
import Testing

struct ArchivesTests {
    private func temporary() throws -> URL {
        let url = FileManager.default.temporaryDirectory.appending(path: "archives-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        return url
    }

    /// A tar entry by hand: what libarchive's own writer would not write.
    private func entry(_ name: String, _ content: [UInt8] = [], type: Character = "0", link: String = "") -> [UInt8] {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) { for (i, byte) in text.utf8.enumerated() { header[offset + i] = byte } }
        put(name, at: 0)
        put("0000644\0", at: 100)
        let size = String(content.count, radix: 8)
        put(String(repeating: "0", count: 11 - size.count) + size, at: 124)
        put("        ", at: 148)
        put(String(type), at: 156)
        put(link, at: 157)
        put("ustar\u{0}00", at: 257)
        let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
        put(String(repeating: "0", count: 6 - sum.count) + sum + "\0 ", at: 148)
        return header + content + [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    private func unpack(_ blocks: [UInt8], _ reader: ArchiveReader = ArchiveReader()) throws -> [String] {
        let folder = try temporary()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "a.tar")
        try Data(blocks + [UInt8](repeating: 0, count: 1024)).write(to: file)
        let target = folder.appending(path: "out")
        try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
        return try reader.unpack(file, into: target)
    }

    @Test func packedFoldersComeBackAndPackAlike() throws {
        let folder = try temporary()
        try Data("one".utf8).write(to: folder.appending(path: "b.txt"))
        try Data(repeating: 7, count: 3_000_000).write(to: folder.appending(path: "a.bin"))
        let (first, second) = (folder.appendingPathExtension("1.tar"), folder.appendingPathExtension("2.tar"))
        try ArchiveWriter.tar(folder, under: "v", to: first)
        try ArchiveWriter.tar(folder, under: "v", to: second)
        #expect(try Data(contentsOf: first) == Data(contentsOf: second))
        #expect(ArchiveReader.isArchive(try Data(contentsOf: first)))
        let target = try temporary()
        #expect(try ArchiveReader().unpack(first, into: target) == ["v/a.bin", "v/b.txt"])
        #expect(try Data(contentsOf: target.appending(path: "v/b.txt")) == Data("one".utf8))
    }

    /// A folder of Python's peft may hold those of its trainer.
    @Test func foldersAndLinksAreLeftOutOfAPack() throws {
        let folder = try temporary()
        try Data("one".utf8).write(to: folder.appending(path: "größe.txt"))
        try FileManager.default.createDirectory(at: folder.appending(path: "runs"), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: folder.appending(path: "link").path, withDestinationPath: "/etc/passwd")
        let archive = folder.appendingPathExtension("tar")
        try ArchiveWriter.tar(folder, under: "v", to: archive)
        #expect(try ArchiveReader().unpack(archive, into: try temporary()) == ["v/größe.txt"])
    }

    @Test func whatLiesBelowIsPackedWhereItIsWanted() throws {
        let folder = try temporary()
        for name in ["b.txt", "audio/a.wav", "audio/more/c.wav", ".git/config"] {
            let place = folder.appending(path: name)
            try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(name.utf8).write(to: place)
        }
        try FileManager.default.createSymbolicLink(atPath: folder.appending(path: "audio/link").path, withDestinationPath: "/etc")
        let archive = folder.appendingPathExtension("tar")
        try ArchiveWriter.tar(folder, under: "v", to: archive, subfolders: true)
        let target = try temporary()
        #expect(try ArchiveReader().unpack(archive, into: target) == ["v/audio/a.wav", "v/audio/more/c.wav", "v/b.txt"])
        #expect(try Data(contentsOf: target.appending(path: "v/audio/more/c.wav")) == Data("audio/more/c.wav".utf8))
    }

    /// As `tarfile` and `zipfile` of Python write them.
    @Test func namesInOtherLettersAreRead() throws {
        let names = ["clips/frage-ä.wav", "clips/質問.wav"]
        let records = names.map { name in
            let record = "path=\(name)\n"
            return Array("\(record.utf8.count + 3) \(record)".utf8)
        }
        let blocks = zip(names, records).flatMap { _, record in entry("x", record, type: "x") + entry("clips/x.wav", [1]) }
        #expect(try unpack(blocks) == names)
    }

    @Test func entriesCannotLeaveTheFolder() throws {
        // A slash before a combining mark is one letter to Swift and a slash to the system.
        let marked = ["../\u{301}evil", "a/\u{301}b/../\u{301}evil", "/\u{301}evil", "a\\\u{301}evil"]
        for name in ["../evil", "a/../../evil", "/evil", "a\\..\\evil"] + marked {
            #expect(throws: ArchiveError.self, "\(name)") { try unpack(entry(name, [1])) }
        }
        for (type, link) in [("2", "/etc/passwd"), ("1", "a"), ("3", ""), ("6", "")] as [(Character, String)] {
            #expect(throws: ArchiveError.self, "\(type)") { try unpack(entry("a", [1]) + entry("b", type: type, link: link)) }
        }
        #expect(throws: ArchiveError.forbidden(entry: "a", reason: "it comes twice")) {
            try unpack(entry("a", [1]) + entry("./a", [2]))
        }
    }

    @Test func sizesAndCountsAreBounded() throws {
        var reader = ArchiveReader()
        reader.maximumBytes = 10
        #expect(throws: ArchiveError.tooLarge(limit: 10)) { try unpack(entry("a", [UInt8](repeating: 0, count: 11)), reader) }
        #expect(try unpack(entry("a", [UInt8](repeating: 0, count: 10)), reader) == ["a"])
        let two = entry("a", [UInt8](repeating: 0, count: 6)) + entry("b", [UInt8](repeating: 0, count: 6))
        #expect(throws: ArchiveError.tooLarge(limit: 10)) { try unpack(two, reader) }
        reader.maximumEntries = 1
        #expect(throws: ArchiveError.tooManyEntries(limit: 1)) { try unpack(entry("a") + entry("b"), reader) }
    }

    @Test func whatIsNoArchiveIsNamed() throws {
        #expect(!ArchiveReader.isArchive(Array("{\"audio\": 1}".utf8)))
        #expect(throws: ArchiveError.self) { try unpack(Array("{\"audio\": 1}".utf8)) }
    }
}
