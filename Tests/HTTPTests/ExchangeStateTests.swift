import HTTP
import TestSupport
import Testing

/// The states of a connection alone, without a socket: requests are named by texts, answers by numbers.
@Suite struct ExchangeStateTests {
    typealias State = ExchangeState<String, Int>

    static let phases: [State.Phase] = [
        .receiving("body"), .decided(1), .running, .ready(2), .sending, .waiting, .abandoned, .ended,
    ]
    static let events: [State.Event] = [.refuse(3), .proceed, .deliver(4), .wait, .wake, .abandon, .end]

    /// What becomes of each phase by each event, in the order of ``events``.
    static let table: [[String]] = [
        ["decided(3)", "running suspend start(body)", "receiving(body)", "receiving(body)", "receiving(body)", "abandoned", "ended"],
        ["decided(1)", "sending send(1)", "decided(1)", "decided(1)", "decided(1)", "abandoned", "ended"],
        ["running", "running breakOff", "ready(4) resume", "running", "running", "abandoned resume cancel", "ended cancel"],
        ["ready(2)", "sending send(2)", "ready(2)", "ready(2)", "ready(2)", "abandoned cancel", "ended cancel"],
        ["sending", "sending breakOff", "sending", "waiting suspend", "sending", "abandoned cancel", "ended cancel"],
        ["waiting", "waiting breakOff", "waiting", "waiting", "sending resume", "abandoned resume cancel", "ended cancel"],
        ["abandoned", "abandoned breakOff", "abandoned", "abandoned", "abandoned", "abandoned", "ended"],
        ["ended", "ended breakOff", "ended", "ended", "ended", "ended", "ended"],
    ]

    @Test func everyEventInEveryPhaseDoesWhatTheTableSays() {
        for (phase, row) in zip(Self.phases, Self.table) {
            for (event, expected) in zip(Self.events, row) {
                var state = State(phase)
                let actions = state.handle(event)
                #expect(([text(state.phase)] + text(actions)).joined(separator: " ") == expected, "\(phase) \(event)")
            }
        }
    }

    /// Any events in any order: what no libmicrohttpd, handler or client may do included.
    @Test func noOrderOfEventsBreaksAPromise() {
        for seed in 0..<5000 {
            var random = SplitMix(seed: UInt64(seed))
            var run = Watched(State(Self.phases[Int.random(in: 0..<3, using: &random) == 0 ? 1 : 0]))
            for _ in 0..<Int.random(in: 0..<40, using: &random) {
                if let event = Self.events.randomElement(using: &random) { run.handle(event) }
            }
            run.handle(.abandon)
            #expect(!run.state.isSuspended && run.state.isOver, "seed \(seed): \(run.log)")
        }
    }

    /// libmicrohttpd, a handler and a client who keep to the rules, in any order that threads may take.
    @Test func everyRequestThatNobodyLeavesGetsExactlyOneAnswer() throws {
        var abandoned = 0
        for seed in 0..<5000 {
            var random = SplitMix(seed: UInt64(seed))
            var run = Watched(State(Int.random(in: 0..<4, using: &random) == 0 ? .decided(0) : .receiving("body")))
            var handlerRuns = false
            var hasEnded = false
            while !hasEnded {
                var possible: [State.Event] = []
                if Int.random(in: 0..<50, using: &random) == 0 { possible = [.abandon] }
                if handlerRuns { possible.append(.deliver(5)) }
                if run.starts == 1, !handlerRuns { possible.append(.wake) }
                if !run.state.isSuspended {
                    switch run.state.phase {
                    case .receiving: possible += [.proceed, .refuse(6)]
                    case .decided, .ready: possible.append(.proceed)
                    // Answers without a handler are whole.
                    case .sending: possible += run.starts == 1 ? [.wait, .end] : [.end]
                    case .abandoned: possible += [.proceed, .wait, .end]
                    case .running, .waiting, .ended: Issue.record("libmicrohttpd calls nothing then: \(run.log)")
                    }
                }
                let event = try #require(possible.randomElement(using: &random), "nothing moves: \(run.log)")
                run.handle(event)
                if case .start = run.last?.step { handlerRuns = true }
                if case .deliver = event { handlerRuns = false }
                if case .abandon = event { abandoned += 1 }
                if case .end = event { hasEnded = true }
            }
            #expect(run.suspensions == run.resumptions, "seed \(seed): \(run.log)")
            #expect(run.sends == 1 || run.log.contains("abandon"), "seed \(seed): \(run.log)")
        }
        #expect(abandoned > 100)
    }
}

/// A state whose every step is held against what libmicrohttpd and clients rely on.
private struct Watched {
    var state: ExchangeStateTests.State
    var last: ExchangeStateTests.State.Actions?
    var log: [String] = []
    var suspensions = 0
    var resumptions = 0
    var starts = 0
    var sends = 0
    var cancellations = 0

    init(_ state: ExchangeStateTests.State) { self.state = state }

    mutating func handle(_ event: ExchangeStateTests.State.Event) {
        let before = state
        let actions = state.handle(event)
        last = actions
        log.append(name("\(event)"))
        switch actions.connection {
        case .suspend:
            #expect(!before.isSuspended && state.isSuspended && !before.isOver, "\(log)")
            suspensions += 1
        case .resume:
            #expect(before.isSuspended && !state.isSuspended, "\(log)")
            resumptions += 1
        case nil:
            // Only `end` leaves a suspended connection without resuming it: there is none left.
            #expect(before.isSuspended == state.isSuspended || text(state.phase) == "ended", "\(log)")
        }
        switch actions.step {
        case .start: starts += 1
        case .send: sends += 1
        case .cancel: cancellations += 1
        case .breakOff, nil: break
        }
        #expect(starts <= 1 && sends <= 1 && cancellations <= 1, "\(log)")
        #expect(!before.isOver || (state.isOver && actions.connection == nil), "\(log)")
    }
}

/// `decided(3)` of `decided(3)`, `abandon` of `abandon`: the case of an enum as text, without quotes.
private func text(_ value: some Sendable) -> String { "\(value)".replacing("\"", with: "") }

private func name(_ text: String) -> String { String(text.prefix { $0 != "(" }) }

private func text(_ actions: ExchangeStateTests.State.Actions) -> [String] {
    [actions.connection.map { text($0) }, actions.step.map { text($0) }].compactMap(\.self)
}
