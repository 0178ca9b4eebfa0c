package import Foundation
import Weights

/// A list of pairs as JSON lines:
///
///     {"id": "q1", "audio": "clips/q1.flac", "text": "What is 8 plus 5?", "answer": "13"}
///
/// `solution` is the whole answer that the supervised method imitates, where it is more than `answer`. `audio` is relative to the manifest's folder; a line without it trains the typed question. `id` defaults to the line's number.
/// Other members are left to whoever wrote them.
package enum PairManifest {
    package static func read(_ file: URL) throws -> [TrainingPair] {
        let lines = String(decoding: try Data(contentsOf: file), as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        let folder = file.deletingLastPathComponent()
        var pairs: [TrainingPair] = []
        var ids: Set<String> = []
        for (index, line) in lines.enumerated() where !line.allSatisfy(\.isWhitespace) {
            do {
                let value = try JSONValue(parsing: String(line))
                let id = try value.string("id", default: "\(index + 1)")
                guard ids.insert(id).inserted else { throw UnusablePair("the id \"\(id)\" occurs twice") }
                let sound = try value.value("audio").map { _ in
                    TrainingPair.Sound.file(
                        URL(fileURLWithPath: try value.string("audio"), relativeTo: folder).standardizedFileURL)
                }
                let answer = try value.value("answer").map { _ in try value.string("answer") }
                let solution = try value.value("solution").map { _ in try value.string("solution") }
                pairs.append(
                    TrainingPair(
                        id: id, sound: sound, text: try value.string("text"), answer: answer, solution: solution))
            } catch {
                throw TrainingError.manifest(path: file.path, line: index + 1, reason: "\(error)")
            }
        }
        if pairs.isEmpty { throw TrainingError.manifest(path: file.path, line: 1, reason: "it has no pairs") }
        return pairs
    }
}
