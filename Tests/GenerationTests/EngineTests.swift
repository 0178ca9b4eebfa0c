import Audio
import CordNano
import Foundation
import Generation
import Models
import Structure
import Tensors
import TestSupport
import Testing
import Tokenization

@Suite struct EngineTests {
    static let model = Result { try LoadedModel(directory: CordNano.directory) }
    private static let question = "Tom has 12 apples. He buys 7 more. He gives away 5. How many apples are there now?"

    private func prompt(_ text: String) throws -> Prompt {
        try Self.model.get().prompt([Message(role: "user", parts: [.text(text)])])
    }

    /// The requests' indices in the order in which the engine ended them, by its own clock: when a task hears of it depends on what
    /// other tests do.
    private func order(of requests: [GenerationRequest], in engine: Engine) async throws -> [Int] {
        let started = ContinuousClock.now
        let submitted = try requests.map { ((ContinuousClock.now - started) / .seconds(1), try engine.generate($0)) }
        var ends: [(end: Double, index: Int)] = []
        for (index, (instant, stream)) in submitted.enumerated() {
            for try await case .done(let timings) in stream { ends.append((instant + timings.total, index)) }
        }
        return ends.sorted { $0.end < $1.end }.map(\.index)
    }

    /// A spoken fixture of the model's.
    static func clip(_ name: String) throws -> AudioClip {
        let file = fixtures.appending(path: "qwen2audio/cord-nano/\(name).flac")
        return try AudioDecoder.decode([UInt8](Data(contentsOf: file)), limits: AudioLimits(maxSeconds: 60))
    }

    private func spoken(_ name: String) throws -> Prompt {
        try Self.model.get().prompt([Message(role: "user", parts: [.audio(try Self.clip(name))])])
    }

    @Test func anEngineThatNobodyHoldsEnds() async throws {
        weak var abandoned: Engine?
        do {
            let engine = Engine(try Self.model.get())
            abandoned = engine
            _ = try await engine.complete(GenerationRequest(prompt: try prompt("What is 8 plus 5?"), options: .greedy))
        }
        // Its thread lets go of it at its next look.
        for _ in 0..<500 where abandoned != nil { try await Task.sleep(for: .milliseconds(20)) }
        #expect(abandoned == nil)
    }

    /// A request to an engine that ends before it took the request in is told so.
    @Test func whatAnEngineThatEndsNeverTookInIsToldSo() async throws {
        for _ in 0..<20 {
            var stream: AsyncThrowingStream<GenerationEvent, any Error>?
            do {
                let engine = Engine(try Self.model.get())
                stream = try engine.generate(GenerationRequest(prompt: try prompt("What is 8 plus 5?"), options: .greedy))
            }
            // It answered, or it says that it stopped; it never stays silent.
            do { for try await _ in try #require(stream) {} } catch { #expect(error as? EngineError == .stopped) }
        }
    }

    /// One clip twice in a question is encoded once, and of questions about one clip at once no answer changes.
    @Test(arguments: [0, 64 << 20]) func aClipIsSharedByThoseThatAskAboutIt(embeddingBytes: Int) async throws {
        let model = try Self.model.get()
        let twice = try model.prompt([Message(role: "user", parts: [.audio(try Self.clip("plus")), .audio(try Self.clip("plus"))])])
        let prompts = [try spoken("plus"), try spoken("plus"), twice, try spoken("largest")]
        var alone: [Completion] = []
        for prompt in prompts {
            alone.append(try await Engine(model).complete(GenerationRequest(prompt: prompt, options: .greedy)).answers[0])
        }
        var limits = EngineLimits()
        limits.embeddingBytes = embeddingBytes
        let once = Engine(model, limits: limits)
        _ = try await once.complete(GenerationRequest(prompt: twice, options: .greedy))
        #expect(once.statistics.encodedClips == 1)
        let engine = Engine(model, limits: limits)
        let streams = try prompts.map { try engine.generate(GenerationRequest(prompt: $0, options: .greedy)) }
        for (stream, alone) in zip(streams, alone) {
            var answers = Answers(1)
            for try await event in stream { answers.take(event) }
            #expect(answers.answers[0] == alone)
        }
    }

    /// Keys and values in 8 bits: an answer is as independent of its batch, of what was cached before and of guesses as in float32, and the
    /// distributions that it is drawn from are nearly the same.
    @Test func aNarrowCacheKeepsTheRules() async throws {
        let model = try Self.model.get()
        var limits = EngineLimits()
        limits.cacheFormat = .int8
        var options = SamplingOptions.greedy
        options.logProbabilities = 2
        let prompts = [try prompt(Self.question), try spoken("plus"), try spoken("largest"), try prompt("What is 8 plus 5?")]
        var alone: [Completion] = []
        for prompt in prompts {
            alone.append(try await Engine(model, limits: limits).complete(GenerationRequest(prompt: prompt, options: options)).answers[0])
        }
        #expect(alone[0].text == "12 + 7 = 19. 19 - 5 = 14. The answer is 14.")
        var guessing = limits
        guessing.drafting = .ngram
        guessing.batchTokens = 24
        for limits in [limits, guessing] {
            let engine = Engine(model, limits: limits)
            // The second time, prompts are found in the cache.
            for _ in 0..<2 {
                let streams = try zip(prompts, alone).map {
                    try engine.generate(GenerationRequest(prompt: $0, options: options, draft: limits.drafting == .ngram ? $1.tokens : []))
                }
                for (stream, alone) in zip(streams, alone) {
                    var answers = Answers(1)
                    for try await event in stream { answers.take(event) }
                    #expect(answers.answers[0] == alone)
                }
            }
            #expect(engine.statistics.cachedTokens > 0)
        }
        // Four times as many positions, less the scales.
        #expect(Double(Engine(model, limits: limits).cacheShape.blockBytes) < 0.32 * Double(Engine(model).cacheShape.blockBytes))

        let (exact, narrow) = (Engine(model).cacheShape, Engine(model, limits: limits).cacheShape)
        for (prompt, answer) in zip(prompts, alone) {
            let wide = model.predictions(of: answer.tokens, after: prompt, version: nil, keeping: exact)
            // Through a cache in float32 nothing differs from what no cache gives.
            let packed = PackedContinuations(prompt, [answer.tokens])
            let states = model.hidden(packed, of: prompt, version: nil)
            let pass = Pass(version: nil, rows: answer.tokens.count, arithmetic: model.arithmetic)
            let uncached = model.model.decoder.logits(selectRows(states, packed.predictingRows[0]), pass)
            #expect(measureRows(wide, teacher: uncached, targets: answer.tokens).allSatisfy { abs($0.forwardKL) < 1e-5 })
            let rows = measureRows(
                model.predictions(of: answer.tokens, after: prompt, version: nil, keeping: narrow), teacher: wide, targets: answer.tokens)
            let mean = rows.reduce(0) { $0 + Double($1.forwardKL) } / Double(rows.count)
            #expect(mean > 0 && mean < 5e-3, "\(mean)")
        }
    }

    /// An answer whose form takes long to follow leaves the others their passes, and is what it is alone.
    @Test func aFormThatTakesLongIsFollowedBesideOthers() async throws {
        let model = try Self.model.get()
        var options = SamplingOptions.greedy
        options.maxTokens = 40
        let vocabulary = Vocabulary(count: model.model.decoder.configuration.vocabularySize, ends: model.endTokens) { id in
            model.tokenizer.specialIDs.contains(id) ? [] : model.tokenizer.bytes(of: id)
        }
        func formed() throws -> SamplingOptions {
            var options = options
            options.structure = try Structure(.pattern("(.*[a-e].{5}z|.*[f-m].{4}y|.*[n-s].{6}x|.*)"), vocabulary)
            return options
        }
        let text = try prompt(Self.question)
        let alone = try await Engine(model).complete(GenerationRequest(prompt: text, options: try formed())).answers[0]
        let plain = try await Engine(model).complete(GenerationRequest(prompt: text, options: options)).answers[0]
        #expect(alone.tokens == plain.tokens)
        let engine = Engine(model)
        let streams = try [formed(), options, formed()].map { try engine.generate(GenerationRequest(prompt: text, options: $0)) }
        for stream in streams {
            var answers = Answers(1)
            for try await event in stream { answers.take(event) }
            #expect(answers.answers[0].tokens == plain.tokens)
        }
        // A form that is given up ends its own answer alone.
        var endless = options
        endless.structure = try Structure(.pattern("[^q]*([0-9].{25}q|[a-z].{26}w|[A-Z ].{27}q|.{40}[^q]*q)"), vocabulary)
        endless.maxTokens = 400
        let beside = try engine.generate(GenerationRequest(prompt: text, options: options))
        await #expect(throws: EngineError.self) { _ = try await engine.complete(GenerationRequest(prompt: text, options: endless)) }
        var answers = Answers(1)
        for try await event in beside { answers.take(event) }
        #expect(answers.answers[0].tokens == plain.tokens)
    }

    @Test func typedQuestionIsAnsweredWithReasoning() async throws {
        let engine = Engine(try Self.model.get())
        let (answers, timings) = try await engine.complete(
            GenerationRequest(prompt: try prompt(Self.question), options: .greedy))
        #expect(answers[0].text == "12 + 7 = 19. 19 - 5 = 14. The answer is 14.")
        #expect(answers[0].finishReason == .stop)
        #expect(timings.completionTokens == answers[0].tokens.count + 1)
    }

    @Test func sameSeedGivesTheSameAnswerAloneAndInAnyBatch() async throws {
        let engine = Engine(try Self.model.get())
        var options = SamplingOptions()
        options.temperature = 1.5
        options.seed = 7
        options.maxTokens = 48
        options.logProbabilities = 0
        let alone = try await engine.complete(GenerationRequest(prompt: try prompt(Self.question), options: options))
        let busy = Engine(try Self.model.get())
        let together = try await withThrowingTaskGroup(of: (Int, Completion).self) { group in
            for index in 0..<12 {
                var mine = options
                let text = index == 5 ? Self.question : "What day comes \(index) days after Monday?"
                mine.seed = index == 5 ? 7 : UInt64(index)
                let request = GenerationRequest(
                    prompt: index % 3 == 0 ? try spoken("plus") : try prompt(text), options: mine)
                group.addTask { (index, try await busy.complete(request).answers[0]) }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        #expect(together[5] == alone.answers[0])
    }

    @Test func othersComeBeforeRequestsThatYield() async throws {
        var limits = EngineLimits()
        limits.sequences = 4
        let engine = Engine(try Self.model.get(), limits: limits)
        let question = try prompt(Self.question)
        // The last to come is the only one that does not yield.
        let order = try await order(
            of: (0..<13).map { GenerationRequest(prompt: question, options: .greedy, isLowPriority: $0 < 12) }, in: engine)
        let place = try #require(order.firstIndex(of: 12))
        #expect(place <= 6, "\(order)")
    }

    /// One place, and forty questions that are asked at once before eight that yield: these get theirs between them, and no more.
    @Test func requestsThatYieldHaveTheirShareWhileOthersNeverPause() async throws {
        var limits = EngineLimits()
        limits.sequences = 1
        let engine = Engine(try Self.model.get(), limits: limits)
        let question = try prompt(Self.question)
        let order = try await order(
            of: (0..<48).map { GenerationRequest(prompt: question, options: .greedy, isLowPriority: $0 >= 40) }, in: engine)
        let yielding = order.prefix(30).count { $0 >= 40 }
        #expect((4...8).contains(yielding), "\(order)")
        #expect(order.suffix(8).contains { $0 < 40 }, "\(order)")
    }

    @Test func manyAnswersToOnePromptAreThoseOfTheirStreams() async throws {
        let engine = Engine(try Self.model.get())
        var options = SamplingOptions()
        options.temperature = 2
        options.seed = 3
        options.maxTokens = 40
        options.count = 5
        let request = GenerationRequest(prompt: try spoken("apples"), options: options)
        let first = try await engine.complete(request).answers
        let (again, timings) = try await engine.complete(request)
        #expect(first == again)
        #expect(Set(first.map(\.tokens)).count > 1)
        #expect(timings.cachedTokens > 0)
    }

    @Test func cacheReuseGivesTheSameAnswer() async throws {
        let engine = Engine(try Self.model.get())
        var options = SamplingOptions.greedy
        options.logProbabilities = 3
        let request = GenerationRequest(prompt: try spoken("largest"), options: options)
        let (cold, first) = try await engine.complete(request)
        let (warm, second) = try await engine.complete(request)
        #expect(first.cachedTokens == 0 && second.cachedTokens > 0)
        #expect(cold == warm)
    }

    @Test func whatPromptsShareIsReadOnceToTheToken() async throws {
        var options = SamplingOptions.greedy
        options.logProbabilities = 3
        let questions = [Self.question, Self.question.replacing("7 more", with: "8 more"), "How many days has a week?"]
        let prompts = try questions.map(prompt)
        let engine = Engine(try Self.model.get())
        for (index, prompt) in prompts.enumerated() {
            let request = GenerationRequest(prompt: prompt, options: options)
            let (answers, timings) = try await engine.complete(request)
            let shared = prompts[..<index].map { zip($0.tokens, prompt.tokens).prefix { $0 == $1 }.count }.max() ?? 0
            #expect(index == 0 || shared % KeyValueBlock.tokens != 0)
            #expect(timings.cachedTokens == shared)
            #expect(try await answers == Engine(try Self.model.get()).complete(request).answers)
        }
    }

    @Test func whatOneVersionHasReadNoOtherUses() async throws {
        let model = try Self.model.get()
        let engine = Engine(model)
        var options = SamplingOptions.greedy
        options.logProbabilities = 3
        let closed = try model.version(fromPEFT: CordNano.closedAdapter, id: CordNano.closedName)
        var answers: [[Completion]] = []
        for version in [nil, closed] {
            let request = GenerationRequest(prompt: try prompt(Self.question), options: options, version: version)
            let (answer, timings) = try await engine.complete(request)
            #expect(timings.cachedTokens == 0)
            #expect(try await answer == Engine(model).complete(request).answers)
            answers.append(answer)
        }
        #expect(answers[0] != answers[1])
    }

    @Test func nextTurnOfAConversationReadsOnlyWhatIsNew() async throws {
        let engine = Engine(try Self.model.get())
        let first = HeardMessage(role: "user", parts: [.text(Self.question)])
        let asked = try engine.model.prompt([first])
        let answer = try await engine.complete(GenerationRequest(prompt: asked, options: .greedy)).answers[0]
        let turns = [first, Message(role: "assistant", parts: [.text(answer.text)]), Message(role: "user", parts: [.text("And now?")])]
        let prompt = try engine.model.prompt(turns)
        let request = GenerationRequest(prompt: prompt, options: .greedy)
        let (next, timings) = try await engine.complete(request)
        // The last token of an answer is chosen, but not read.
        #expect(timings.cachedTokens >= asked.tokens.count + answer.tokens.count - 1)
        #expect(try await next == Engine(try Self.model.get()).complete(request).answers)
    }

    @Test func promptsThatComeTogetherShareWhatTheFirstOfThemReads() async throws {
        let engine = Engine(try Self.model.get())
        let prompts = try (2..<8).map { try prompt("Tom has \($0) apples. He buys 7 more. How many apples are there now?") }
        let streams = try prompts.map { try engine.generate(GenerationRequest(prompt: $0, options: .greedy)) }
        var cached: [Int] = []
        for stream in streams {
            for try await case .done(let timings) in stream { cached.append(timings.cachedTokens) }
        }
        let shared = prompts.map { zip($0.tokens, prompts[0].tokens).prefix { $0 == $1 }.count }
        #expect(cached[0] == 0 && zip(cached, shared).dropFirst().allSatisfy { $0 >= $1 && $1 > 16 }, "\(cached), shared \(shared)")
    }

    @Test func ofAMeasuredClipNothingIsKept() async throws {
        func blocks(isLowPriority: Bool) async throws -> (first: Int, both: Int, cached: Int) {
            let engine = Engine(try Self.model.get())
            func ask(_ clip: String) async throws -> (blocks: Int, cached: Int) {
                let request = GenerationRequest(prompt: try spoken(clip), options: .greedy, isLowPriority: isLowPriority)
                let timings = try await engine.complete(request).1
                for _ in 0..<1000 where engine.statistics.running > 0 { try await Task.sleep(for: .milliseconds(5)) }
                return (engine.statistics.cacheBlocks, timings.cachedTokens)
            }
            let (first, second) = (try await ask("largest"), try await ask("days"))
            return (first.blocks, second.blocks, second.cached)
        }
        let words = try spoken("days").clips[0].slots[0]
        let (measured, asked) = (try await blocks(isLowPriority: true), try await blocks(isLowPriority: false))
        #expect(
            measured.cached == words && measured.first == (words + KeyValueBlock.tokens - 1) / KeyValueBlock.tokens && measured.both == measured.first
        )
        #expect(asked.cached == words && asked.first > measured.first && asked.both > asked.first)
    }

    @Test func clipsOfAnEnginesPromptsAreRememberedByWhoseHearingItWas() async throws {
        let engine = Engine(try Self.model.get())
        let (model, arithmetic) = (engine.model.model, engine.model.arithmetic)
        let clips = try ["largest", "days", "largest"].map { try spoken($0).clips[0] }
        func computed(_ version: WeightVersion?) throws -> [Float] {
            try clips.flatMap { clip in
                try #require(EmbeddingCache(capacity: 0).rows([clip], model, version: version, arithmetic: arithmetic)).values
            }
        }
        _ = try await engine.complete(GenerationRequest(prompt: try spoken("largest"), options: .greedy))
        let bytes = clips[0].slots.count * model.decoder.configuration.hiddenSize * 4
        #expect(engine.embeddings.bytes == bytes)
        let rows = try #require(engine.embeddings.rows(clips, model, version: nil, arithmetic: arithmetic))
        #expect(
            try rows.values == computed(nil) && engine.embeddings.bytes == bytes + clips[1].slots.count * model.decoder.configuration.hiddenSize * 4)
        // The adapter changes what is heard, so nothing of the base's may be found for it.
        let adapted = try engine.model.version(fromPEFT: CordNano.closedAdapter, id: CordNano.closedName)
        let other = try #require(engine.embeddings.rows(clips, model, version: adapted, arithmetic: arithmetic))
        #expect(try other.values == computed(adapted) && other.values != rows.values)
    }

    @Test func promptReadInPiecesGivesTheSameAnswer() async throws {
        var limits = EngineLimits()
        limits.batchTokens = 7
        var options = SamplingOptions.greedy
        options.logProbabilities = 2
        let request = GenerationRequest(prompt: try spoken("days"), options: options)
        let whole = try await Engine(try Self.model.get()).complete(request).answers
        let pieces = try await Engine(try Self.model.get(), limits: limits).complete(request).answers
        #expect(whole == pieces)
    }

    @Test func stopStringEndsTheAnswerBeforeIt() async throws {
        let engine = Engine(try Self.model.get())
        var options = SamplingOptions.greedy
        options.stop = ["19 - 5"]
        let answer = try await engine.complete(
            GenerationRequest(prompt: try prompt(Self.question), options: options)
        ).answers[0]
        #expect(answer.text == "12 + 7 = 19. ")
        #expect(answer.finishReason == .stop)
    }

    @Test func lengthLimitEndsTheAnswer() async throws {
        let engine = Engine(try Self.model.get())
        var options = SamplingOptions.greedy
        options.maxTokens = 3
        let answer = try await engine.complete(
            GenerationRequest(prompt: try prompt(Self.question), options: options)
        ).answers[0]
        #expect(answer.tokens.count == 3 && answer.finishReason == .length)
    }

    @Test func droppingTheStreamCancelsTheWork() async throws {
        let engine = Engine(try Self.model.get())
        var options = SamplingOptions()
        options.ignoresEndOfTurn = true
        options.maxTokens = 900
        let request = GenerationRequest(prompt: try prompt(Self.question), options: options)
        let task = Task { try await engine.complete(request) }
        while engine.statistics.running == 0 { try await Task.sleep(for: .milliseconds(1)) }
        task.cancel()
        await #expect(throws: (any Error).self) { try await task.value }
        let options2 = SamplingOptions.greedy
        _ = try await engine.complete(GenerationRequest(prompt: try prompt("What is 2 plus 3?"), options: options2))
        #expect(engine.statistics.cancelled == 1)
        // Counters are published once a step has ended, just after its last event.
        for _ in 0..<1000 where engine.statistics.running > 0 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(engine.statistics.running == 0)
    }

    @Test func fullQueueRefuses() async throws {
        var limits = EngineLimits()
        limits.queue = 0
        let engine = Engine(try Self.model.get(), limits: limits)
        let request = GenerationRequest(prompt: try prompt("Hello"), options: .greedy)
        #expect(throws: EngineError.queueFull(limit: 0)) { try engine.generate(request) }
    }

    @Test func promptBeyondTheContextIsRefused() async throws {
        let engine = Engine(try Self.model.get())
        let request = GenerationRequest(prompt: Prompt(tokens: Array(repeating: 5, count: 2048)), options: .greedy)
        #expect(throws: EngineError.promptTooLong(tokens: 2048, limit: 2048)) { try engine.generate(request) }
    }

    @Test func logProbabilitiesOfGreedyAnswerAreTheLargest() async throws {
        let engine = Engine(try Self.model.get())
        var options = SamplingOptions.greedy
        options.logProbabilities = 4
        let answer = try await engine.complete(
            GenerationRequest(prompt: try prompt(Self.question), options: options)
        ).answers[0]
        #expect(!answer.tokens.isEmpty && answer.logProbabilities.count == answer.tokens.count)
        for token in answer.logProbabilities {
            #expect(token.top.count == 4)
            #expect(token.top[0].token == token.token)
            #expect(token.top[0].logProbability == token.logProbability)
            #expect(token.logProbability <= 0)
        }
    }
}
