import Evaluation
import Foundation

/// Made-up results with a known table of outcomes.
enum Samples {
    static func facts(benchmarkHash: String = "b1", version: String = "v1") -> Reproducibility {
        Reproducibility(
            model: "nano", modelHash: "m1", weightVersion: version, weightVersionHash: "w-\(version)", promptTemplateHash: "p1",
            decoding: ["temperature": "0", "max_tokens": "96"], seed: 7, judge: "match", benchmark: "spoken reasoning",
            benchmarkHash: benchmarkHash, softwareVersion: "1.0", machine: "2 cores")
    }

    static func answer(_ correct: Bool, _ extracted: String? = nil, failure: String? = nil) -> ArmAnswer {
        ArmAnswer(
            text: "12 + 7 = 19. The answer is \(extracted ?? "unclear").", extracted: failure == nil ? extracted ?? (correct ? "19" : "24") : nil,
            correct: correct, failure: failure, tokens: 12, seconds: 0.01)
    }

    static func item(
        _ id: String, _ text: Bool, _ audio: Bool, category: String = "arithmetic", source: String? = nil, question: String = "How many?"
    ) -> ItemResult {
        ItemResult(
            id: id, category: category, sourceQuestion: source, voice: "en-gb", question: question, answer: "19", audio: "clips/\(id).wav",
            arms: [.text: answer(text), .audio: answer(audio)])
    }

    /// An answer that a judge rated, in both arms; nil was not readable.
    static func rated(_ id: String, text: Int?, audio: Int?) -> ItemResult {
        func answer(_ score: Int?) -> ArmAnswer {
            ArmAnswer(
                text: "Well.", extracted: score.map(String.init), correct: (score ?? 1) >= 4, score: score ?? 1,
                failure: score == nil ? "unreadable_verdict" : nil)
        }
        return ItemResult(id: id, category: "alpacaeval", question: "Why?", answer: "", arms: [.text: answer(text), .audio: answer(audio)])
    }

    /// 100 items in two categories: text 90 % right, audio 65 %; b = 30, c = 5.
    static var items: [ItemResult] {
        (0..<100).map { place in
            let text = place < 90
            let audio = place >= 30 && place < 95
            return item("q\(place)", text, audio, category: place % 3 == 0 ? "ordering" : "arithmetic")
        }
    }

    static var report: GapReport { GapReport(id: "report-1", created: 1_780_000_000, items: items, reproducibility: facts()) }
}
