import Encodings
import Evaluation
import Foundation
import Judging
import TestSupport
import Testing

@Suite(.ownThread) struct QuestionSetTests {
    static let sets: [(String, [String], [String], [TaskType])] = [
        ("cord/questions.jsonl", ["arith-1/en-us", "fact-1/en-gb"], ["19", "B"], [TaskType.number, .choice]),
        ("audiofolder/metadata.jsonl", ["data/1.wav", "data/2.wav"], ["19", "yes"], [.number, .yesNo]),
        ("voicebench/openbookqa.jsonl", ["row-1", "row-2"], ["B", "19"], [.choice, .number]),
        ("voicebench/alpacaeval.jsonl", ["row-1"], [""], [.rating]),
        ("voicebench/advbench.jsonl", ["row-1"], ["refused"], [.refusal]),
        (
            "voicebench/ifeval.jsonl", ["1001", "1002"], ["length_constraints:number_words, punctuation:no_comma", "keywords:existence"],
            [.instructions, .instructions]
        ),
        ("voicebench/sd-qa.jsonl", ["row-1", "row-2"], ["Miguel de Cervantes", "Miguel de Cervantes"], [.freeForm, .freeForm]),
        ("big_bench_audio/metadata.jsonl", ["0", "1"], ["invalid", "7"], [.choice, .number]),
        ("kimi_evalkit/openbookqa.jsonl", ["0"], ["B"], [.choice]),
        ("ms_swift/train.jsonl", ["row-1"], ["19"], [.number]),
        ("speech_math/metadata.jsonl", ["GSM8k_structured/0", "GSM8k_structured/1"], ["19", "600"], [.number, .number]),
        (
            "vera/episodes.jsonl", ["vera_aime_00000001", "vera_simpleqa_00000002"], ["19", "Miguel de Cervantes Saavedra"],
            [.number, .phrase]
        ),
    ]

    @Test(arguments: QuestionSetTests.sets)
    func everyFormatIsReadAndToldFromItsColumns(_ file: String, _ ids: [String], _ answers: [String], _ types: [TaskType]) throws {
        let set = try ManifestReader().read(Fixtures.file("sets/" + file))
        #expect(set.items.map(\.id) == ids)
        #expect(set.items.map(\.answer) == answers)
        #expect(set.items.map(\.type) == types)
        #expect(set.items.allSatisfy { !$0.text.isEmpty && !$0.text.contains("<audio>") })
        for item in set.items {
            if let clip = set.clip(item) { #expect(FileManager.default.fileExists(atPath: clip.place.path)) }
        }
    }

    private static let clip = Data("RIFF of a clip".utf8)

    /// Rows of every format name their clip as requests do.
    @Test(arguments: [
        (#"{"text": "Which?", "answer": "1", "audio": CLIP}"#, "row-1"),
        (#"{"text": "Which?", "answer": "1", "audio_path": CLIP}"#, "row-1"),
        (#"{"file_name": CLIP, "text": "Which?", "answer": "1"}"#, "row-1"),
        (#"{"prompt": "Which?", "reference": "1", "audio": CLIP}"#, "row-1"),
        (#"{"id": 1, "category": "c", "official_answer": "1", "transcript": "Which?", "audio": CLIP}"#, "1"),
        (#"{"index": 1, "audio_path": CLIP, "question": "Which?", "answer": "1"}"#, "1"),
        (#"{"index": 1, "audio": CLIP, "question": "Which?", "answer": "1"}"#, "1"),
        (#"{"messages": [{"role": "user", "content": "<audio>Which?"}, {"role": "assistant", "content": "1"}], "audios": [CLIP]}"#, "row-1"),
        (
            #"{"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": CLIP}, {"type": "text", "text": "Which?"}]}, {"role": "assistant", "content": "1"}]}"#,
            "row-1"
        ),
        (
            #"{"messages": [{"role": "user", "content": [{"type": "audio"}, {"type": "text", "text": "Which?"}]}, {"role": "assistant", "content": "1"}], "audio": CLIP}"#,
            "row-1"
        ),
    ]) func clipsAreWrittenAsEverywhere(row: String, id: String) throws {
        let folder = try Fixtures.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let manifest = folder.appending(path: "m.jsonl")
        try Self.clip.write(to: folder.appending(path: "a.wav"))
        let data = Self.clip.base64EncodedString()
        var hashes: Set<String> = []
        for (clip, name) in [
            (#"{"data": "\#(data)", "format": "wav"}"#, nil), (#""data:audio/wav;base64,\#(data)""#, nil), (#"{"path": "a.wav"}"#, "a.wav"),
            (#"{"file_id": "file-1"}"#, "upload://file-1"),
        ] {
            try Data(row.replacing("CLIP", with: clip).utf8).write(to: manifest)
            let set = try ManifestReader().read(manifest) { reference in
                reference == .file(id: "file-1") ? .bytes(Self.clip) : try ManifestReader.found(reference)
            }
            let item = try #require(set.items.first)
            #expect(item.text == "Which?" && item.answer == "1" && [id, "a.wav"].contains(item.id), "\(item)")
            #expect(try set.clip(item)?.read() == Self.clip)
            if let name { #expect(item.audio == name) }
            var unnamed = item
            (unnamed.id, unnamed.source) = ("", "")
            hashes.insert(try QuestionSet(name: "", folder: folder, items: [unnamed], clips: set.clips).hash())
            if clip.contains("file_id") {
                let error = #expect(throws: QuestionSetError.self) { try ManifestReader().read(manifest) }
                #expect(error?.description == "m.jsonl, line 1: the clip file-1 is an upload of a server; name a file")
            }
        }
        #expect(hashes.count == 1, "where a clip lies changes what the set is")
    }

    @Test(arguments: [
        (#"{"text": "Which?", "answer": "1", "audio": {"data": "%%"}}"#, "audio: expected base64, found other characters"),
        (#"{"text": "Which?", "answer": "1", "audio": {"dat": "AAAA"}}"#, "audio.dat: unknown member; the members here are "),
        (#"{"text": "Which?", "answer": "1", "audio": {"data": "AAAA", "file_id": "f"}}"#, "found several"),
        (#"{"text": "Which?", "answer": "1", "audio": "https://host/a.wav"}"#, "nothing is fetched; name a file"),
        (
            #"{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}, {"role": "assistant", "content": "1"}]}"#,
            "image_url"
        ),
        (
            #"{"messages": [{"role": "user", "content": "<audio>"}, {"role": "assistant", "content": "1"}], "audios": ["a.wav", "b.wav"]}"#,
            "at most one clip"
        ),
    ]) func clipsThatCannotBeReadAreNamedByLine(row: String, words: String) throws {
        let folder = try Fixtures.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let manifest = folder.appending(path: "m.jsonl")
        try Data(row.utf8).write(to: manifest)
        let error = #expect(throws: QuestionSetError.self) { try ManifestReader().read(manifest) }
        #expect(
            error?.description.hasPrefix("m.jsonl, line 1: ") == true && error?.description.contains(words) == true, "\(error?.description ?? "")")
    }

    @Test func spokenChoicesAreTakenFromTheQuestion() throws {
        let set = try ManifestReader().read(Fixtures.file("sets/voicebench/openbookqa.jsonl"))
        #expect(set.items[0].choices == ["London", "Paris", "Rome", "Madrid"])
        #expect(set.items[1].choices.isEmpty)
    }

    /// What VERA hides is read by its canary; what its clip does not say is refused, as one arm would ask it and the other not.
    @Test func veraIsReadByItsCanary() throws {
        let place = Fixtures.file("sets/vera/episodes.jsonl")
        let set = try ManifestReader().read(place)
        #expect(set.items.map(\.text) == ["Tom has 12 apples. He buys 7 more. How many apples are there now?", "Who wrote “Don Quixote”?"])
        #expect(set.items.map(\.category) == ["mathematical_reasoning", "factual"])
        let row = try #require(String(contentsOf: place, encoding: .utf8).split(separator: "\n").first)
        let folder = try Fixtures.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let manifest = folder.appending(path: "episodes.jsonl")
        let canary = try #require(row.firstMatch(of: /"canary": "[0-9a-f]*"/)).output
        for (part, other, words) in [
            (#""context_documents": []"#, #""context_documents": [{"content": "x"}]"#, "context_documents must be empty"),
            (#""prefix_text": null"#, #""prefix_text": "Hear:""#, "prefix_text must be empty"),
            (#""turns": [{"#, #""turns": [{}, {"#, "one user's turn"),
            (String(canary), #""canary": "0""#, "that the row's canary reads"), (#""role": "user""#, #""role": "assistant""#, "one user's turn"),
            (#""expected_answer": ""#, #""expected_answer": "%"#, "that the row's canary reads"),
            (#""expected_answer""#, #""other""#, "metadata.expected_answer"),
            (String(canary), #""canary": null"#, "expected the column canary"),
        ] {
            let text = row.replacing(part, with: other)
            #expect(text != row)
            try Data(text.utf8).write(to: manifest)
            let error = #expect(throws: QuestionSetError.self) { try ManifestReader().read(manifest) }
            #expect(error?.description.contains(words) == true, "\(String(describing: error))")
        }
    }

    @Test func regionsOfOneQuestionAreVoicesOfOneSource() throws {
        let set = try ManifestReader().read(Fixtures.file("sets/voicebench/sd-qa.jsonl"))
        #expect(set.items.map(\.voice) == ["aus", "usa"] && Set(set.items.map(\.source)).count == 1)
    }

    @Test func aRowWithoutReferenceNeedsASubsetOrATypeThatHasNone() throws {
        let folder = try Fixtures.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let manifest = folder.appending(path: "m.jsonl")
        try Data(#"{"prompt": "Why?", "subset": "mtbench"}"#.utf8).write(to: manifest)
        #expect(throws: QuestionSetError.missingColumn(file: "m.jsonl", line: 1, column: "reference", found: ["prompt", "subset"])) {
            try ManifestReader().read(manifest)
        }
        try Data(#"{"prompt": "Why?"}"#.utf8).write(to: manifest)
        #expect(try ManifestReader().read(manifest, format: .voiceBench, type: .rating).items[0].type == .rating)
    }

    /// Hugging Face's AudioFolder: its metadata as a table gives the items of its metadata as JSON lines.
    @Test(arguments: ["\n", "\r\n"])
    func audioFoldersAreReadFromTables(end: String) throws {
        let lines = try ManifestReader().read(Fixtures.file("sets/audiofolder/metadata.jsonl"))
        let folder = try Fixtures.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.copyItem(at: Fixtures.file("sets/audiofolder/data"), to: folder.appending(path: "data"))
        var table = "\u{FEFF}file_name,transcription,answer,speaker" + end
        for item in lines.items { table += "\(item.audio!),\"\(item.text)\",\(item.answer),\(item.voice ?? "")\(end)" }
        try Data(table.utf8).write(to: folder.appending(path: "metadata.csv"))
        let set = try BenchmarkCatalog.questionSet(at: folder)
        #expect(set.items == lines.items)
        #expect(try set.hash() == lines.hash())
        // The column may be called after what it holds.
        try Data(table.replacing("file_name", with: "audio_file_name").utf8).write(to: folder.appending(path: "metadata.csv"))
        #expect(try BenchmarkCatalog.questionSet(at: folder).items == lines.items)
    }

    @Test func splitsOfAnAudioFolderAreItsCategories() throws {
        let folder = try Fixtures.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        for (split, name, answer) in [("train", "metadata.csv", 1), ("test", "metadata.jsonl", 2)] {
            let place = folder.appending(path: "data/" + split)
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            try Data("x".utf8).write(to: place.appending(path: "a.wav"))
            let text =
                name.hasSuffix("csv")
                ? "file_name,text,answer\na.wav,Which?,\(answer)\n" : #"{"file_name": "a.wav", "text": "Which?", "answer": \#(answer)}"#
            try Data(text.utf8).write(to: place.appending(path: name))
        }
        let set = try BenchmarkCatalog.questionSet(at: folder)
        #expect(set.items.map(\.audio) == ["data/test/a.wav", "data/train/a.wav"])
        #expect(set.items.map(\.category) == ["test", "train"] && set.items.map(\.answer) == ["2", "1"])
        #expect(Set(set.items.map(\.id)).count == 2 && set.items.allSatisfy { FileManager.default.fileExists(atPath: set.clip($0)!.place.path) })
        #expect(try BenchmarkCatalog.questionSet(at: folder.appending(path: "data/test")).items.map(\.id) == ["a.wav"])
    }

    @Test func tablesThatBreakTheirRulesAreNamedByLine() throws {
        let folder = try Fixtures.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let manifest = folder.appending(path: "metadata.csv")
        for (text, words) in [
            ("file_name,text,answer\na.wav,b", "line 2: expected 3 fields"),
            ("file_name,text,answer\na.wav,b,1\n", "line 2: there is no audio file a.wav"),
            ("file_name,text\n../a.wav,b\n", "line 2: expected the column answer"), ("PAR1", "read_parquet"), ("file_name,text,answer\n", "no rows"),
        ] {
            try Data(text.utf8).write(to: manifest)
            let error = #expect(throws: QuestionSetError.self) { try BenchmarkCatalog.questionSet(at: folder) }
            #expect(error?.description.contains(words) == true, "\(String(describing: error))")
        }
    }

    @Test func ownFormatSurvivesARoundTrip() throws {
        let set = try ManifestReader().read(Fixtures.file("sets/cord/questions.jsonl"))
        let folder = try Fixtures.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.copyItem(at: Fixtures.file("sets/cord/clips"), to: folder.appending(path: "clips"))
        let copy = folder.appending(path: "questions.jsonl")
        try set.jsonLines().write(to: copy)
        let again = try ManifestReader().read(copy)
        #expect(again.items == set.items)
        #expect(try again.hash() == set.hash())
    }

    @Test func instructionsSurviveARoundTrip() throws {
        let set = try ManifestReader().read(Fixtures.file("sets/voicebench/ifeval.jsonl"))
        #expect(set.items[0].instructions?[0].arguments == ["num_words": .number(5), "relation": .text("at least")])
        #expect(set.items[1].instructions?[0].arguments == ["keywords": .list(["apple", "pear"])])
        let folder = try Fixtures.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.copyItem(at: Fixtures.file("sets/voicebench/clips"), to: folder.appending(path: "clips"))
        let copy = folder.appending(path: "questions.jsonl")
        try set.jsonLines().write(to: copy)
        let again = try ManifestReader().read(copy)
        #expect(again.items == set.items)
        #expect(try again.hash() == set.hash())
    }

    @Test func hashSeesTextsAndSounds() throws {
        let folder = try Fixtures.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let clip = folder.appending(path: "a.wav")
        func set(_ text: String, _ sound: String) throws -> String {
            try Data(sound.utf8).write(to: clip)
            let item = QuestionSet.Item(id: "1", category: "c", text: text, audio: "a.wav", answer: "1", type: .number)
            return try QuestionSet(name: "n", folder: folder, items: [item]).hash()
        }
        let first = try set("one", "sound")
        #expect(try set("one", "sound") == first)
        #expect(try set("two", "sound") != first)
        #expect(try set("one", "noise") != first)
    }
}

@Suite struct BadManifestTests {
    /// Reads lines as a manifest in a folder that holds `a.wav`, a link to it, and a link to a folder.
    func failure(_ lines: String, maximumRows: Int = 100) throws -> QuestionSetError? {
        let folder = try Fixtures.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("x".utf8).write(to: folder.appending(path: "a.wav"))
        try FileManager.default.createSymbolicLink(at: folder.appending(path: "link.wav"), withDestinationURL: folder.appending(path: "a.wav"))
        try FileManager.default.createSymbolicLink(atPath: folder.appending(path: "etc").path, withDestinationPath: "/etc")
        let manifest = folder.appending(path: "m.jsonl")
        try Data(lines.utf8).write(to: manifest)
        do {
            _ = try ManifestReader(maximumRows: maximumRows).read(manifest)
            return nil
        } catch let error as QuestionSetError {
            return error
        }
    }

    func row(_ id: String, _ audio: String) -> String { "{\"id\":\"\(id)\",\"text\":\"t\",\"answer\":\"1\",\"audio\":\"\(audio)\"}\n" }

    @Test func badRowsAreNamedByLine() throws {
        #expect(try failure(row("1", "a.wav")) == nil)
        #expect(try failure(row("1", "a.wav") + "\n" + row("1", "a.wav")) == .duplicate(file: "m.jsonl", line: 3, id: "1", first: 1))
        #expect(try failure(row("1", "a.wav") + row("2", "b.wav")) == .missingAudio(file: "m.jsonl", line: 2, path: "b.wav"))
        #expect(try failure(#"{"id": "1", "id": "2"}"#) == .row(file: "m.jsonl", line: 1, reason: "the member \"id\" stands there twice"))
        #expect(try failure(row("1", "a.wav") + "{not json}\n") == .notAnObject(file: "m.jsonl", line: 2, reason: "text that is no JSON"))
        #expect(try failure(row("1", "a.wav") + "[1]\n") == .notAnObject(file: "m.jsonl", line: 2, reason: "another JSON value"))
        #expect(try failure("\n \n") == .empty(file: "m.jsonl"))
        #expect(
            try failure(row("1", "a.wav") + "{\"id\":\"2\",\"text\":\"t\"}\n")
                == .missingColumn(file: "m.jsonl", line: 2, column: "answer", found: ["id", "text"]))
        #expect(try failure("{\"wrong\":1}\n")?.description.contains("found wrong") == true)
        #expect(
            try failure("{\"id\":\"2\",\"text\":[1],\"answer\":\"1\"}\n")
                == .wrongType(file: "m.jsonl", line: 1, column: "text", expected: "text or a number"))
    }

    @Test func instructionsThatCannotBeCheckedAreRefusedByName() throws {
        func refusal(_ ids: String, _ arguments: String) throws -> String? {
            try failure(#"{"prompt": "p", "instruction_id_list": \#(ids), "kwargs": \#(arguments)}"#)?.description
        }
        #expect(try refusal(#"["punctuation:no_comma"]"#, "[{}]") == nil)
        #expect(
            try refusal(#"["punctuation:no_comma", "style:rhyme"]"#, "[{}, {}]")?.contains("line 1: the instruction style:rhyme is not one") == true)
        #expect(
            try refusal(#"["length_constraints:number_words"]"#, #"[{"relation": "at least", "num_words": null}]"#)
                == "m.jsonl, line 1: the instruction length_constraints:number_words needs num_words, a number from 0 on; leave the item out")
        #expect(try refusal(#"["language:response_language"]"#, #"[{"language": "xx"}]"#)?.contains("found xx") == true)
        #expect(
            try refusal(#"["keywords:frequency"]"#, #"[{"keyword": "a", "frequency": 1, "relation": "about"}]"#)?.contains("found \"about\"") == true)
        #expect(try refusal(#"["punctuation:no_comma"]"#, "[]")?.contains("column kwargs") == true)
        #expect(try refusal("[]", "[]")?.contains("column kwargs") == true)
        #expect(try refusal(#"["length_constraints:number_words"]"#, #"[{"num_words": 1.5}]"#)?.contains("whole numbers") == true)
    }

    /// The reference of the only row with these members, or the refusal.
    func reference(_ members: String) throws -> (type: TaskType, answer: String, refusal: String?) {
        let folder = try Fixtures.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let manifest = folder.appending(path: "m.jsonl")
        try Data("{\"id\": \"1\", \"text\": \"t\", \(members)}\n".utf8).write(to: manifest)
        do {
            let item = try ManifestReader().read(manifest).items[0]
            return (item.type, item.answer, nil)
        } catch let error as QuestionSetError {
            return (.freeForm, "", error.description)
        }
    }

    @Test(arguments: [
        (#""choices": ["22", "24"], "answer": 1, "type": "choice""#, "B"), (#""choices": ["22", "24"], "answer": 0, "type": "choice""#, "A"),
        (#""choices": ["22", "24"], "answer": 1"#, "B"), (#""choices": ["22", "24"], "answer": 24, "type": "choice""#, "B"),
        (#""choices": ["0", "1"], "answer": 1, "type": "choice""#, "B"), (#""choices": ["no", "yes"], "answer": 1.0, "type": "choice""#, "B"),
    ])
    func integerLabelsCountFromZero(_ members: String, _ letter: String) throws {
        let read = try reference(members)
        #expect(read.refusal == nil && read.type == .choice)
        #expect(AnswerExtraction.canonical(read.answer, type: .choice, choices: try choices(members)) == letter)
    }

    private func choices(_ members: String) throws -> [String] {
        let object = try JSONSerialization.jsonObject(with: Data("{\(members)}".utf8)) as? [String: Any]
        return object?["choices"] as? [String] ?? []
    }

    @Test(arguments: [
        (#""choices": ["22", "24"], "answer": "C", "type": "choice""#, "names none of its 2 choices; give a letter from A to B"),
        (#""choices": ["22", "24"], "answer": 2, "type": "choice""#, "names none of its 2 choices"),
        (#""choices": ["22", "24"], "answer": -1, "type": "choice""#, "names none of its 2 choices"),
        (#""choices": ["22", "24"], "answer": "1", "type": "choice""#, "integer label from 0 to 1"),
        (#""choices": ["2", "1"], "answer": 1, "type": "choice""#, nil),
        (#""choices": ["1", "2"], "answer": 1, "type": "choice""#, "the text of one choice and the label of another"),
        (#""choices": ["cat", "dog"], "answer": "Oslo", "type": "choice""#, "names none of its 2 choices"),
        (#""answer": 1, "type": "choice""#, "a label without choices"), (#""answer": "G", "type": "choice""#, "no letter from A to E"),
        (#""answer": "unknown", "type": "number""#, "names no number"), (#""answer": "5", "type": "day""#, "names no day"),
        (#""answer": "maybe", "type": "yes_no""#, "names no yes_no"), (#""answer": true, "type": "yes_no""#, nil),
        (#""answer": "two thirds", "type": "number""#, nil), (#""choices": ["cat", "dog"], "answer": "b) dog", "type": "choice""#, nil),
        (#""answer": "", "type": "free_form""#, nil),
    ])
    func referencesThatCannotBeAnsweredAreRefusedByLine(_ members: String, _ refusal: String?) throws {
        let found = try reference(members).refusal
        #expect((found == nil) == (refusal == nil), "\(found ?? "accepted")")
        if let refusal {
            #expect(found?.contains(refusal) == true && found?.hasPrefix("m.jsonl, line 1: the answer ") == true, "\(found ?? "accepted")")
        }
    }

    @Test func pathsStayInTheFolder() throws {
        for path in ["../a.wav", "clips/../../a.wav", "/etc/passwd", "..\\\\a.wav"] {
            guard case .outside(_, 1, _)? = try failure(row("1", path)) else {
                Issue.record("\(path) was not refused as outside")
                continue
            }
        }
        #expect(try failure(row("1", "link.wav")) == .symbolicLink(file: "m.jsonl", line: 1, path: "link.wav"))
        #expect(try failure(row("1", "etc/passwd")) == .symbolicLink(file: "m.jsonl", line: 1, path: "etc/passwd"))
        #expect(try failure(row("1", ".")) == .missingAudio(file: "m.jsonl", line: 1, path: "."))
    }

    @Test func tooManyRowsAreRefused() throws {
        let lines = (0..<11).map { row("\($0)", "a.wav") }.joined()
        #expect(try failure(lines, maximumRows: 11) == nil)
        #expect(try failure(lines, maximumRows: 10) == .tooManyRows(file: "m.jsonl", limit: 10))
    }
}

extension QuestionSet {
    /// The set in cord's own format, one item a line.
    fileprivate func jsonLines() throws -> Data {
        let encoder = JSONEncoder()
        return try items.reduce(into: Data()) { try $0 += encoder.encode($1) + Data("\n".utf8) }
    }
}
