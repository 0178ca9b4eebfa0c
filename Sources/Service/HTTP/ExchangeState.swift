/// Where one request stands on its connection: a pure value. An event moves it, and the caller performs the actions that come of it.
///
///               refuse    proceed          deliver    wait      wake      abandon          end
///     receiving decided   running, start¹  -          -         -         abandoned        ended
///     decided   -         sending, send    -          -         -         abandoned        ended
///     running   -         (break off)      ready²     -         -         abandoned²  ×    ended  ×
///     ready     -         sending, send    -          -         -         abandoned   ×    ended  ×
///     sending   -         (break off)      -          waiting¹  -         abandoned   ×    ended  ×
///     waiting   -         (break off)      -          -         sending²  abandoned²  ×    ended  ×
///     abandoned -         (break off)      -          -         -         -                ended
///     ended     -         (break off)      -          -         -         -                -
///
/// ¹ the connection is suspended, ² resumed; × the handler's task is cancelled; - the event comes to nothing.
///
/// The connection is suspended in `running` and `waiting` alone. libmicrohttpd calls nothing meanwhile, so `proceed`, `wait` and `end`
/// reach these two only if it breaks its word.
package struct ExchangeState<Work: Sendable, Answer: Sendable>: Sendable {
    package enum Phase: Sendable {
        /// The body arrives; `Work` is what the handler gets when it is whole.
        case receiving(Work)
        /// The answer needs no handler. What still arrives of the body is forgotten.
        case decided(Answer)
        /// The handler's task computes the answer.
        case running
        /// The answer waits for libmicrohttpd to ask.
        case ready(Answer)
        /// The answer is being sent.
        case sending
        /// The answer is being sent, and its body has no bytes at the moment.
        case waiting
        /// The client has gone, or the daemon stops.
        case abandoned
        case ended
    }

    package enum Event: Sendable {
        /// The request is answered without a handler: its body is too large, or the server has too much to do.
        case refuse(Answer)
        /// libmicrohttpd asks what comes next: the request is whole, or the connection was resumed.
        case proceed
        /// The handler has answered.
        case deliver(Answer)
        /// The body that is being sent has no bytes at the moment.
        case wait
        /// There are bytes again, or the body has ended.
        case wake
        /// The client has gone, or the daemon stops.
        case abandon
        /// libmicrohttpd is done with the request.
        case end
    }

    package struct Actions: Sendable {
        package enum Connection: Sendable { case suspend, resume }

        package enum Step: Sendable {
            case start(Work)
            case send(Answer)
            /// The connection cannot go on.
            case breakOff
            /// Cancels the handler's task and closes the pipe that it writes into.
            case cancel
        }

        /// Done under the lock that guards the state: no resumption may overtake its suspension.
        package var connection: Connection?
        /// Done after the lock was given back.
        package var step: Step?
    }

    package private(set) var phase: Phase

    package init(_ phase: Phase) { self.phase = phase }

    /// Whether nobody waits for an answer any more.
    package var isOver: Bool {
        switch phase {
        case .abandoned, .ended: true
        case .receiving, .decided, .running, .ready, .sending, .waiting: false
        }
    }

    package var isSuspended: Bool {
        switch phase {
        case .running, .waiting: true
        case .receiving, .decided, .ready, .sending, .abandoned, .ended: false
        }
    }

    package mutating func handle(_ event: Event) -> Actions {
        switch event {
        case .refuse(let answer):
            if case .receiving = phase { phase = .decided(answer) }
            return Actions()
        case .proceed: return proceed()
        case .deliver(let answer):
            guard case .running = phase else { return Actions() }
            phase = .ready(answer)
            return Actions(connection: .resume)
        case .wait:
            guard case .sending = phase else { return Actions() }
            phase = .waiting
            return Actions(connection: .suspend)
        case .wake:
            guard case .waiting = phase else { return Actions() }
            phase = .sending
            return Actions(connection: .resume)
        case .abandon:
            guard !isOver else { return Actions() }
            defer { phase = .abandoned }
            return Actions(connection: isSuspended ? .resume : nil, step: hasTask ? .cancel : nil)
        case .end:
            defer { phase = .ended }
            return Actions(step: hasTask ? .cancel : nil)
        }
    }

    private mutating func proceed() -> Actions {
        switch phase {
        case .receiving(let work):
            phase = .running
            return Actions(connection: .suspend, step: .start(work))
        case .decided(let answer), .ready(let answer):
            phase = .sending
            return Actions(step: .send(answer))
        case .running, .sending, .waiting, .abandoned, .ended: return Actions(step: .breakOff)
        }
    }

    /// Whether a task may be under way that somebody waits for.
    private var hasTask: Bool {
        switch phase {
        case .running, .ready, .sending, .waiting: true
        case .receiving, .decided, .abandoned, .ended: false
        }
    }
}
