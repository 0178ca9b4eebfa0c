import Encodings
import Foundation
import TestSupport
import Testing

/// Bytes from nowhere: they are read or named, and what is written by the rules comes back.
@Suite(.ownThread) struct FuzzTests {
    @Test func anyCellsSurviveATable() throws {
        var draw = SplitMix(seed: 1)
        let letters = Array("ab ,;\"\n\r\té<|")
        let folder = try Folder()
        for _ in 0..<300 {
            let columns = (0..<Int.random(in: 2...4, using: &draw)).map { "c\($0)" }
            let rows = (0..<Int.random(in: 1...5, using: &draw)).map { _ in
                columns.map { _ in String((0..<Int.random(in: 1...8, using: &draw)).map { _ in letters.randomElement(using: &draw)! }) }
            }
            let written = ([columns] + rows).map { $0.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }.joined(separator: ",") }
            let file = try folder.write("m.csv", Data(written.joined(separator: "\r\n").utf8))
            var found: [[String: String]] = []
            try ManifestFile(file).forEachRow { if case .cells(let cells) = $0.content { found.append(cells) } }
            #expect(found == rows.map { Dictionary(uniqueKeysWithValues: zip(columns, $0)) })
        }
    }

    @Test func spoiltManifestsAreReadOrNamed() throws {
        var draw = SplitMix(seed: 2)
        let seeds = [
            "{\"audio\": \"a.wav\", \"text\": \"b\"}\n{\"text\": \"c\"}\n", "\u{FEFF}file_name,text\r\n\"a.wav\",\"b \"\"c\"\"\"\r\n",
            "a;b\n1;\"2\n3\"\n",
        ].map { Array($0.utf8) }
        let folder = try Folder()
        for round in 0..<2000 {
            let bytes = draw.spoiling(seeds[round % seeds.count], with: ["\"", ",", ";", "\n", "\r", "\0"])
            let file = try folder.write(["m.csv", "m.jsonl", "m"][round % 3], Data(bytes))
            var lines: [Int] = []
            do { try ManifestFile(file).forEachRow { lines.append($0.line) } } catch is ManifestError {}
            #expect(lines == lines.sorted() && lines.allSatisfy { $0 >= 1 })
        }
    }

    @Test func spoiltClipsAreReadOrNamed() {
        var draw = SplitMix(seed: 3)
        let letters = Array("dataDATA:audio/wav;base64,%+/=-_ AQz09\n\u{E9}")
        for round in 0..<4000 {
            let tail = String((0..<Int.random(in: 0...24, using: &draw)).map { _ in letters.randomElement(using: &draw)! })
            let text = round % 2 == 0 ? "data:audio/wav" + tail : tail
            // Whole groups alone: at most three bytes for four characters.
            if let bytes = Base64Text.bytes(text) { #expect(bytes.count <= (text.utf8.count + 3) / 4 * 3) }
            do throws(DataURLError) { #expect(try DataURL(text).bytes.count <= text.utf8.count) } catch { #expect(!error.found.isEmpty) }
        }
    }
}
