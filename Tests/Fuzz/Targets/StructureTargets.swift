import Foundation
import JSON
import Structure
import TestSupport

extension FuzzTarget {
    /// Grammars of answers, followed for some bytes by what their masks allow.
    static let grammars = FuzzTarget(
        name: "grammars",
        seeds: {
            let file = fixtures.appending(path: "structure/grammars.json")
            return try JSONValue(parsing: try Data(contentsOf: file)).array("grammars").map { Data(try $0.string("grammar").utf8) }
        },
        run: { data in follow(try? Structure(.grammar(String(decoding: data, as: UTF8.self)), vocabulary)) })

    /// JSON schemas of answers, and expressions where it is no JSON, followed alike.
    static let schemas = FuzzTarget(
        name: "schemas",
        seeds: {
            let file = try JSONValue(parsing: try Data(contentsOf: fixtures.appending(path: "structure/cases.json")))
            let schemas = try file.array("schemas").compactMap { $0["schema"].map { Data($0.text.utf8) } }
            return try schemas + file.array("expressions").map { Data(try $0.string("expression").utf8) }
        },
        run: { data in
            let form: StructureForm =
                if let schema = try? JSONValue(parsing: data) { .schema(schema) } else { .pattern(String(decoding: data, as: UTF8.self)) }
            follow(try? Structure(form, vocabulary))
        })

    private static let vocabulary = Vocabulary(count: 257, ends: [256]) { $0 < 256 ? [UInt8($0)][...] : [] }

    /// An answer of 64 bytes, the first or the last that may come in turn.
    private static func follow(_ structure: Structure?) {
        guard let structure else { return }
        var place = structure.start
        for count in 0..<64 {
            guard let mask = try? structure.mask(place) else { return }
            let allowed = (0..<Int32(256)).filter { mask.allows($0) }
            precondition(mask.allows(256) == structure.isWhole(place), "the end is allowed where the answer is not whole, or the other way")
            guard let byte = count % 2 == 0 ? allowed.first : allowed.last else { return }
            guard let next = try? structure.advance(place, over: [UInt8(byte)]) else { return }
            place = next
        }
    }
}
