import Audio
import Generation
import Models
import Objectives
import Randomness

/// From pairs to answers: prompts, rollouts, rewards.
extension Trainer {
    /// One pair on its way through a step.
    struct Work {
        let pair: TrainingPair
        var prompt = Prompt(tokens: [])
        var teacherPrompt = Prompt(tokens: [])
        var rollouts = PairRollouts()
        var outcome: PairOutcome
    }

    func prepare(_ pairs: [TrainingPair]) -> [Work] {
        pairs.enumerated().map { index, pair in
            var work = Work(pair: pair, outcome: PairOutcome(id: pair.id, index: index))
            do {
                if pair.text.allSatisfy(\.isWhitespace) { throw UnusablePair("the text is empty") }
                let gold = options.objective.imitatesGold ? pair.solution ?? pair.answer : pair.answer
                if options.objective.needsGold, gold?.allSatisfy(\.isWhitespace) ?? true {
                    throw UnusablePair("the method needs the right answer, and the pair has none")
                }
                work.teacherPrompt = try prompt(.text(pair.text))
                if let sound = pair.sound {
                    let clip = try sound.clip(limits: AudioLimits(maxSeconds: engine.model.windowSeconds))
                    work.outcome.heard = clip.source
                    work.prompt = try prompt(.audio(clip))
                    work.outcome.audioTokens = work.prompt.audioTokens
                } else {
                    work.prompt = work.teacherPrompt
                }
            } catch {
                work.outcome.reason = "\(error)"
            }
            return work
        }
    }

    private func prompt(_ part: Message.Part) throws -> Prompt {
        let system = options.system.map { [Message(role: "system", parts: [.text($0)])] } ?? []
        return try engine.model.prompt(system + [Message(role: "user", parts: [part])])
    }

    /// Rollouts of all pairs, side by side in the engine.
    func sample(_ work: inout [Work]) async throws {
        let live = weights.view(id: "training-\(number)-\(steps)")
        defer { engine.forget(version: live.id) }
        let objective = options.objective
        let teacher = objective.teacher == .frozen ? weights.parent : live
        let collector = RolloutCollector(
            engine: engine, objective: objective, student: live, teacher: teacher, judge: judge)
        let remembers = objective.teacher == .frozen && objective.teacherTemperature == 0
        let requests = work.indices.filter { work[$0].outcome.isApplied }.map { index in
            (
                index, work[index].pair, work[index].prompt, work[index].teacherPrompt,
                remembers ? teacherAnswers[work[index].pair.text] : nil
            )
        }
        var stream = RandomStream(seed: options.seed, index: steps + 1)
        let seeds = work.map { _ in stream.next() & ~3 }
        // The engine's queue is finite: a few hundred pairs would overflow it.
        let limit = max(1, engine.limits.queue / 8)
        let results = try await withThrowingTaskGroup(of: (Int, Result<PairRollouts, any Error>).self) { group in
            var results: [(Int, Result<PairRollouts, any Error>)] = []
            for (count, (index, pair, prompt, teacherPrompt, known)) in requests.enumerated() {
                if count >= limit, let result = try await group.next() { results.append(result) }
                group.addTask {
                    do {
                        let rollouts = try await collector.collect(
                            pair, prompt: prompt, teacherPrompt: teacherPrompt, seed: seeds[index], known: known)
                        return (index, .success(rollouts))
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
                work[index].rollouts = try result.get()
                let answer = work[index].rollouts.teacherAnswer
                work[index].outcome.teacherAnswer = answer?.text
                if remembers, let answer { teacherAnswers[work[index].pair.text] = answer }
            } catch {
                work[index].outcome.reason = "\(error)"
            }
        }
    }
}
