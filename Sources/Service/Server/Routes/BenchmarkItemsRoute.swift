import API
import Audio
import Evaluation
import Foundation
import HTTP
import Jobs
import Judging
import Workers
import Workshop

/// `/v1/benchmarks/{id}/items…` and `…/marks`: the items of a question set, their clips, and people's marks on the reference answers.
enum BenchmarkItemsRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        let root = "/v1/benchmarks/{id}"
        let readers: Scope = [.measure, .train]
        router.get(root + "/items", scope: readers) { request in
            try await refusing {
                let query = try WireDecoder.decode(ItemsQuery.self, form: request.query.items)
                let (workshop, id) = (try server.workshop, request.parameter("id"))
                return try await server.runtime.queues.reports.run { cancellation in
                    let marks = try marks(of: id, workshop)
                    var filter = ItemFilter(category: query.category, contains: query.contains)
                    if let marked = query.marked { filter.among = { [known = Set(marks.keys)] in known.contains($0) == marked } }
                    let page = try workshop.benchmarks.items(
                        of: id, filter, after: query.after, limit: query.limit, check: cancellation.check)
                    let items = page.items.map { BenchmarkItem($0, mark: marks[$0.id]) }
                    return .json(try WireEncoder.encode(ListObject(items, hasMore: page.hasMore, total: page.total)))
                }
            }
        }
        router.get(root + "/items/{item}/audio", scope: readers) { request in
            try await refusing {
                let (workshop, id, item) = (try server.workshop, request.parameter("id"), request.parameter("item"))
                return .clip(try await server.runtime.queues.reports.run { try workshop.benchmarks.clip(of: item, in: id, check: $0.check) })
            }
        }
        router.post(root + "/items/{item}/mark", scope: .measure, bodyLimit: 64 << 10) { request in
            try await refusing {
                let wanted = try WireDecoder.decode(MarkRequest.self, from: Data(request.body))
                let (workshop, id) = (try server.workshop, request.parameter("id"))
                let item = try await server.runtime.queues.reports.run {
                    try workshop.benchmarks.item(request.parameter("item"), of: id, check: $0.check)
                }
                let set = try workshop.benchmarks.identity(id)
                let mark = try workshop.store.mark(
                    benchmark: set.id, item: item.id, verdict: wanted.verdict.rawValue, answer: wanted.answer, note: wanted.note)
                return .json(try WireEncoder.encode(try ItemMark(mark, of: set.name)))
            }
        }
        router.delete(root + "/items/{item}/mark", scope: .measure) { request in
            try await refusing {
                let (workshop, item) = (try server.workshop, request.parameter("item"))
                try workshop.store.removeMark(benchmark: try workshop.benchmarks.identity(request.parameter("id")).id, item: item)
                return .json(try WireEncoder.encode(DeletedObject(id: item, object: "benchmark.mark")))
            }
        }
        router.get(root + "/marks", scope: readers) { request in
            try await refusing {
                let workshop = try server.workshop
                let set = try workshop.benchmarks.identity(request.parameter("id"))
                let marks = try workshop.store.marks(benchmark: set.id).map { try ItemMark($0, of: set.name) }
                return .json(try WireEncoder.encode(ListObject(marks, hasMore: false, total: marks.count)))
            }
        }
    }

    /// The marks by item.
    private static func marks(of id: String, _ workshop: Workshop) throws -> [String: ItemMark] {
        let set = try workshop.benchmarks.identity(id)
        return try workshop.store.marks(benchmark: set.id).reduce(into: [:]) { $0[$1.item] = try ItemMark($1, of: set.name) }
    }
}

extension BenchmarkItem {
    init(_ item: QuestionSet.Item, mark: ItemMark?) {
        self.init(
            id: item.id, category: item.category, text: item.text, answer: item.answer, choices: item.choices, type: item.type.rawValue,
            sourceQuestion: item.source, voice: item.voice, hasAudio: item.audio != nil, mark: mark)
    }
}

extension ItemMark {
    init(_ record: MarkRecord, of set: String) throws {
        guard let verdict = MarkVerdict(rawValue: record.verdict) else {
            throw StoreError.corrupt(path: "marks", reason: "the item \(record.item) has the unknown verdict \(record.verdict)")
        }
        self.init(
            benchmark: set, item: record.item, verdict: verdict, answer: record.answer, note: record.note,
            createdAt: Int(record.createdAt.timeIntervalSince1970))
    }
}

extension Response {
    /// A clip as it was uploaded. Anything but audio is sent as a type that browsers do not execute.
    static func clip(_ bytes: Data) -> Response {
        Response(
            contentType: AudioMediaType.of(bytes) ?? "application/octet-stream", bytes: [UInt8](bytes),
            headers: ["x-content-type-options": "nosniff", "cache-control": "private, max-age=3600"])
    }
}
