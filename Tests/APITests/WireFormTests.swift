import API
import Foundation
import Server
import Testing
import Workshop

/// The form on the wire of every type, with all of its members: a line of `Tests/Fixtures/wire/forms.txt` each.
@Suite struct WireFormTests {
    static let lines: [(type: String, form: String)] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fixtures/wire/forms.txt").standardized
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map { line in
            let parts = line.split(separator: " ", maxSplits: 1)
            return (String(parts[0]), String(parts[1]))
        }
    }()

    /// Requests that are written, too: by the command line, or as jobs in the store.
    static let requests: [String: any (Codable & Sendable).Type] = [
        "AnswerRequest": AnswerRequest.self, "BatchRequest": BatchRequest.self,
        "FineTuningRequest": FineTuningRequest.self, "GapRunRequest": GapRunRequest.self,
    ]

    static let readAlone: [String: any (Decodable & Sendable).Type] = [
        "BenchmarkRequest": BenchmarkRequest.self, "ChatCompletionRequest": ChatCompletionRequest.self, "ClipQuery": ClipQuery.self,
        "CompareQuery": CompareQuery.self, "CompletionRequest": CompletionRequest.self, "CordStepRequest": CordStepRequest.self,
        "DetokenizeRequest": DetokenizeRequest.self, "InspectRequest": InspectRequest.self, "LoadAdapterRequest": LoadAdapterRequest.self,
        "FileExpiry": FileExpiry.self, "ItemsQuery": ItemsQuery.self, "MarkRequest": MarkRequest.self, "PageQuery": PageQuery.self,
        "ReportQuery": ReportQuery.self, "ResponsesRequest": ResponsesRequest.self,
        "RowsQuery": RowsQuery.self, "ScoreRequest": ScoreRequest.self, "TokenizeRequest": TokenizeRequest.self,
        "UnloadAdapterRequest": UnloadAdapterRequest.self,
    ]

    static let responses: [String: any (Codable & Sendable).Type] = [
        "Answer": Answer.self, "AnswerChunk": AnswerChunk.self, "Batch": Batch.self,
        "Benchmark": Benchmark.self, "BenchmarkItem": BenchmarkItem.self, "ChatCompletion": ChatCompletion.self,
        "ChatCompletionChunk": ChatCompletionChunk.self, "ListObject<ItemMark>": ListObject<ItemMark>.self,
        "CordScore": CordScore.self, "CordStep": CordStep.self, "DeletedObject": DeletedObject.self,
        "DetokenizeResponse": DetokenizeResponse.self, "ErrorBody": ErrorBody.self, "FileObject": FileObject.self,
        "FineTuningCheckpoint": FineTuningCheckpoint.self, "FineTuningEvent": FineTuningEvent.self, "FineTuningJob": FineTuningJob.self,
        "GapReportSummary": GapReportSummary.self, "GapRun": GapRun.self, "Inspection": Inspection.self, "ItemMark": ItemMark.self,
        "TrainingFileRow": TrainingFileRow.self,
        "ListObject<Promotion>": ListObject<Promotion>.self, "ModelObject": ModelObject.self, "Promotion": Promotion.self,
        "ResponseEvent": ResponseEvent.self, "ResponseObject": ResponseObject.self, "Score": Score.self, "TextCompletion": TextCompletion.self,
        "TranscriptionObject": TranscriptionObject.self,
        "VerboseTranscriptionObject": VerboseTranscriptionObject.self, "TranscriptionEvent": TranscriptionEvent.self,
        "TokenizeResponse": TokenizeResponse.self, "VersionObject": VersionObject.self,
    ]

    @Test func everyTypeKeepsItsForm() throws {
        // By type, the members that none of its lines shows.
        var missing: [String: Set<String>] = [:]
        for (type, form) in Self.lines {
            let data = Data(form.utf8)
            if let readAlone = Self.readAlone[type] {
                let value = try WireDecoder.decode(readAlone, from: data)
                missing[type] = (missing[type] ?? absent(value, type)).intersection(absent(value, type))
                continue
            }
            let value: any Codable
            if let request = Self.requests[type] {
                value = try WireDecoder.decode(request, from: data)
            } else {
                let response = try #require(Self.responses[type], "\(type)")
                value = try WireDecoder.response(response, from: data)
            }
            #expect(try text(value) == form)
            missing[type] = (missing[type] ?? absent(value, type)).intersection(absent(value, type))
        }
        #expect(missing.filter { !$0.value.isEmpty }.isEmpty, "the forms of a type show every member")
        let types = Set(Self.requests.keys).union(Self.readAlone.keys).union(Self.responses.keys)
        #expect(Set(Self.lines.map(\.type)) == types)
    }

    /// Requests have one spelling. Responses come from this server, so that their reader may be lenient.
    @Test func membersOfRequestsAreNotReadInSwiftsSpelling() {
        #expect(refusal(ChatCompletionRequest.self, chat("\"topP\": 0.5")).param == "topP")
        #expect(refusal(CordStepRequest.self, #"{"pairs":[{"audio":{"fileId":"f"},"text":"x"}]}"#).param == "pairs[0].audio.fileId")
    }

    /// Paths of members that are nil.
    private func absent(_ value: Any, _ path: String) -> Set<String> {
        let mirror = Mirror(reflecting: value)
        if mirror.displayStyle == .optional, mirror.children.isEmpty { return [path] }
        return mirror.children.reduce(into: []) { $0.formUnion(absent($1.value, path + "." + ($1.label ?? ""))) }
    }
}
