import Foundation
import TestSupport
import Testing
import Workshop

@Suite struct BatchAnswersTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func line(_ index: Int) -> BatchAnswers.Line {
        BatchAnswers.Line(index, "line \(index)", reply: BatchReply(status: 200, body: Data(#"{"answer": \#(index)}"#.utf8)))
    }

    private func written(_ answers: BatchAnswers) throws -> [String] {
        var lines: [String] = []
        try answers.pass(refused: false) { lines.append(String(decoding: $0, as: UTF8.self)) }
        return lines
    }

    /// What the disk did not take was not answered: it is asked again, and its bytes spoil no other line.
    @Test func aLineThatTheDiskDoesNotTakeIsAsIfItHadNotCome() throws {
        let file = folder.url.appending(path: "answers")
        let answers = try BatchAnswers(file)
        try answers.append(line(0))
        #expect(throws: (any Error).self) { try withFailingDisk(after: 0) { try answers.append(line(1)) } }
        #expect(!answers.has(1) && answers.counts.completed == 1)
        try answers.append(line(2))
        try answers.append(line(1))
        try answers.append(line(1))
        for answers in [answers, try BatchAnswers(file)] {
            #expect(answers.counts.completed == 3)
            let lines = try written(answers)
            #expect(lines.count == 3)
            for (index, line) in lines.enumerated() { #expect(line.contains(#""custom_id":"line \#(index)""#) && line.hasSuffix("}\n")) }
        }
    }

    @Test func halfALineAtTheEndIsDropped() throws {
        let file = folder.url.appending(path: "answers")
        try BatchAnswers(file).append(line(0))
        let whole = try Data(contentsOf: file)
        try (whole + Data("1 0 {\"id\":".utf8)).write(to: file)
        let answers = try BatchAnswers(file)
        #expect(!answers.has(1))
        try answers.append(line(1))
        #expect(try written(answers).count == 2)
    }
}
