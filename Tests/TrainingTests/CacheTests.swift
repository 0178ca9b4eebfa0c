import Foundation
import Generation
import Objectives
import TestSupport
import Testing
import Training

/// What is found out once is not found out again: teacher's answers and checks of pairs, over runs and processes.
@Suite(.ownThread) struct CacheTests {
    private func key(_ number: Int) -> String { String(repeating: String(number, radix: 16), count: 64) }

    /// The one file of a folder that holds something.
    private func written(_ folder: URL) throws -> URL {
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        return try #require(files.first { (try? Data(contentsOf: $0))?.isEmpty == false })
    }

    @Test func linesOutliveTheProcessAndATornOneIsNobodys() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "deep/lines.txt")
        let (one, other) = (try #require(LineCache(file)), try #require(LineCache(file)))
        one.remember(Data("a".utf8), as: key(1))
        other.remember(Data("bb".utf8), as: key(2))
        one.remember(Data("ccc".utf8), as: key(3))
        one.remember(Data("again".utf8), as: key(3))
        #expect(one.value(key(1)) == Data("a".utf8) && one.value(key(3)) == Data("ccc".utf8) && one.value(key(2)) == nil)
        let handle = try FileHandle(forWritingTo: file)
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("\(key(4)) torn".utf8))
        let after = try #require(LineCache(file))
        #expect(after.count == 3 && after.value(key(2)) == Data("bb".utf8))
        after.remember(Data("d".utf8), as: key(5))
        let last = try #require(LineCache(file))
        #expect(last.value(key(5)) == Data("d".utf8) && last.value(key(3)) == Data("ccc".utf8) && last.count == 5)
        #expect(LineCache(URL(filePath: "/proc/none/lines.txt")) == nil)
    }

    /// A second run of the same teacher asks it nothing, and takes the same steps to the bit.
    @Test func runsOfOneTeacherShareItsAnswers() async throws {
        let folder = try TemporaryFolder()
        func trainer(_ answers: TeacherAnswers) throws -> Trainer {
            try Trainer(
                engine: StepFixture.engine(), plan: .lowRank(rank: 8), options: StepFixture.options(), judge: StepFixture.matching, answers: answers)
        }
        func answers(_ teacher: String? = nil) -> TeacherAnswers { TeacherAnswers(in: folder.url, model: "m", teacher: teacher, maxTokens: 40) }
        let alone = try await trainer(TeacherAnswers()).step(StepFixture.pairs())
        let cold = try await trainer(answers()).step(StepFixture.pairs())
        #expect(answers().count == 4 && answers("another").count == 0)
        let warm = try await trainer(answers()).step(StepFixture.pairs())
        #expect(cold.metrics == alone.metrics && warm.metrics == alone.metrics)
        #expect(warm.pairs.map(\.teacherAnswer) == alone.pairs.map(\.teacherAnswer))
        // It is the file that answers.
        let file = try written(folder.url)
        let lines = try String(contentsOf: file, encoding: .utf8)
        try lines.replacing("answer is", with: "reply was").write(to: file, atomically: true, encoding: .utf8)
        let told = try await trainer(answers()).step(StepFixture.pairs())
        #expect(told.pairs.contains { $0.teacherAnswer!.contains("reply was") })
    }

    @Test func clipsThatHaveNotChangedAreNotHeardAgain() async throws {
        let folder = try TemporaryFolder()
        for pair in ["plus", "days"] { try FileManager.default.copyItem(at: StepFixture.file(pair), to: folder.url.appending(path: "\(pair).flac")) }
        let manifest = folder.url.appending(path: "manifest.jsonl")
        try Data(
            """
            {"id": "a", "audio": "plus.flac", "text": "What is 8 plus 5?", "answer": "13"}
            {"id": "b", "audio": "days.flac", "text": "Today is Monday. What day is it in 3 days?", "answer": "Thursday"}
            """.utf8
        ).write(to: manifest)
        let cache = folder.url.appending(path: "cache")
        func content(_ use: RowUse = .pairs(Objective())) async throws -> String {
            try await PairManifest(manifest, for: use).checked(by: StepFixture.model.get(), checks: PairChecks(in: cache, model: "m")).content
        }
        let plain = try await PairManifest(manifest, for: .pairs(Objective())).checked(by: StepFixture.model.get()).content
        #expect(try await content() == plain)
        #expect(PairChecks(in: cache, model: "m").count == 2 && PairChecks(in: cache, model: "n").count == 0)
        #expect(try await content() == plain)
        // It is the file that says so.
        let file = try written(cache)
        let lines = try String(contentsOf: file, encoding: .utf8)
        try (lines.split(separator: "\n").map { $0.prefix(65) + String(repeating: "0", count: 64) + "\n" }.joined())
            .write(to: file, atomically: true, encoding: .utf8)
        #expect(try await content() != plain)
        // Another method, another text or another clip is looked at anew.
        _ = try await content(.pairs(Objective(.supervised)))
        #expect(PairChecks(in: cache, model: "m").count == 4)
        let bytes = try Data(contentsOf: folder.url.appending(path: "plus.flac"))
        try Data(bytes.reversed()).write(to: folder.url.appending(path: "plus.flac"))
        await #expect(throws: TrainingError.self) { try await content() }
    }

    /// What was unpacked from the same bytes elsewhere is the same; from other bytes it is looked at anew, and nothing leads out of the folder.
    @Test func unpackedClipsAreKnownByWhatTheyCameFrom() async throws {
        let folder = try TemporaryFolder()
        func laid(_ name: String, _ clip: String) throws -> URL {
            let place = folder.url.appending(path: name)
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            try FileManager.default.copyItem(at: StepFixture.file(clip), to: place.appending(path: "clip.flac"))
            try Data(#"{"id": "a", "audio": "clip.flac", "text": "What is 8 plus 5?", "answer": "13"}"#.utf8)
                .write(to: place.appending(path: "manifest.jsonl"))
            return place
        }
        let cache = folder.url.appending(path: "cache")
        func content(_ place: URL, from upload: String, as unpacked: URL? = nil) async throws -> String {
            let checks = PairChecks(in: cache, model: "m").unpacked(into: unpacked ?? place, from: upload)
            return try await PairManifest(place.appending(path: "manifest.jsonl"), for: .pairs(Objective()))
                .checked(by: StepFixture.model.get(), checks: checks).content
        }
        func count() -> Int { PairChecks(in: cache, model: "m").count }
        let (first, again, other) = (try laid("1", "plus"), try laid("2", "plus"), try laid("3", "days"))
        let heard = try await content(first, from: "upload")
        #expect(count() == 1)
        #expect(try await content(again, from: "upload") == heard && count() == 1)
        #expect(try await content(other, from: "another") != heard && count() == 2)
        // A folder whose name begins alike is not the one that was unpacked: its files are known by themselves.
        let beside = try laid("10", "days")
        #expect(try await content(beside, from: "upload", as: first) != heard && count() == 3)
    }

    @Test func aFileOfChecksThatGrewTooLargeBeginsAnew() throws {
        let folder = try TemporaryFolder()
        let lines = try #require(LineCache(folder.url.appending(path: "pairs-m.txt")))
        for number in 1...3 { lines.remember(Data(repeating: 48, count: 64), as: key(number)) }
        let size = 3 * (64 + 1 + 64 + 1)
        #expect(PairChecks(in: folder.url, model: "m", limit: size).count == 3)
        #expect(PairChecks(in: folder.url, model: "m", limit: size - 1).count == 0)
    }
}
