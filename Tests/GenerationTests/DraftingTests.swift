import Audio
import CordNano
import Foundation
import Generation
import Models
import Randomness
import Structure
import TestSupport
import Testing
import Tokenization

/// Guessed tokens change how fast an answer comes, never the answer.
@Suite struct DraftingTests {
    static let model = Result { try LoadedModel(directory: CordNano.directory) }
    private static let question = "Tom has 12 apples. He buys 7 more. He gives away 5. How many apples are there now?"

    private func engine(_ drafting: Drafting, _ change: (inout EngineLimits) -> Void = { _ in }) throws -> Engine {
        var limits = EngineLimits()
        limits.drafting = drafting
        change(&limits)
        return Engine(try Self.model.get(), limits: limits)
    }

    private func typed(_ text: String = question) throws -> Prompt {
        try Self.model.get().prompt([Message(role: "user", parts: [.text(text)])])
    }

    private func spoken(_ name: String) throws -> Prompt {
        try Self.model.get().prompt([Message(role: "user", parts: [.audio(try EngineTests.clip(name))])])
    }

    /// What an answer is drafted by, given the answer: right, of another length, with other tokens in it, wrong throughout, and nothing.
    private static let drafts: [(name: String, make: @Sendable ([Int32]) -> [Int32])] = [
        ("right", { $0 }), ("with what would have come", { $0 + [7, 8, 9] }), ("cut", { Array($0.prefix(5)) }),
        ("one token other", { tokens in tokens.enumerated().map { $0.offset == 4 ? 9 : $0.element } }),
        ("one token more", { Array($0.prefix(3)) + [9] + $0.dropFirst(3) }), ("two tokens less", { Array($0.prefix(2)) + $0.dropFirst(4) }),
        ("wrong", { Array(repeating: 9, count: $0.count) }), ("none", { _ in [] }),
    ]

    private enum Choosing: String, CaseIterable {
        case greedy, sampled, filtered, penalised, biased, stopped, patient, formed, endless, cut, several

        func options(_ model: LoadedModel) throws -> SamplingOptions {
            var options = SamplingOptions.greedy
            options.logProbabilities = 3
            options.maxTokens = 60
            options.seed = 11
            options.tellsEnd = true
            switch self {
            case .greedy: break
            case .sampled: options.temperature = 1.3
            case .filtered: (options.temperature, options.topK, options.topP, options.minP) = (1.5, 20, 0.9, 0.02)
            case .penalised: (options.temperature, options.repetitionPenalty, options.frequencyPenalty) = (0.8, 1.2, 0.4)
            case .biased: (options.temperature, options.logitBias) = (0.7, [20: 3, 21: -5, 35: 2])
            case .stopped: options.stop = ["19 - 5", "is 5"]
            case .patient: (options.temperature, options.minTokens) = (1, 50)
            case .formed:
                let vocabulary = Vocabulary(model)
                options.structure = try Structure(.pattern("[0-9]{2} \\+ [0-9] = [0-9]+\\. The answer is [0-9]{1,3}\\."), vocabulary)
            case .endless: (options.ignoresEndOfTurn, options.maxTokens) = (true, 90)
            case .cut: options.maxTokens = 9
            case .several: (options.temperature, options.count) = (1.1, 4)
            }
            return options
        }
    }

    @Test func answersKeepTheirBitsWhateverWasGuessed() async throws {
        let model = try Self.model.get()
        let prompts = [try typed(), try spoken("largest")]
        for choosing in Choosing.allCases {
            let options = try choosing.options(model)
            for prompt in prompts {
                let plain = try await engine(.off).complete(GenerationRequest(prompt: prompt, options: options))
                for (name, make) in Self.drafts {
                    let engine = try engine(.ngram)
                    let draft = make(plain.answers[0].tokens)
                    let (answers, timings) = try await engine.complete(GenerationRequest(prompt: prompt, options: options, draft: draft))
                    #expect(answers == plain.answers, "\(choosing) drafted \(name)")
                    #expect(timings.completionTokens == plain.1.completionTokens)
                    guard name == "right", choosing != .several else { continue }
                    // Counters are published once a step has ended, just after its last event.
                    for _ in 0..<1000 where engine.statistics.completionTokens < timings.completionTokens {
                        try await Task.sleep(for: .milliseconds(5))
                    }
                    let (guessed, right) = (engine.statistics.draftTokens, engine.statistics.acceptedTokens)
                    #expect(right >= answers[0].tokens.count * 2 / 3 && right <= guessed, "\(choosing): \(right) of \(guessed)")
                }
            }
        }
    }

    /// Right, wrong and half right drafts beside each other and beside prompts that are read in pieces.
    @Test(arguments: [Drafting.ngram, .auto], [7, 1024]) func answersKeepTheirBitsInAnyBatch(_ drafting: Drafting, _ rows: Int) async throws {
        let engines = (try engine(.off), try engine(drafting) { $0.batchTokens = rows })
        var requests: [GenerationRequest] = []
        for (index, (_, make)) in Self.drafts.enumerated() {
            var options = SamplingOptions()
            options.temperature = index % 2 == 0 ? 0 : 1.2
            options.seed = UInt64(index)
            options.maxTokens = 40
            options.logProbabilities = 1
            options.count = index % 3 == 2 ? 3 : 1
            let prompt = index % 2 == 0 ? try spoken(["days", "plus"][index / 2 % 2]) : try typed("What day comes \(index) days after Monday?")
            var request = GenerationRequest(prompt: prompt, options: options, isLowPriority: index % 4 == 0)
            request.draft = make(try await engines.0.complete(request).answers[0].tokens)
            requests.append(request)
        }
        let plain = try await requests.asyncMap { try await engines.0.complete($0).answers }
        let streams = try requests.map { try engines.1.generate($0) }
        for (index, stream) in streams.enumerated() {
            var answers = Answers(requests[index].options.count)
            for try await event in stream { answers.take(event) }
            #expect(answers.answers == plain[index], "request \(index)")
        }
        // A pass of seven rows has room for few guesses.
        if drafting == .ngram { #expect(engines.1.statistics.acceptedTokens > (rows == 7 ? 0 : 20)) }
    }

    /// What follows a drafted answer finds of it in the cache what it would find of an undrafted one, and no wrong guess.
    @Test func nextTurnFindsTheAnswerAndNoGuess() async throws {
        let first = HeardMessage(role: "user", parts: [.text(Self.question)])
        let model = try Self.model.get()
        var options = SamplingOptions.greedy
        options.logProbabilities = 2
        var turns: [(answers: [Completion], cached: Int)] = []
        let answer = try await engine(.off).complete(GenerationRequest(prompt: try model.prompt([first]), options: options)).answers[0]
        let drafts: [[Int32]?] = [nil, answer.tokens, [9, 9, 9], Array(answer.tokens.prefix(7)) + Array(repeating: 9, count: 12)]
        for draft in drafts {
            let engine = try engine(draft == nil ? .off : .ngram)
            _ = try await engine.complete(GenerationRequest(prompt: try model.prompt([first]), options: options, draft: draft ?? []))
            let messages = [
                first, HeardMessage(role: "assistant", parts: [.text(answer.text)]), HeardMessage(role: "user", parts: [.text("And now?")]),
            ]
            let (next, timings) = try await engine.complete(GenerationRequest(prompt: try model.prompt(messages), options: options))
            turns.append((next, timings.cachedTokens))
        }
        #expect(turns.dropFirst().allSatisfy { $0 == turns[0] }, "\(turns.map(\.cached))")
        #expect(turns[0].cached > answer.tokens.count)
    }

    @Test func draftedAnswerCanBeDropped() async throws {
        let engine = try engine(.ngram)
        var options = SamplingOptions()
        (options.ignoresEndOfTurn, options.maxTokens) = (true, 900)
        let plain = try await self.engine(.off).complete(GenerationRequest(prompt: try typed(), options: .greedy)).answers
        var told = 0
        for try await case .token in try engine.generate(GenerationRequest(prompt: try typed(), options: options, draft: plain[0].tokens)) {
            told += 1
            if told == 30 { break }
        }
        let request = GenerationRequest(prompt: try typed(), options: .greedy, draft: plain[0].tokens)
        #expect(try await engine.complete(request).answers == plain)
        for _ in 0..<1000 where engine.statistics.running > 0 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(engine.statistics.running == 0 && engine.statistics.cancelled == 1)
    }

    @Test func guessesEndWithTheContext() async throws {
        let model = try Self.model.get()
        let prompt = Prompt(tokens: Array(repeating: 20, count: model.model.contextLength - 6))
        var options = SamplingOptions.greedy
        options.ignoresEndOfTurn = true
        let plain = try await engine(.off).complete(GenerationRequest(prompt: prompt, options: options)).answers
        #expect(plain[0].finishReason == .length && plain[0].tokens.count == 6)
        for draft in [plain[0].tokens + plain[0].tokens, []] {
            #expect(try await engine(.ngram).complete(GenerationRequest(prompt: prompt, options: options, draft: draft)).answers == plain)
        }
    }

    @Test func whatRepeatsItselfIsGuessed() {
        var drafter = Drafter(draft: [], prompt: [1, 2, 3, 4, 5, 6])
        let rates = Drafter.Source.allCases.map { _ in DraftRate() }
        #expect(drafter.guess(after: [9, 2, 3], limit: 3, rates: rates).tokens == [4, 5, 6])
        #expect(drafter.guess(after: [9, 8], limit: 3, rates: rates).tokens == [])
        // The newest place counts, three tokens before two, and beyond the end it goes round.
        #expect(drafter.guess(after: [2, 3, 7, 2, 3], limit: 2, rates: rates).tokens == [7, 2])
        #expect(drafter.guess(after: [7, 8, 9, 7, 8, 9, 7, 8], limit: 7, rates: rates).tokens == [9, 7, 8, 9, 7, 8, 9])
        #expect(drafter.guess(after: [2, 3], limit: 0, rates: rates).tokens == [])
        drafter.note([2, 3], right: 1)
        #expect(drafter.guess(after: [2, 3], limit: 2, rates: rates).tokens == [4, 5])
    }

    /// What is kept of a growing text finds what reading all of it anew does.
    @Test func repetitionsAreThoseOfAScan() {
        let rates = Drafter.Source.allCases.map { _ in DraftRate() }
        var random = RandomStream(seed: 5)
        func token() -> Int32 { Int32(random.unit() * 4) }
        for length in [1, 2, 3, 9, 40] {
            let prompt = (0..<length).map { _ in token() }
            var (drafter, answer) = (Drafter(draft: [], prompt: prompt), [Int32]())
            var found = 0
            for step in 0..<60 {
                let many = 1 + step % 3
                answer += (0..<many).map { _ in token() }
                // An answer of which the last tokens were not noted yet is read as well.
                if step % 4 != 1 { drafter.note(answer, right: many - 1) }
                let all = prompt + answer
                let ends = [3, 2].lazy.compactMap { run in
                    (run..<max(run, all.count)).last { all[$0 - run..<$0].elementsEqual(all.suffix(run)) }
                }
                let guessed = drafter.guess(after: answer, limit: 1, rates: rates).tokens
                #expect(guessed == ends.first.map { [all[$0]] } ?? [], "after \(all)")
                found += guessed.count
            }
            #expect(found > 20)
        }
    }

    @Test func draftIsFollowedAndTakenUpAgain() {
        let rates = Drafter.Source.allCases.map { _ in DraftRate() }
        var drafter = Drafter(draft: [1, 2, 3, 4, 5, 6, 7, 8], prompt: [0])
        func next(_ answer: [Int32], right: Int) -> [Int32] {
            drafter.note(answer, right: right)
            return drafter.guess(after: answer, limit: 3, rates: rates).tokens
        }
        #expect(drafter.guess(after: [], limit: 3, rates: rates).tokens == [1, 2, 3])
        #expect(next([1, 2], right: 1) == [3, 4, 5])
        // One token other, and the draft goes on behind it.
        #expect(next([1, 2, 3, 9], right: 1) == [5, 6, 7])
        // The answer left two tokens out: where its last two stand, the draft is taken up.
        #expect(next([1, 2, 3, 9, 6], right: 0) == [6, 7, 8])
        #expect(next([1, 2, 3, 9, 6, 7], right: 0) == [8])
        #expect(next([1, 2, 3, 9, 6, 7, 8], right: 0) == [])
    }

    @Test func asManyAreGuessedAsSaveTime() {
        // Twice the rows for the time of one up to 8; then every row costs a tenth.
        let costs = DraftCosts([(1, 1), (8, 1), (18, 2)])
        #expect(costs.seconds(rows: 1) == 1 && costs.seconds(rows: 8) == 1 && costs.seconds(rows: 13) == 1.5 && costs.seconds(rows: 28) == 3)
        func guesses(_ answers: [(Int, Double)], otherRows: Int = 0) -> Int {
            DraftPlan.guesses(answers.map { (guesses: $0.0, rate: $0.1) }, otherRows: otherRows, costs)
        }
        #expect(guesses([]) == 0 && guesses([(0, 0.9)]) == 0 && guesses([(16, 0)]) == 0)
        // Seven are free. An eighth costs 0.1 and saves 0.5⁸ of a pass of 1.
        #expect(guesses([(16, 0.5)]) == 6)
        #expect(guesses([(16, 0.99)]) == DraftPlan.most)
        // Beside 20 rows of a prompt each guess costs 0.1 and saves its chance of a pass.
        #expect(guesses([(16, 0.3)], otherRows: 20) == 1 && guesses([(16, 0.05)], otherRows: 20) == 0)
        // Of 28 answers a pass costs 3: a token is worth 0.107, a guess costs 0.1.
        #expect(guesses(Array(repeating: (16, 0.9), count: 28)) == 0 && guesses(Array(repeating: (16, 0.99), count: 28)) > 0)
        // Disorder in the measurements counts as none.
        #expect(DraftCosts([(1, 2), (2, 1), (4, 3)]).seconds(rows: 2) == 1)
        // A disturbed measurement of few rows does not make guesses look free.
        let disturbed = DraftCosts([(1, 40), (4, 5), (8, 9), (16, 17)])
        #expect(disturbed.seconds(rows: 1) == 5 && disturbed.seconds(rows: 16) == 17)
        #expect(DraftPlan.guesses([(16, 0.05)], otherRows: 0, disturbed) <= 3)
    }

    @Test func ratesFollowWhatHappens() {
        var rate = DraftRate()
        #expect(rate.probability() == 0.6)
        rate.note(guessed: 4, right: 4)
        #expect(abs(rate.probability() - (4 + 2.4) / 8) < 1e-12)
        rate.note(guessed: 4, right: 1)
        #expect(abs(rate.probability() - (5 + 2.4) / 10) < 1e-12)
        for _ in 0..<2000 { rate.note(guessed: 1, right: 0) }
        #expect(rate.probability() < 0.02)
        for _ in 0..<60 { rate.note(guessed: 8, right: 8) }
        #expect(rate.probability() > 0.8)
    }
}

extension Vocabulary {
    fileprivate init(_ model: LoadedModel) {
        self.init(count: model.model.decoder.configuration.vocabularySize, ends: model.endTokens) { id in
            model.tokenizer.specialIDs.contains(id) ? [] : model.tokenizer.bytes(of: id)
        }
    }
}

extension Array {
    fileprivate func asyncMap<Value>(_ body: (Element) async throws -> Value) async throws -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await body(element)) }
        return values
    }
}
