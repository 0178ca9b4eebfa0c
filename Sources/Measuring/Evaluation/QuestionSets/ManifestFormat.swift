import Encodings
import Foundation
import JSON
import Judging

/// The formats of manifests that are read. ``item(_:type:)`` reads a row's question and ``clip(_:)`` its clip, written as clips are everywhere.
package enum ManifestFormat: String, Sendable, CaseIterable {
    case cord
    case audioFolder = "audiofolder"
    case voiceBench = "voicebench"
    case bigBenchAudio = "big_bench_audio"
    case kimiEvalkit = "kimi_evalkit"
    case msSwift = "ms_swift"
    /// GSM8K and its like, spoken.
    case speechMath = "speech_math"
    case vera

    /// The columns of a row; optional ones in brackets.
    package var columns: String {
        switch self {
        case .cord: "text, answer [id, audio or audio_path, category, choices, type or task, source or question, voice, instructions]"
        case .audioFolder:
            """
            file_name or one column that ends so, text or transcription, answer [id, category, choices, type, speaker], in metadata.jsonl or \
            metadata.csv, beside the clips or in a folder a split
            """
        case .voiceBench:
            """
            prompt, audio, and reference, or instruction_id_list and kwargs, or subset, which says how an answer is scored \
            [id, category, split]
            """
        case .bigBenchAudio: "id, category, official_answer, file_name [transcript]"
        case .kimiEvalkit: "index, audio_path, audio_content or question, answer [subset]"
        case .msSwift: "messages with a user's and an assistant's turn, audios with one clip or an input_audio part in the user's turn"
        case .speechMath: "index, audio, question, answer, which may be a solution that ends in #### [subset]"
        case .vera: "id, turns with one user's, metadata with the expected_answer, canary, as VERA stores them [track]"
        }
    }

    /// The one line that makes a folder of it.
    package var exportCommand: String {
        switch self {
        case .cord: "cord speak questions.jsonl --output FOLDER"
        case .audioFolder: "huggingface-cli download OWNER/NAME --repo-type dataset --local-dir FOLDER"
        case .voiceBench:
            #"""
            python -c "import datasets as d,json,os; c='openbookqa'; os.makedirs(c+'/clips'); f=open(c+'/metadata.jsonl','w'); \#
            [(open(f'{c}/clips/{s}-{i}.wav','wb').write(r['audio']['bytes']), \#
            f.write(json.dumps({**r,'audio':f'clips/{s}-{i}.wav','subset':c,'split':s})+'\n')) \#
            for s,p in d.load_dataset('hlt-lab/voicebench',c).items() for i,r in enumerate(p.cast_column('audio',d.Audio(decode=False)))]"
            """#
        case .bigBenchAudio:
            "huggingface-cli download ArtificialAnalysis/big_bench_audio --repo-type dataset --local-dir FOLDER"
        case .kimiEvalkit:
            #"""
            python data/download_benchmark.py && sed -i 's#"audio_path": "[^"]*/\([^/"]*/[^/"]*\)"#"audio_path": "\1"#' openbookqa.jsonl
            """#
        case .msSwift: "cp train.jsonl FOLDER/    (as ms-swift trains on it, with its clips beside it)"
        case .speechMath:
            #"""
            python -c "import datasets as d,json,os; s='GSM8k_structured'; os.makedirs(s+'/clips'); f=open(s+'/metadata.jsonl','w'); \#
            [(open(f'{s}/clips/{i}.wav','wb').write(r['audio']['bytes']), f.write(json.dumps({**r,'audio':f'clips/{i}.wav'})+'\n')) \#
            for i,r in enumerate(d.load_dataset('dcml0714/speech_math',split=s).cast_column('audio',d.Audio(decode=False)))]"
            """#
        case .vera:
            "jq -c '.episodes[] | select(.context_documents == [])' voice_episodes.json > episodes.jsonl    (beside the folders of its clips)"
        }
    }

    /// A row, whose clip lies in the folder `clips`.
    package var example: String {
        switch self {
        case .cord:
            #"{"id": "sum-1", "audio": {"path": "clips/1.flac"}, "text": "What is the sum of 17, 9 and 28?", "answer": "54", "type": "number", "category": "sums", "voice": "en-us"}"#
        case .audioFolder: #"{"file_name": "clips/1.flac", "transcription": "What is the capital of France?", "answer": "Paris"}"#
        case .voiceBench:
            #"{"prompt": "Which is a planet? A. Mars B. Gold", "audio": {"path": "clips/1.flac"}, "reference": "A", "subset": "openbookqa"}"#
        case .bigBenchAudio:
            #"{"id": 1, "category": "formal_fallacies", "official_answer": "valid", "file_name": "clips/1.flac", "transcript": "Is the argument valid or invalid?"}"#
        case .kimiEvalkit:
            #"{"index": 1, "audio_path": "clips/1.flac", "audio_content": "Which is a planet? A. Mars B. Gold", "answer": "A", "subset": "openbookqa"}"#
        case .msSwift:
            #"{"messages": [{"role": "user", "content": "<audio>What is 8 plus 5?"}, {"role": "assistant", "content": "13"}], "audios": ["clips/1.flac"]}"#
        case .speechMath:
            #"{"index": 1, "audio": {"path": "clips/1.flac"}, "question": "What is 8 plus 5?", "answer": "8 + 5 = 13 #### 13", "subset": "GSM8k_structured"}"#
        // "What is 8 plus 5?" and "13", hidden by the canary.
        case .vera:
            #"{"id": "vera-1", "track": "factual", "canary": "example", "turns": [{"role": "user", "text_content": "B7A5lLg3v19YYfrDebaLbUA=", "audio_file": "clips/1.flac"}], "metadata": {"expected_answer": "Yes="}}"#
        }
    }

    /// The forms of a reference answer, which all formats share.
    package static var references: String { ManifestRow.referenceRule }

    static func telling(_ row: ManifestRow) throws -> ManifestFormat {
        func has(_ names: String...) -> Bool { names.allSatisfy { row.columns[$0] != nil } }
        if has("messages") { return .msSwift }
        if has("audio_path", "index") { return .kimiEvalkit }
        if has("turns", "canary") { return .vera }
        if has("index", "audio", "question", "answer") { return .speechMath }
        if has("official_answer") { return .bigBenchAudio }
        if has("file_name") || row.columns.keys.contains(where: { $0.hasSuffix("_file_name") }) { return .audioFolder }
        if has("prompt", "reference") || has("prompt", "subset") || has("prompt", "instruction_id_list") { return .voiceBench }
        if has("text", "answer") { return .cord }
        throw QuestionSetError.missingColumn(
            file: row.file, line: row.line,
            column:
                "set of one known format (text, answer | file_name | prompt, reference | prompt, subset | prompt, instruction_id_list | official_answer | index, audio_path | index, audio, question, answer | turns, canary | messages)",
            found: row.columns.keys.sorted())
    }

    func item(_ row: ManifestRow, type: TaskType?) throws -> QuestionSet.Item {
        switch self {
        case .cord: try own(row, type)
        case .audioFolder: try audioFolder(row, type)
        case .voiceBench: try voiceBench(row, type)
        case .bigBenchAudio: try bigBenchAudio(row, type)
        case .kimiEvalkit: try kimiEvalkit(row, type)
        case .msSwift: try msSwift(row, type)
        case .speechMath: try speechMath(row, type)
        case .vera: try VERAEpisode(row: row).item(type)
        }
    }

    private func own(_ row: ManifestRow, _ type: TaskType?) throws -> QuestionSet.Item {
        let answer = try row.required("answer")
        return QuestionSet.Item(
            id: try row.text("id") ?? "row-\(row.line)", category: try row.text("category") ?? "all", text: try row.required("text"),
            answer: answer, choices: try row.texts("choices") ?? [], type: try named(row) ?? type ?? TaskType(ofReference: answer),
            source: try row.text("source") ?? row.text("question"), voice: try row.text("voice"), instructions: try row.instructions())
    }

    private func audioFolder(_ row: ManifestRow, _ type: TaskType?) throws -> QuestionSet.Item {
        let answer = try row.required("answer", "reference", "target", "label")
        return QuestionSet.Item(
            id: try row.text("id") ?? name(row), category: try row.text("category") ?? "all",
            text: try row.required("text", "transcription", "transcript", "question", "prompt"), answer: answer,
            choices: try row.texts("choices") ?? [], type: try named(row) ?? type ?? TaskType(ofReference: answer),
            source: try row.text("source"), voice: try row.text("voice") ?? row.text("speaker"))
    }

    private func voiceBench(_ row: ManifestRow, _ type: TaskType?) throws -> QuestionSet.Item {
        let prompt = try row.required("prompt")
        let id = try row.text("id") ?? row.text("key") ?? "row-\(row.line)"
        let category = try row.text("category") ?? row.text("cate") ?? row.text("subset") ?? "all"
        if let instructions = try row.namedInstructions() {
            return QuestionSet.Item(
                id: id, category: category, text: prompt, answer: instructions.map(\.id).joined(separator: ", "),
                type: .instructions, instructions: instructions)
        }
        let subset = try row.text("subset").flatMap(VoiceBenchSubset.init)
        let (type, answer) = try subset?.scoring(row, type) ?? VoiceBenchSubset.referenced(row, type)
        // One question of SD-QA is spoken by people of several regions, a split each.
        let region = subset == .sdQA ? try row.text("split") : nil
        return QuestionSet.Item(
            id: id, category: category, text: prompt, answer: answer,
            choices: type == .choice ? Self.lettered(prompt, with: answer) : [], type: type,
            source: region == nil ? nil : prompt, voice: region)
    }

    /// What an AudioFolder's row without an id is called: as its file.
    private func name(_ row: ManifestRow) throws -> String {
        if case .path(let path)? = try clip(row) { return path }
        return "row-\(row.line)"
    }

    private func bigBenchAudio(_ row: ManifestRow, _ type: TaskType?) throws -> QuestionSet.Item {
        let answer = try row.required("official_answer")
        let validity = ["valid", "invalid"].contains(answer.lowercased())
        return QuestionSet.Item(
            id: try row.required("id"), category: try row.required("category"), text: try row.text("transcript") ?? row.text("text") ?? "",
            answer: answer, choices: validity ? ["valid", "invalid"] : [],
            type: type ?? (validity ? .choice : TaskType(ofReference: answer)))
    }

    private func kimiEvalkit(_ row: ManifestRow, _ type: TaskType?) throws -> QuestionSet.Item {
        let spoken = try row.text("audio_content") ?? ""
        let typed = try row.text("question") ?? ""
        let answer = try row.required("answer")
        let text = [spoken, typed].filter { !$0.isEmpty }.joined(separator: "\n")
        let kind = type ?? TaskType(ofReference: answer)
        return QuestionSet.Item(
            id: try row.required("index"), category: try row.text("subset") ?? "all", text: text,
            answer: answer, choices: kind == .choice ? Self.lettered(text, with: answer) : Self.lettered(text),
            type: kind)
    }

    private func msSwift(_ row: ManifestRow, _ type: TaskType?) throws -> QuestionSet.Item {
        guard case .array(let messages) = row.columns["messages"] else { throw row.wrongType("messages", "a list of {role, content}") }
        let said = { (role: String) in messages.last { $0["role"] == .string(role) }?["content"].flatMap(Self.text) }
        guard let question = said("user"), let answer = said("assistant"), !answer.isEmpty else {
            throw row.wrongType("messages", "a user's and an assistant's message with text")
        }
        return QuestionSet.Item(
            id: try row.text("id") ?? "row-\(row.line)", category: try row.text("category") ?? "all",
            text: try row.text("text") ?? question.replacing("<audio>", with: "").trimmingCharacters(in: .whitespacesAndNewlines),
            answer: answer, type: type ?? TaskType(ofReference: answer))
    }

    /// What a message says: its content, or the text parts of it.
    private static func text(_ content: JSONValue) -> String? {
        switch content {
        case .string(let text): text
        case .array(let parts):
            parts.filter { $0["type"] == .string("text") }.compactMap { try? $0.string("text") }.joined(separator: "\n")
        default: nil
        }
    }

    private func speechMath(_ row: ManifestRow, _ type: TaskType?) throws -> QuestionSet.Item {
        let solution = try row.required("answer")
        // GSM8K's solutions end in "#### 18".
        let answer = solution.ranges(of: "####").last.map { solution[$0.upperBound...].trimmingCharacters(in: .whitespacesAndNewlines) } ?? solution
        let subset = try row.text("subset")
        return QuestionSet.Item(
            id: try (subset.map { $0 + "/" } ?? "") + row.required("index"), category: subset ?? "all", text: try row.required("question"),
            answer: answer, type: type ?? TaskType(ofReference: answer))
    }

    private func named(_ row: ManifestRow) throws -> TaskType? {
        guard let column = ["type", "task"].first(where: { row.columns[$0] != nil }), let name = try row.text(column) else { return nil }
        guard let type = TaskType(rawValue: name == "letter" ? "choice" : name) else {
            throw row.wrongType(column, "one of " + TaskType.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return type
    }

    /// The choices that a question lists; none where its reference is a letter that is not among them, so that they cannot be all.
    private static func lettered(_ text: String, with answer: String) -> [String] {
        let choices = lettered(text)
        return AnswerExtraction.readable(answer, type: .choice, choices: choices) == nil ? [] : choices
    }

    /// The choices that a question lists as "A. …", one a line or one after the other.
    static func lettered(_ text: String) -> [String] {
        var choices: [String] = []
        var rest = text[...]
        for place in 0..<26 {
            let letter = String(UnicodeScalar(UInt8(65 + place)))
            let starts = [". ", ") ", ": "].compactMap { rest.range(of: letter + $0) }
            guard let start = starts.min(by: { $0.lowerBound < $1.lowerBound }) else { break }
            if place > 0 { choices[place - 1] = choices[place - 1].isEmpty ? String(rest[..<start.lowerBound]) : choices[place - 1] }
            choices.append("")
            rest = rest[start.upperBound...]
        }
        guard choices.count > 1 else { return [] }
        choices[choices.count - 1] = String(rest)
        let trim = CharacterSet.whitespacesAndNewlines.union(CharacterSet(charactersIn: ".,;(["))
        return choices.map { $0.trimmingCharacters(in: trim) }
    }
}
