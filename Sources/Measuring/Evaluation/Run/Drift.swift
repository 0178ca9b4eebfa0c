import Generation
import Models
import Tensors
import Workers

/// The divergence of one form of a model from another, by next-token distributions along the other's greedy answers:
///
///     KL(reference ‖ form) at every token of the reference's answer, after the same prompt
///
/// llama.cpp's `perplexity --kl-divergence` measures the same along a text.
package struct Drift: Sendable {
    /// The form that counts as exact.
    package let reference: EngineRespondent
    package let form: EngineRespondent

    package init(of form: EngineRespondent, from reference: EngineRespondent) {
        self.form = form
        self.reference = reference
    }

    /// Nats at each token of one arm's answers, question by question.
    ///
    /// - Throws: ``Unaskable`` for the first question that cannot be asked.
    /// - Parameter progress: Called with the number of finished questions and of all questions.
    package func measure(
        _ set: QuestionSet, arm: Arm, limit: Int?, seed: UInt64, progress: (_ done: Int, _ total: Int) -> Void
    ) async throws -> [Float] {
        let plan = RunPlan(set, RunSettings(arms: [arm], limit: limit, seed: seed))
        var divergences: [Float] = []
        for (done, question) in plan.questions.enumerated() {
            progress(done, plan.questions.count)
            let prompt = try await reference.prompt(question.asking.get())
            let answer = try await reference.complete(prompt, seed: seed).0
            guard !answer.tokens.isEmpty else { continue }
            let (form, reference) = (form, reference)
            divergences += try await evaluationWork.run {
                let own = form.predictions(of: answer.tokens, after: prompt)
                let theirs = reference.predictions(of: answer.tokens, after: prompt)
                let divergences = measureRows(own, teacher: theirs, targets: answer.tokens).map(\.forwardKL)
                guard divergences.allSatisfy(\.isFinite) else {
                    throw Unaskable(code: "no_distribution", EngineError.noDistribution.description)
                }
                return divergences
            }
        }
        progress(plan.questions.count, plan.questions.count)
        return divergences
    }
}

extension EngineRespondent {
    /// The logits that predict each token of `continuation`, computed and kept as the engine does.
    fileprivate func predictions(of continuation: [Int32], after prompt: Prompt) -> Tensor {
        engine.model.predictions(of: continuation, after: prompt, version: version, keeping: engine.cacheShape)
    }
}
