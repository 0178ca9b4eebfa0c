// How long masks of forms take, over a vocabulary of bytes: what structured.py runs beside its peers.
//
//     structure-bench VOCABULARY CASES
//
// VOCABULARY: of each token two bytes with its length, the higher first, then its bytes; the last token ends an answer. CASES: a list of
// {"name", "schema", "tokens"}. Prints the seconds that the vocabulary took, then one line of JSON a case.

import Foundation
import JSON
import Randomness
import Structure

@main struct StructureBench {
    let spellings: [ArraySlice<UInt8>]
    let vocabulary: Vocabulary
    var end: Int32 { Int32(spellings.count - 1) }

    static func main() throws {
        guard CommandLine.arguments.count == 3 else {
            print("expected VOCABULARY CASES")
            exit(2)
        }
        let files = CommandLine.arguments.dropFirst().map { URL(fileURLWithPath: $0) }
        let bench = StructureBench([UInt8](try Data(contentsOf: files[0])))
        guard case .array(let cases) = try JSONValue(parsing: try Data(contentsOf: files[1])) else { exit(2) }
        for item in cases { print(JSONValue.object(try bench.row(item)).text) }
    }

    init(_ bytes: [UInt8]) {
        var spellings: [ArraySlice<UInt8>] = []
        var position = 0
        while position + 1 < bytes.count {
            let length = Int(bytes[position]) << 8 | Int(bytes[position + 1])
            spellings.append(bytes[position + 2..<position + 2 + length])
            position += 2 + length
        }
        let start = ContinuousClock.now
        vocabulary = Vocabulary(count: spellings.count, ends: [Int32(spellings.count - 1)]) { spellings[$0] }
        print((ContinuousClock.now - start) / .seconds(1))
        self.spellings = spellings
    }

    private func seconds(_ body: () throws -> Void) rethrows -> JSONValue {
        let start = ContinuousClock.now
        try body()
        return .real((ContinuousClock.now - start) / .seconds(1))
    }

    private func row(_ item: JSONValue) throws -> JSONObject {
        var row = JSONObject()
        row["name"] = item["name"]
        do {
            let form: StructureForm = .schema(item["schema"] ?? .boolean(true))
            var made: Structure?
            row["made"] = try seconds { made = try Structure(form, vocabulary) }
            guard let structure = made else { return row }
            row["first"] = try seconds { _ = try structure.mask(structure.start) }
            var turns: [JSONValue] = []
            var isAccepted = true
            // As one answer goes, then again: what was found is kept.
            for _ in 0..<2 {
                var place = structure.start
                var masks: [JSONValue] = []
                for token in try item.integers("tokens") {
                    var mask: Structure.Mask?
                    var next: Structure.Place?
                    masks.append(
                        try seconds {
                            mask = try structure.mask(place)
                            next = try structure.advance(place, over: spellings[token])
                        })
                    guard mask?.allows(Int32(token)) == true, let next else {
                        isAccepted = false
                        break
                    }
                    place = next
                }
                isAccepted = try isAccepted && structure.mask(place).allows(end)
                turns.append(.array(masks))
            }
            row["accepted"] = .boolean(isAccepted)
            row["turns"] = .array(turns)
            row["texts"] = .array(try (0..<4).compactMap { try draw(structure, seed: $0, most: 400) }.map(JSONValue.string))
        } catch { row["error"] = .string("\(error)") }
        return row
    }

    /// Text drawn among what masks allow, of at most `most` tokens.
    private func draw(_ structure: Structure, seed: UInt64, most: Int) throws -> String? {
        var random = RandomStream(seed: seed)
        var place = structure.start
        var text: [UInt8] = []
        for count in 0..<most {
            let mask = try structure.mask(place)
            if mask.allows(end), count > most / 2 || mask.endsAlone || random.unit() < 0.2 { return String(decoding: text, as: UTF8.self) }
            let allowed = (0..<end).filter { mask.allows($0) }
            // What closes comes more often, so that texts end.
            let closing = allowed.filter { spellings[Int($0)].contains { "\"}]".utf8.contains($0) } }
            let token = !closing.isEmpty && random.unit() < 0.4 ? random.pick(closing) : random.pick(allowed)
            text += spellings[Int(token)]
            guard let next = try structure.advance(place, over: spellings[Int(token)]) else { return nil }
            place = next
        }
        return nil
    }
}
