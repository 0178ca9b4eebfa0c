import Audio
import Foundation
import Generation
import Hashing
import Models
import Objectives
import Randomness

/// Replayed prompts, which hold the student to the frozen teacher while the pairs change it.
///
///     rows ──────────────────────┐
///     a share of the pairs' clips ┴ prompts → the frozen teacher's greedy answers, or given ones → PreparedPair
extension Trainer {
    /// One replayed prompt of a step.
    struct Replay {
        let prompt: Prompt
        var answer: SampledAnswer?
        let stream: UInt64
        var outcome: PairOutcome
    }

    /// The replays of a step: rows, and transcription prompts for clips of its pairs.
    func replays(_ rows: [TrainingPair], beside pairs: [TrainingPair]) async throws -> [Replay] {
        guard options.objective.replayWeight > 0 else { return [] }
        var replays: [Replay] = []
        func add(_ id: String, _ prompts: () throws -> PairPrompts) {
            let stream = RandomStream(seed: RandomStream(seed: options.seed, index: steps + 1).first, part: id).first
            var outcome = PairOutcome(id: id, index: replays.count)
            do {
                let prompts = try prompts()
                let answer = try prompts.targets.first.map { try SampledAnswer(text: $0.answer, model: engine.model) }
                replays.append(Replay(prompt: prompts.student, answer: answer, stream: stream, outcome: outcome))
            } catch {
                outcome.reason = "\(error)"
                replays.append(Replay(prompt: Prompt(tokens: []), stream: stream, outcome: outcome))
            }
        }
        for row in rows {
            add("replay/" + row.id) {
                if let problem = RowUse.replay.problem(of: row) { throw UnusablePair(problem) }
                return try RowUse.replay.prompts(of: row, by: engine.model, system: options.system)
            }
        }
        if options.objective.replayTranscripts > 0, !pairs.contains(where: { $0.sound != nil }) {
            add("transcripts") { throw UnusablePair("no pair of the step has a clip to be written down") }
        }
        for pair in transcribed(pairs) {
            add("transcript/" + pair.id) {
                let prompt = try pair.transcription(by: engine.model)
                return PairPrompts(student: prompt, teacher: prompt, targets: [])
            }
        }
        try await answer(&replays)
        return replays
    }

    /// The pairs whose clips are replayed, drawn by the step: the configured share of those with a clip, but at least one.
    private func transcribed(_ pairs: [TrainingPair]) -> [TrainingPair] {
        let heard = pairs.filter { $0.sound != nil }
        let share = options.objective.replayTranscripts
        guard share > 0, !heard.isEmpty else { return [] }
        var random = RandomStream(seed: RandomStream(seed: options.seed, index: steps + 1).first, part: "transcripts")
        return random.sample(max(1, Int((share * Double(heard.count)).rounded())), of: heard)
    }

    /// Completes the frozen teacher's answers, asking the engine in parallel for those not known yet.
    private func answer(_ replays: inout [Replay]) async throws {
        let asked = replays.indices.filter { replays[$0].outcome.isApplied && replays[$0].answer == nil }
        let results = try await withThrowingTaskGroup(of: (Int, Result<SampledAnswer, any Error>).self) { group in
            var results: [(Int, Result<SampledAnswer, any Error>)] = []
            for (count, index) in asked.enumerated() {
                if count >= queueShare, let result = try await group.next() { results.append(result) }
                let (prompt, known) = (replays[index].prompt, teacherAnswers[replays[index].prompt.digest])
                let request = GenerationRequest(prompt: prompt, options: greedy, version: teacher, isLowPriority: true)
                group.addTask { [engine] in
                    if let known { return (index, .success(known)) }
                    do {
                        return (index, .success(SampledAnswer(try await engine.complete(request).answers[0])))
                    } catch let error as CancellationError {
                        throw error
                    } catch EngineError.stopped {
                        throw EngineError.stopped
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            for try await result in group { results.append(result) }
            return results
        }
        for (index, result) in results {
            do {
                let answer = try result.get()
                replays[index].answer = answer
                teacherAnswers.remember(answer, to: replays[index].prompt.digest)
            } catch {
                replays[index].outcome.reason = "\(error)"
            }
        }
    }

    private var greedy: SamplingOptions {
        var options = SamplingOptions()
        options.temperature = 0
        options.maxTokens = self.options.objective.maxRolloutTokens
        options.logProbabilities = 0
        options.tellsEnd = true
        return options
    }

    /// The replays as input of a gradient pass, with their reported rollouts.
    func prepare(_ replays: inout [Replay]) -> [Prepared] {
        replays.indices.compactMap { index in
            guard replays[index].outcome.isApplied, let answer = replays[index].answer else { return nil }
            let replay = replays[index]
            let length = replay.prompt.tokens.count + answer.tokens.count
            guard length <= engine.model.model.contextLength else {
                replays[index].outcome.reason = "prompt and answer have \(length) tokens, the model's context \(engine.model.model.contextLength)"
                return nil
            }
            replays[index].outcome.rollouts = [
                RolloutOutcome(source: .replay, text: answer.text, tokenCount: answer.length, isCut: answer.isCut)
            ]
            return Prepared(
                .replay(index), replay.prompt, teacher: replay.prompt, [(0, PreparedPair.Answer(source: .replay, tokens: answer.tokens))],
                stream: replay.stream)
        }
    }
}

extension TrainingPair {
    /// The prompt that asks for the clip's words.
    fileprivate func transcription(by model: LoadedModel) throws -> Prompt {
        guard let sound else { throw UnusablePair("there is no clip") }
        let wish = TranscriptionWish()
        try Transcriber.check(wish, model)
        return try model.prompt(for: wish, try sound.clip(limits: AudioLimits(maxSeconds: model.windowSeconds)))
    }
}

extension Prompt {
    /// Identifies the prompt by its text and clips.
    var digest: String {
        var hash = SHA256()
        hash.update(unsafe tokens.withUnsafeBytes { unsafe Data($0) })
        for clip in clips { hash.update(clip.source.sha256) }
        return hash.finish()
    }
}
