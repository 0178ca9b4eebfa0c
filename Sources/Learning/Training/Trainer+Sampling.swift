import Audio
import Generation
import Judging
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
        /// The imitation targets; empty for methods that do not imitate gold answers.
        var targets: [ImitationTarget] = []
        var outcome: PairOutcome
    }

    func prepare(_ pairs: [TrainingPair]) -> [Work] {
        pairs.enumerated().map { index, pair in
            var work = Work(pair: pair, outcome: PairOutcome(id: pair.id, index: index))
            do {
                if let problem = options.objective.problem(of: pair) { throw UnusablePair(problem) }
                let prompts = try pair.prompts(for: options.objective, by: engine.model, system: options.system)
                (work.prompt, work.teacherPrompt, work.targets) = (prompts.student, prompts.teacher, prompts.targets)
                work.outcome.heard = work.prompt.clips.first?.source
                work.outcome.audioTokens = work.prompt.audioTokens
            } catch {
                work.outcome.reason = "\(error)"
            }
            return work
        }
    }

    /// Collects the rollouts of all pairs, in parallel in the engine.
    func sample(_ work: inout [Work]) async throws {
        let live = weights.view(id: "training-\(number)-\(steps)")
        defer { engine.forget(version: live.id) }
        let objective = options.objective
        let teacher = objective.teacher == .frozen ? self.teacher : live
        let collector = RolloutCollector(
            engine: engine, objective: objective, student: live, teacher: teacher, judge: judge, reward: reward, scorer: scorer)
        // Greedy answers of unchanging weights can be remembered.
        let remembers = objective.teacher == .frozen && objective.teacherTemperature == 0 && objective.needsTeacherAnswer
        let requests = work.indices.filter { work[$0].outcome.isApplied }.map { index in
            (
                index, work[index].pair, work[index].prompt, work[index].teacherPrompt,
                remembers ? teacherAnswers[work[index].teacherPrompt.digest] : nil
            )
        }
        let seeds = work.map { stream(of: $0.pair) }
        let results = try await withThrowingTaskGroup(of: (Int, Result<PairRollouts, any Error>).self) { group in
            var results: [(Int, Result<PairRollouts, any Error>)] = []
            for (count, (index, pair, prompt, teacherPrompt, known)) in requests.enumerated() {
                if count >= queueShare, let result = try await group.next() { results.append(result) }
                group.addTask {
                    do {
                        let rollouts = try await collector.collect(
                            pair, prompt: prompt, teacherPrompt: teacherPrompt, seed: seeds[index], known: known)
                        return (index, .success(rollouts))
                    } catch let error as CancellationError {
                        throw error
                    } catch EngineError.stopped {
                        throw EngineError.stopped
                    } catch let error as RewardError {
                        // The reward itself failed. Without it, steps would silently learn from fewer pairs.
                        throw error
                    } catch let error as TeacherFailure {
                        throw error
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
                if remembers, let answer { teacherAnswers.remember(answer, to: work[index].teacherPrompt.digest) }
            } catch {
                work[index].outcome.reason = "\(error)"
            }
        }
    }

    /// Names the random choices of a pair in the coming step. It depends on the pair's id, so neither its place in the batch nor its neighbours
    /// matter. The last two bits separate its rollouts, its group and the teacher's answer.
    func stream(of pair: TrainingPair) -> UInt64 {
        RandomStream(seed: RandomStream(seed: options.seed, index: steps + 1).first, part: pair.id).first & ~3
    }

    /// The number of pairs in the engine at once. Its queue is finite, and a few hundred pairs would overflow it.
    var queueShare: Int { max(1, engine.limits.queue / 8) }
}
