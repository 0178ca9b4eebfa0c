import Encodings
import Foundation
import Testing

/// A folder of its own, removed with the value.
final class Folder {
    let url = FileManager.default.temporaryDirectory.appending(path: "cord-manifests-\(UUID().uuidString)", directoryHint: .isDirectory)

    init(_ files: [String: String] = [:]) throws {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        for (name, text) in files { _ = try write(name, Data(text.utf8)) }
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func write(_ name: String, _ bytes: Data) throws -> URL {
        let place = url.appending(path: name)
        try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try bytes.write(to: place)
        return place
    }
}

@Suite struct ManifestFileTests {
    private func rows(_ bytes: Data, name: String) throws -> [(line: Int, content: String)] {
        let folder = try Folder()
        var rows: [(Int, String)] = []
        try ManifestFile(try folder.write(name, bytes)).forEachRow { row in
            switch row.content {
            case .json(let line): rows.append((row.line, String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespaces)))
            case .cells(let cells): rows.append((row.line, cells.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "|")))
            }
        }
        return rows
    }

    private func refusal(_ bytes: Data, name: String) throws -> String {
        let error = #expect(throws: ManifestError.self) { try rows(bytes, name: name) }
        return error.map { "\($0)" } ?? ""
    }

    @Test func linesKeepTheirNumbersBehindAByteOrderMark() throws {
        let rows = try rows(Data([0xEF, 0xBB, 0xBF]) + Data("{\"a\": 1}\r\n\r\n  \n{\"b\": 2}".utf8), name: "m.jsonl")
        #expect(rows.map(\.line) == [1, 4])
        #expect(rows[0].content.hasPrefix("{\"a\": 1}") && rows[1].content == "{\"b\": 2}")
    }

    /// Read by Python's csv.DictReader to the same cells.
    @Test(arguments: ["\n", "\r\n", "\r"])
    func tablesAreReadByTheirGrammar(end: String) throws {
        let lines = [
            "file_name,text,answer", "a.wav,\"What is 7, 9 and 8?\",24", "", "b.wav,\"He said \"\"no\"\"\(end)twice\",", "\"c.wav\",d é,\"\"",
        ]
        let rows = try rows(Data([0xEF, 0xBB, 0xBF]) + Data((lines.joined(separator: end) + end).utf8), name: "metadata.csv")
        #expect(rows.map(\.line) == [2, 4, 6])
        #expect(
            rows.map(\.content) == [
                "answer=24|file_name=a.wav|text=What is 7, 9 and 8?", "file_name=b.wav|text=He said \"no\"\(end)twice", "file_name=c.wav|text=d é",
            ])
    }

    @Test func semicolonsAndTabsPartColumnsWhereTheHeaderHasNoComma() throws {
        #expect(try rows(Data("a;b\n1,5;x\n".utf8), name: "m.csv").map(\.content) == ["a=1,5|b=x"])
        #expect(try rows(Data("a\tb\n1,5\tx\n".utf8), name: "m.tsv").map(\.content) == ["a=1,5|b=x"])
    }

    @Test func rowNumbersOfPandasAreNoColumn() throws {
        #expect(try rows(Data(",a,b\n0,1,2\n".utf8), name: "m.csv").map(\.content) == ["a=1|b=2"])
    }

    @Test(arguments: [
        ("a,b\n1\n", "line 2: expected 2 fields"), ("a,b\n1,2,3\n", "found 3"), ("a,b\n1,\"2\n", "line 2: a quotation mark opens"),
        ("a,b\n1,2\"\n", "line 2: a quotation mark inside"), ("a,b\n1,\"2\"x\n", "line 2: text behind"), ("a,a\n1,2\n", "the column a comes twice"),
        ("a,,b\n1,2,3\n", "no name"),
    ])
    func brokenTablesAreNamedByLine(text: String, words: String) throws {
        #expect(try refusal(Data(text.utf8), name: "m.csv").contains(words))
    }

    @Test func textThatIsNotUTF8IsNamedByLine() throws {
        #expect(try refusal(Data("a,b\n1,caf".utf8) + Data([0xE9, 0x0A]), name: "m.csv").contains("line 2: bytes that are no UTF-8"))
        #expect(try refusal(Data([0xFF, 0xFE, 0x7B, 0]), name: "m.jsonl").contains("UTF-16"))
    }

    /// pyarrow, gzip, a spreadsheet and a sound file begin so.
    @Test(arguments: [
        ("PAR1\u{15}\u{04}", "read_parquet"), ("ARROW1", "load_from_disk"), ("PK\u{03}\u{04}", "unpack"), ("RIFF", "sound file"),
        ("[\n{\"text\": \"a\"}\n]", "jq -c"), ("[{\"text\": \"a\"}]", "jq -c"),
    ])
    func otherFilesAreToldWithTheirConversion(text: String, words: String) throws {
        #expect(try refusal(Data(text.utf8), name: "train.jsonl").contains(words))
    }

    @Test func compressedFilesAreTold() throws {
        #expect(try refusal(Data([0x1F, 0x8B, 8, 0]), name: "m.jsonl.gz").contains("gunzip"))
    }

    @Test func aNameThatSaysNothingLeavesItToTheText() throws {
        #expect(try rows(Data("{\"a\": 1, \"b\": 2}".utf8), name: "0f3a").map(\.content) == ["{\"a\": 1, \"b\": 2}"])
        #expect(try rows(Data("a,b\n1,2".utf8), name: "0f3a").map(\.content) == ["a=1|b=2"])
    }

    @Test func limitsHold() throws {
        let folder = try Folder()
        let file = try folder.write("m.jsonl", Data("{}\n{}\n{}".utf8))
        #expect(throws: ManifestError.tooLarge(bytes: 8, limit: 7)) { try ManifestFile(file, maximumBytes: 7) }
        #expect(throws: ManifestError.tooManyRows(limit: 2)) { try ManifestFile(file, maximumRows: 2).forEachRow { _ in } }
    }
}

@Suite struct ManifestFolderTests {
    private func find(_ files: [String: String]) throws -> [String] {
        let folder = try Folder(files)
        let prefix = folder.url.path.hasSuffix("/") ? folder.url.path : folder.url.path + "/"
        return try ManifestFolder.manifests(in: folder.url, known: ["manifest.jsonl", "metadata.jsonl", "metadata.csv"]).map {
            "\($0.manifest.path.replacing(prefix, with: "")) \($0.path) \($0.split ?? "-")"
        }
    }

    @Test func knownNamesStandBeforeTheOnlyTable() throws {
        #expect(try find(["manifest.jsonl": "", "other.jsonl": "", "a.wav": ""]) == ["manifest.jsonl  -"])
        #expect(try find(["metadata.csv": "", "a.wav": ""]) == ["metadata.csv  -"])
        #expect(try find(["mine.csv": "", "a.wav": ""]) == ["mine.csv  -"])
        #expect(try find(["mine.csv": "", "mine.jsonl": ""]) == ["mine.jsonl  -"])
    }

    @Test func splitsAreFoundInTheirFolders() throws {
        #expect(
            try find(["train/metadata.csv": "", "train/a.wav": "", "test/metadata.csv": "", "README.md": ""])
                == ["test/metadata.csv test test", "train/metadata.csv train train"])
        #expect(
            try find(["data/test/metadata.jsonl": "", "data/train/metadata.jsonl": ""]).map { $0.split(separator: " ").last } == ["test", "train"])
        #expect(
            try find(["deep/clips/a.wav": "", "deep/lists/metadata.jsonl": "", "__MACOSX/metadata.jsonl": ""]) == [
                "deep/lists/metadata.jsonl deep/lists -"
            ])
    }

    @Test(arguments: [
        (["a.wav"], "no manifest"), (["a.jsonl", "b.jsonl"], "a.jsonl, b.jsonl"), (["metadata.csv", "metadata.jsonl"], "keep one"),
        (["metadata.parquet", "a.wav"], "read_parquet"), (["data-0.arrow"], "load_from_disk"), (["[Content_Types].xml", "xl/workbook.xml"], "CSV"),
        (["train/metadata.parquet"], "read_parquet"),
    ])
    func whatIsNoManifestIsNamed(files: [String], words: String) throws {
        let error = #expect(throws: ManifestError.self) { try find(Dictionary(uniqueKeysWithValues: files.map { ($0, "") })) }
        #expect(error?.description.contains(words) == true, "\(String(describing: error))")
    }
}
