import API
import Evaluation
import Foundation
import HTTP
import Objectives
import Server
import TestSupport
import Testing

@Suite(.ownThread) struct OperationTests {
    private func client() throws -> MemoryClient { try Fixture.shared.get().memory }

    @Test func everyRouteIsDescribedAndEveryDescriptionRouted() async throws {
        let page = fixtures.appendingPathComponent("../../Public").standardized
        let fixture = try Fixture { $0.publicFolder = page }
        let document = try await fixture.memory.get("/openapi.json").json()
        guard case .object(let paths)? = document["paths"] else {
            Issue.record("no paths")
            return
        }
        let described = Set(
            paths.flatMap { path, item -> [String] in
                guard case .object(let methods) = item else { return [] }
                return methods.keys.map { "\($0.uppercased()) \(path)" }
            })
        let routed = Set(
            fixture.service.router.routes.map { "\($0.method) \($0.pattern.replacingOccurrences(of: "...}", with: "}"))" })
        #expect(described == routed)
    }

    @Test func everyTrainingMethodIsDescribed() async throws {
        let schemas = try await client().get("/openapi.json").json()["components"]?["schemas"]
        let names = Objective.Method.allCases.map { WireValue.string($0.rawValue) }
        #expect(schemas?["CordObjective"]?["properties"]?["method"]?["enum"] == .array(names))
    }

    /// Where a key is needed, the console fills a tab with a report that it fetched, and the console's policy holds there.
    @Test func policyOfTheConsoleAdmitsReports() async throws {
        let fixture = try Fixture { $0.publicFolder = fixtures.appendingPathComponent("../../Public").standardized }
        for path in ["/", "/gap.html", "/frame.js"] {
            let policy = try #require(try await fixture.memory.get(path).headers["content-security-policy"])
            #expect(policy.hasPrefix("default-src 'self'; style-src 'self' 'sha256-") && !policy.contains("unsafe"), "\(path)")
            #expect(policy.contains(ReportPage.styleSource) && policy.contains("script-src 'self' \(ReportPage.scriptSource);"))
        }
    }

    /// Of the distribution's folder the console is given its libraries alone, each under the page's policy.
    @Test func librariesOfTheConsoleAreServedFromWhereTheyLie() async throws {
        let share = try TemporaryFolder()
        for path in ["javascript/marked/marked.min.js", "fonts/truetype/katex/KaTeX_Main-Regular.woff2", "javascript/marked/other.js"] {
            let file = share.url.appendingPathComponent(path)
            try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(path.utf8).write(to: file)
        }
        let fixture = try Fixture {
            $0.publicFolder = fixtures.appendingPathComponent("../../Public").standardized
            $0.libraryFolder = share.url
        }
        let library = try await fixture.memory.get("/vendor/marked.js")
        #expect(library.headers["content-type"] == "text/javascript; charset=utf-8" && library.headers["x-content-type-options"] == "nosniff")
        #expect(try await library.text() == "javascript/marked/marked.min.js")
        #expect(try await fixture.memory.get("/vendor/katex/fonts/KaTeX_Main-Regular.woff2").headers["content-type"] == "font/woff2")
        for absent in ["/vendor/purify.js", "/vendor/other.js", "/vendor/katex/katex.js", "/vendor/", "/vendor/../javascript/marked/other.js"] {
            #expect([400, 404].contains(try await fixture.memory.get(absent).status), "\(absent)")
        }
    }

    /// Every page has the header that `frame.js` fills, and nothing inline that its policy would stop.
    @Test func pagesOfTheConsoleHaveNothingInline() throws {
        let folder = fixtures.appendingPathComponent("../../Public").standardized
        let pages = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".html") }
        let frame = try String(contentsOf: folder.appendingPathComponent("frame.js"), encoding: .utf8)
        #expect(pages.count == 5)
        for name in pages {
            let page = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
            #expect(page.components(separatedBy: "<header>").count == 2 && !page.contains("<nav"), "\(name)")
            #expect(
                !page.contains("<script>") && !page.contains("<style") && !page.contains(" style=")
                    && !page.contains(/\son[a-z]+=/), "\(name)")
            #expect(frame.contains("\"\(name == "index.html" ? "./" : name)\""), "\(name)")
        }
    }

    /// Every route that changes something, or costs more than an answer, needs its scope.
    @Test func routesOpenToKeysOfTheirScopeAlone() async throws {
        let scopes: [Scope] = [.ask, .measure, .train]
        let fixture = try Fixture {
            $0.keys = scopes.map { AccessKey(name: "\($0)", secret: "key of \($0)", scopes: $0) }
        }
        let answering = [
            "/v1/chat/completions", "/v1/responses", "/v1/completions", "/v1/score", "/v1/answers", "/v1/tokenize", "/v1/detokenize",
            "/v1/audio/transcriptions", "/v1/audio/translations",
        ]
        let measuring = ["/v1/gap/runs", "/v1/gap/runs/{id}/cancel", "/v1/gap/inspect", "/v1/benchmarks", "/v1/benchmarks/{id}/items/{item}/mark"]
        let changing = fixture.service.router.routes.filter { $0.method != "GET" }
        try #require(!changing.isEmpty)
        for route in changing {
            let needed: Scope =
                switch route.pattern {
                case let pattern where answering.contains(pattern): .ask
                case let pattern where measuring.contains(pattern): .measure
                // Question sets and training pairs are uploaded alike; only who trains deletes.
                case "/v1/files", "/v1/batches", "/v1/batches/{id}/cancel": [.measure, .train]
                default: .train
                }
            let path = route.pattern.replacingOccurrences(of: "{id}", with: "x")
            #expect(try await fixture.memory.send(route.method, path, headers: Headers(), body: []).status == 401, "\(path)")
            for scope in scopes {
                let headers: Headers = ["authorization": "Bearer key of \(scope)"]
                let status = try await fixture.memory.send(route.method, path, headers: headers, body: []).status
                #expect((status == 403) == !needed.contains(scope), "\(route.method) \(path) with \(scope): \(status)")
            }
        }
    }

    private func pageFixture() throws -> Fixture {
        try Fixture { $0.publicFolder = fixtures.appendingPathComponent("../../Public").standardized }
    }

    /// The table is what `cord serve --print-scopes` prints.
    @Test func securityNotesHaveTheRoutersOwnScopes() throws {
        let notes = try String(
            contentsOf: fixtures.appendingPathComponent("../../Sources/SECURITY.md").standardized, encoding: .utf8)
        let table = ScopeTable.markdown(try pageFixture().service.router)
        #expect(notes.contains("\n\n\(table)\n"), "\(table)")
    }

    @Test func routesWithoutAScopeAreTheseAlone() throws {
        let open = try pageFixture().service.router.routes.filter { $0.scope == nil }.map { "\($0.method) \($0.pattern)" }
        #expect(open == ["GET /health", "GET /{path...}"])
    }

    @Test func descriptionsNameTheScopesOfTheirRoutes() async throws {
        let fixture = try pageFixture()
        let paths = try #require(try await fixture.memory.get("/openapi.json").json()["paths"])
        try #require(!fixture.service.router.routes.isEmpty)
        for route in fixture.service.router.routes {
            let operation = try #require(paths[route.pattern.replacingOccurrences(of: "...}", with: "}")]?[route.method.lowercased()])
            let security = try #require(operation["security"])
            let names = (0..<(security.count ?? 0)).compactMap { security[$0]?["key"]?[0]?.text }
            #expect(names == route.scope?.names ?? [], "\(route.method) \(route.pattern)")
            // A server without keys is open.
            #expect((security.count == 0) == (route.scope == nil), "\(route.method) \(route.pattern)")
        }
    }

    /// What a key may start it may read; what answering does not need, a key for it does not get.
    @Test func readingNeedsWhatStartingNeeds() async throws {
        let scopes: [Scope] = [.ask, .measure, .train]
        let fixture = try Fixture { $0.keys = scopes.map { AccessKey(name: "\($0)", secret: "key of \($0)", scopes: $0) } }
        let reports: Scope = [.measure, .train]
        let needed: [(String, Scope)] = [
            ("/v1/models", .all), ("/v1/models/x", .all), ("/metrics", .all), ("/openapi.json", .all), ("/v1/weights/versions", .all),
            ("/v1/weights/versions/x", .all), ("/v1/weights/versions/x/download", .train), ("/v1/cord/steps", .train),
            ("/v1/cord/steps/x", .train), ("/v1/fine_tuning/jobs", .train), ("/v1/fine_tuning/jobs/x", .train),
            ("/v1/fine_tuning/jobs/x/events", .train), ("/v1/fine_tuning/jobs/x/checkpoints", .train), ("/v1/gap/runs", .measure),
            ("/v1/gap/runs/x", .measure), ("/v1/gap/runs/x/events", .measure), ("/v1/gap/reports", reports), ("/v1/gap/reports/x", reports),
            ("/v1/gap/reports/compare", reports), ("/v1/benchmarks", reports), ("/v1/files?purpose=evals", reports),
            ("/v1/batches", reports), ("/v1/batches/x", reports), ("/v1/files", reports), ("/v1/files/x", reports), ("/v1/files/x/content", reports),
            ("/v1/files/x/rows", reports), ("/v1/files/x/rows/1/audio", reports), ("/v1/benchmarks/x/items", reports),
            ("/v1/benchmarks/x/items/1/audio", reports), ("/v1/benchmarks/x/marks", reports),
        ]
        for (path, needed) in needed {
            for scope in scopes {
                let response = try await fixture.memory.get(path, headers: ["authorization": "Bearer key of \(scope)"])
                // Of the list of all files a key for measuring learns that it has to name a purpose.
                let isRefused = !needed.contains(scope) || (path == "/v1/files" && scope == .measure)
                #expect((response.status == 403) == isRefused, "\(path) with \(scope): \(response.status)")
            }
        }
        let all = Set(fixture.service.router.routes.filter { $0.method == "GET" && $0.scope != nil }.map(\.pattern))
        let tried = Set(needed.map { $0.0.split(separator: "?")[0].replacingOccurrences(of: "/x", with: "/{id}") })
        // Below an id there are lines and items.
        #expect(Set(all.map { $0.replacing(/\{(line|item)\}/, with: "1") }) == tried)
    }

    @Test func theLargestUploadFitsIntoWhatAllBodiesMayTake() throws {
        let state = try Fixture { $0.uploadBytes = 3 << 30 }.state
        #expect(try state.service().limits.bodyBytesInTotal >= 3 << 30)
    }

    @Test func everyReferenceOfTheDescriptionLeadsSomewhere() async throws {
        let document = try await client().get("/openapi.json").json()
        func check(_ value: WireValue) {
            switch value {
            case .object(let members):
                if let target = members["$ref"]?.text {
                    let found = target.split(separator: "/").dropFirst().reduce(document as WireValue?) { $0?[String($1)] }
                    #expect(found != nil, "\(target)")
                }
                members.values.forEach(check)
            case .array(let values): values.forEach(check)
            default: break
            }
        }
        check(document)
    }

    @Test func metricsCountTokensRequestsAndTimes() async throws {
        let fixture = try Fixture()
        let daemon = try Daemon(fixture.service, port: 0)
        let client = SocketClient(port: daemon.port)
        let response = try await client.send(
            "POST", "/v1/answers", headers: ["content-type": "audio/flac"], body: try Fixture.flac("plus"))
        _ = try await response.bytes()
        var text = ""
        for _ in 0..<100 where !text.contains("status=\"200\"} 1") {
            text = try await client.get("/metrics").text()
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(text.contains("cord_http_requests_total{route=\"/v1/answers\",method=\"POST\",status=\"200\"} 1"))
        #expect(text.contains("cord_time_to_first_token_seconds_count 1"))
        #expect(text.contains("cord_weights_info{model=\"cord-nano\",version=\"base\""))
        for name in [
            "cord_prompt_tokens_total", "cord_completion_tokens_total", "cord_audio_seconds_total",
            "process_resident_memory_bytes",
        ] {
            let line = text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
            #expect(line.flatMap { Double($0.split(separator: " ")[1]) }.map { $0 > 0 } == true, "\(name)")
        }
        await daemon.stop()
    }

    @Test func tokensAndTextGoBothWays() async throws {
        let tokens = try await client().post("/v1/tokenize", json: #"{"prompt": "What is the sum of 7, 9 and 8?"}"#).json()
        guard case .array(let ids)? = tokens["tokens"] else {
            Issue.record("no tokens")
            return
        }
        let list = ids.compactMap { $0.number.map { "\(Int($0))" } }.joined(separator: ",")
        let text = try await client().post("/v1/detokenize", json: #"{"tokens": [\#(list)]}"#).json()
        #expect(text["prompt"]?.text == "What is the sum of 7, 9 and 8?")
        let messages = #"{"messages": [{"role": "user", "content": "Hi"}]"#
        let open = try await client().post("/v1/tokenize", json: messages + "}").json()
        let closed = try await client().post("/v1/tokenize", json: messages + #", "add_generation_prompt": false}"#).json()
        #expect(try #require(open["count"]?.number) > (try #require(closed["count"]?.number)))
        #expect(try await client().post("/v1/detokenize", json: #"{"tokens": [99999]}"#).status == 422)
    }

    @Test func drainingLetsAnswersFinish() async throws {
        let fixture = try Fixture()
        let daemon = try Daemon(fixture.service, port: 0)
        let text = #"{"text": "What is 17 plus 25?", "temperature": 2, "max_tokens": 600, "stream": true}"#
        let response = try await SocketClient(port: daemon.port).post("/v1/answers", json: text)
        async let drained: Void = daemon.drain(within: .seconds(30))
        let events = try await response.events()
        await drained
        #expect(events.last == "[DONE]")
    }
}
