import Encodings
import Foundation
import Testing

/// Bytes from nowhere: they are read or named, and what is written by the rules comes back.
@Suite struct FuzzTests {
    /// SplitMix64, so that a failure is found again.
    private struct Draw: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    @Test func anyCellsSurviveATable() throws {
        var draw = Draw(state: 1)
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
        var draw = Draw(state: 2)
        let seeds = [
            "{\"audio\": \"a.wav\", \"text\": \"b\"}\n{\"text\": \"c\"}\n", "\u{FEFF}file_name,text\r\n\"a.wav\",\"b \"\"c\"\"\"\r\n", "a;b\n1;\"2\n3\"\n",
        ].map { Array($0.utf8) }
        let folder = try Folder()
        for round in 0..<2000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0..<Int.random(in: 1...4, using: &draw) {
                let place = Int.random(in: 0..<bytes.count, using: &draw)
                switch Int.random(in: 0..<3, using: &draw) {
                case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &draw)
                case 1: bytes.insert(Array("\",;\n\r\u{0}".utf8).randomElement(using: &draw)!, at: place)
                default: bytes.removeLast(min(bytes.count - 1, place % 8))
                }
            }
            let file = try folder.write(["m.csv", "m.jsonl", "m"][round % 3], Data(bytes))
            var lines: [Int] = []
            do { try ManifestFile(file).forEachRow { lines.append($0.line) } } catch is ManifestError {}
            #expect(lines == lines.sorted() && lines.allSatisfy { $0 >= 1 })
        }
    }

    @Test func spoiltClipsAreReadOrNamed() {
        var draw = Draw(state: 3)
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
