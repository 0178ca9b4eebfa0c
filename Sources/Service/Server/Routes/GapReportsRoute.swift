import API
import Evaluation
import Foundation
import HTTP
import Jobs
import Workers
import Workshop

/// `/v1/gap/reports…`: finished measurements as JSON, a page, a table or Markdown, and comparisons of two of them.
enum GapReportsRoute {
    static func add(to router: inout Router, _ server: ServerState) {
        let root = "/v1/gap/reports"
        // A gated fine-tuning job also measures its gap.
        let readers: Scope = [.measure, .train]
        router.get(root, scope: readers) { request in
            try await refusing {
                let query = try WireDecoder.decode(PageQuery.self, form: request.query.items)
                let page = try server.workshop.store.reports(
                    after: query.after, limit: query.limit, ascending: query.order == .ascending)
                let reports = try page.elements.map { try WireDecoder.response(GapReportSummary.self, from: $0.summary) }
                return .json(try WireEncoder.encode(ListObject(reports, hasMore: page.hasMore)))
            }
        }
        router.get(root + "/compare", scope: readers) { request in
            try await refusing {
                let query = try WireDecoder.decode(CompareQuery.self, form: request.query.items)
                let workshop = try server.workshop
                let format = query.format ?? accepted(request, among: [.json, .html, .md])
                return try await server.runtime.queues.reports.run { cancellation in
                    let (base, candidate) = (try report(query.base, workshop.store), try report(query.candidate, workshop.store))
                    let comparison: GapComparison
                    do {
                        comparison = try GapComparison(base: base, candidate: candidate)
                    } catch let error as GapComparison.Failure {
                        throw HTTPError(422, "\(error)", parameter: "candidate", code: "not_comparable")
                    }
                    switch format {
                    case .json: return .json(try comparison.json())
                    case .md: return .text(comparison.markdown(), contentType: "text/markdown; charset=utf-8")
                    case .html:
                        let clips = try clips(comparison.benchmark, comparison.changed(base), workshop, cancellation)
                        return page(comparison.html(base: base, candidate: candidate, clip: clips))
                    case .csv:
                        throw HTTPError(
                            400, "format: expected \"json\", \"html\" or \"md\" for a comparison; found \"csv\".",
                            parameter: "format",
                            code: "invalid_value")
                    }
                }
            }
        }
        router.get(root + "/{id}", scope: readers) { request in
            try await refusing {
                let query = try WireDecoder.decode(ReportQuery.self, form: request.query.items)
                let (workshop, id) = (try server.workshop, request.parameter("id"))
                let format = query.format ?? accepted(request, among: ReportFormat.allCases)
                return try await server.runtime.queues.reports.run { try rendered(id, format, workshop, $0) }
            }
        }
    }

    private static func report(_ id: String, _ store: Store) throws -> GapReport {
        try GapReport(json: try store.reportBody(id: id))
    }

    private static func rendered(
        _ id: String, _ format: ReportFormat, _ workshop: Workshop, _ cancellation: Cancellation
    ) throws -> Response {
        // The stored bytes are sent unchanged.
        if format == .json { return .json(try workshop.store.reportBody(id: id)) }
        let report = try report(id, workshop.store)
        switch format {
        case .json: return .json(try report.json())
        case .csv: return .text(report.csv(), contentType: "text/csv; charset=utf-8")
        case .md: return .text(report.markdown(), contentType: "text/markdown; charset=utf-8")
        case .html:
            return page(report.html(clip: try clips(report.reproducibility.benchmark, report.items, workshop, cancellation)))
        }
    }

    private static func page(_ html: String) -> Response {
        var response = Response.text(html, contentType: "text/html; charset=utf-8")
        response.headers["content-security-policy"] = ReportPage.contentSecurityPolicy
        response.headers["x-content-type-options"] = "nosniff"
        response.headers["referrer-policy"] = "no-referrer"
        return response
    }

    /// The items' clips for a page. If the set was changed or deleted, the page has no players.
    private static func clips(
        _ benchmark: String, _ items: [ItemResult], _ workshop: Workshop, _ cancellation: Cancellation
    ) throws -> (ItemResult) -> String? {
        let set = try? workshop.benchmarks.set(benchmark, check: cancellation.check)
        try cancellation.check()
        return try set?.embeddedClips(of: items, check: cancellation.check) ?? { _ in nil }
    }

    /// The first media type in the client's list that matches one of `formats`; JSON if none does.
    private static func accepted(_ request: Request, among formats: [ReportFormat]) -> ReportFormat {
        let types: [String: ReportFormat] = [
            "application/json": .json, "text/html": .html, "text/csv": .csv, "text/markdown": .md,
        ]
        let wanted = (request.headers["accept"] ?? "").split(separator: ",").compactMap { part in
            types[part.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces).lowercased()]
        }
        return wanted.first { formats.contains($0) } ?? .json
    }
}
