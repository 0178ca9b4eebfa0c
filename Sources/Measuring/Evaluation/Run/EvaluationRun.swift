import Foundation
import Judging
import Randomness
import Synchronization
import Workers

/// One question set put to one model in every arm, with many questions in flight.
///
///     RunPlan → (item, arm) → Respondent.reply → AnswerScoring → AnswerRecord → GapReport
///                               at most `concurrency` at once        ↓
///                                                          record(…), from which a later attempt continues
///
/// The same set, settings, model and decoding give the same items, in any order of the answers and after any number of
/// interruptions. A question that cannot be asked is counted by name, and the run continues. Any other error ends the run.
package struct EvaluationRun: Sendable {
    package let set: QuestionSet
    package let settings: RunSettings
    package let plan: RunPlan
    private let respondent: any Respondent
    private let scoring: AnswerScoring
    private let concurrency: Int
    /// The runs of second sets, each asked in one arm after the benchmark.
    private let retained: [EvaluationRun]

    package init(
        _ set: QuestionSet, settings: RunSettings = RunSettings(), respondent: any Respondent, judge: FreeFormJudge? = nil,
        concurrency: Int = 128, retaining others: [QuestionSet] = []
    ) {
        self.set = set
        self.settings = settings
        self.respondent = respondent
        self.concurrency = max(1, concurrency)
        plan = RunPlan(set, settings)
        scoring = AnswerScoring(mode: settings.extraction, judge: judge)
        retained = others.map {
            EvaluationRun($0, settings: settings.retaining($0), respondent: respondent, judge: judge, concurrency: concurrency)
        }
    }

    /// The number of questions over all arms and sets, plus the answers along which divergence is measured.
    package var total: Int { retained.reduce(plan.questions.count + plan.anatomy.count) { $0 + $1.total } }

    /// Asks the questions that `known` does not answer yet, and makes the whole report.
    ///
    /// - Throws: ``MissingJudge`` before anything is asked; errors of the respondent, the judge and `record`.
    /// - Parameters:
    ///   - known: Records of an interrupted attempt. Records of other items are ignored.
    ///   - record: Stores a new record. Its error ends the run. It is called from one task at a time.
    ///   - progress: Called with the number done, out of ``total``, from one task at a time.
    package func report(
        id: String, created: Int = Int(Date().timeIntervalSince1970), software: String, baseText: Double? = nil,
        continuing known: [AnswerRecord] = [], record: @Sendable (AnswerRecord) throws -> Void = { _ in },
        progress: @Sendable (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
    ) async throws -> GapReport {
        for run in [self] + retained {
            if run.scoring.judge == nil, let item = run.plan.items.first(where: { $0.type == .rating }) { throw MissingJudge(item: item.id) }
        }
        // Hashing the set and the model takes a while; questions are asked meanwhile.
        async let facts = reproducibility(software: software)
        let total = total
        let collected = try await collect(known.filter { $0.set == nil }, record: record, progress: { try progress($0, total) })
        var done = collected.count
        var kept: [[ItemResult]] = []
        for run in retained {
            let (name, before) = (run.set.name, done)
            let others = try await run.collect(
                known.filter { $0.set == name },
                record: {
                    var answer = $0
                    answer.set = name
                    try record(answer)
                },
                progress: { try progress(before + $0, total) })
            done += others.count
            kept.append(others.results(run.plan))
        }
        return GapReport(
            id: id, created: created, items: collected.results(plan), reproducibility: try await facts, baseText: baseText,
            divergence: DivergenceSummary(collected.divergences(plan)), retained: kept)
    }

    /// Asks the questions of the run's own set that `known` does not answer yet.
    private func collect(
        _ known: [AnswerRecord], record: @Sendable (AnswerRecord) throws -> Void, progress: @Sendable (_ done: Int) throws -> Void
    ) async throws -> Collected {
        var collected = Collected(plan, known)
        try progress(collected.count)
        try await withThrowingTaskGroup(of: (record: AnswerRecord, draft: [Int32]).self) { group in
            var queue = RunQueue(collected.missing(plan), draftsSpoken: respondent.usesDrafts)
            var asked = 0
            func ask() {
                while asked < concurrency, let (next, draft) = queue.next() {
                    asked += 1
                    group.addTask { try await answer(next, draft: draft) }
                }
            }
            ask()
            while let answered = try await group.next() {
                try Task.checkCancellation()
                asked -= 1
                if answered.record.arm == .text, let item = plan.places[answered.record.item] { queue.typed(item, answered.draft) }
                ask()
                collected.add(answered.record)
                try record(answered.record)
                try progress(collected.count)
            }
        }
        return collected
    }

    /// The report's reproducibility block, which is known before the run begins.
    package func reproducibility(software: String) async throws -> Reproducibility {
        let set = set
        let hash = try await evaluationWork.run { try set.hash() }
        var others: [RetainedFacts] = []
        for run in retained {
            let (set, arm) = (run.set, run.settings.arms[0])
            others.append(RetainedFacts(benchmark: set.name, benchmarkHash: try await evaluationWork.run { try set.hash() }, arm: arm))
        }
        let who = try await respondent.identity()
        return Reproducibility(
            model: who.model, modelHash: who.modelHash, weightVersion: who.weightVersion, weightVersionHash: who.weightVersionHash,
            promptTemplateHash: who.promptTemplateHash, decoding: who.decoding, seed: settings.seed,
            judge: scoring.judge?.name ?? "match", extraction: settings.extraction, benchmark: set.name, benchmarkHash: hash,
            softwareVersion: software, machine: who.machine, arms: settings.arms, limit: settings.limit,
            divergence: settings.divergence, retained: others.isEmpty ? nil : others)
    }

    private func answer(_ task: RunTask, draft: [Int32]) async throws -> (record: AnswerRecord, draft: [Int32]) {
        switch task {
        case .question(let question):
            let item = plan.items[question.item]
            let seed = seed(item.id, question.arm.rawValue)
            do {
                let reply = try await respondent.reply(to: try question.asking.get(), seed: seed, draft: draft)
                var answer = try await scoring.answer(reply, to: item, seed: seed)
                if let heard = reply.heard {
                    answer.heard = heard
                    if !item.text.isEmpty { answer.wordErrors = try await evaluationWork.run { WordErrors(heard: heard, said: item.text) } }
                }
                return (AnswerRecord(item: item.id, arm: question.arm, answer: answer), reply.draft)
            } catch let error as Unaskable {
                let unanswered = ArmAnswer(text: "", extracted: nil, correct: false, error: error.code)
                return (AnswerRecord(item: item.id, arm: question.arm, answer: unanswered), [])
            }
        case .anatomy(let place):
            let item = plan.items[place]
            guard let clip = set.clip(item) else { return (AnswerRecord(item: item.id, divergence: []), []) }
            do {
                var tokens = try await respondent.divergence(clip: clip, text: item.text, seed: seed(item.id, Arm.audio.rawValue)) ?? []
                for index in tokens.indices { tokens[index].item = item.id }
                return (AnswerRecord(item: item.id, divergence: tokens), [])
            } catch is Unaskable {
                return (AnswerRecord(item: item.id, divergence: []), [])
            }
        }
    }

    /// The seed of one question: FNV-1a over the run's seed, the item and the arm. It does not depend on the order of asking.
    private func seed(_ item: String, _ arm: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in "\(item)\n\(arm)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        var generator = RandomStream(seed: settings.seed ^ hash)
        return generator.next()
    }
}

/// One request to a model.
enum RunTask: Sendable {
    case question(RunPlan.Question)
    case anatomy(Int)
}

/// The answers so far, by item.
private struct Collected {
    private var answers: [String: [Arm: ArmAnswer]] = [:]
    private var anatomy: [String: [TokenDivergence]] = [:]
    private(set) var count = 0

    init(_ plan: RunPlan, _ known: [AnswerRecord]) {
        let asked = Set(plan.questions.map { "\($0.arm.rawValue) \(plan.items[$0.item].id)" })
        let walked = Set(plan.anatomy.map { plan.items[$0].id })
        for record in known {
            if let arm = record.arm {
                if asked.contains("\(arm.rawValue) \(record.item)") { add(record) }
            } else if walked.contains(record.item) {
                add(record)
            }
        }
    }

    mutating func add(_ record: AnswerRecord) {
        if let arm = record.arm, let answer = record.answer {
            if answers[record.item, default: [:]].updateValue(answer, forKey: arm) == nil { count += 1 }
        } else if let divergence = record.divergence {
            if anatomy.updateValue(divergence, forKey: record.item) == nil { count += 1 }
        }
    }

    func missing(_ plan: RunPlan) -> [RunTask] {
        plan.questions.filter { answers[plan.items[$0.item].id]?[$0.arm] == nil }.map(RunTask.question)
            + plan.anatomy.filter { anatomy[plan.items[$0].id] == nil }.map(RunTask.anatomy)
    }

    func results(_ plan: RunPlan) -> [ItemResult] {
        plan.items.map { item in
            ItemResult(
                id: item.id, category: item.category, sourceQuestion: item.source, voice: item.voice, question: item.text,
                answer: item.answer, audio: item.audio, arms: answers[item.id] ?? [:])
        }
    }

    func divergences(_ plan: RunPlan) -> [TokenDivergence] {
        plan.anatomy.flatMap { anatomy[plan.items[$0].id] ?? [] }
    }
}
