import Audio
import CordNano
import Foundation
import Generation
import Judging
import Objectives
import Tensors
import TestSupport
import Training

/// The embedded model with spoken and typed questions to train on.
enum StepFixture {
    static let model = Result { try LoadedModel(directory: CordNano.directory) }
    static let questions: [(clip: String, text: String, answer: String)] = [
        (
            "apples", "Tom has 12 apples. He buys 7 more. He gives away 5. How many apples are there now?",
            "12 + 7 = 19. 19 - 5 = 14. The answer is 14."
        ),
        ("days", "Today is Monday. What day is it in 3 days?", "The answer is Thursday."),
        ("largest", "Which is the largest of 14, 52 and 31?", "The answer is 52."),
        ("plus", "What is 8 plus 5?", "8 + 5 = 13. The answer is 13."),
    ]

    static func file(_ clip: String) -> URL { fixtures.appending(path: "qwen2audio/cord-nano/\(clip).flac") }

    static func pairs(_ count: Int = 4) -> [TrainingPair] {
        questions.prefix(count).map {
            TrainingPair(id: $0.clip, sound: .file(file($0.clip)), text: $0.text, answer: $0.answer)
        }
    }

    static func options(_ method: Objective.Method = .cord, learningRate: Double = 1e-3) -> TrainingOptions {
        var options = TrainingOptions(Objective(method))
        options.objective.maxRolloutTokens = 40
        options.optimizer.learningRate = learningRate
        options.seed = 5
        return options
    }

    static func engine() throws -> Engine { Engine(try model.get()) }

    static func trainer(
        _ options: TrainingOptions = options(), plan: AdapterPlan = .lowRank(rank: 8), judge: AnswerJudge? = nil
    ) throws -> Trainer {
        try Trainer(engine: engine(), plan: plan, options: options, judge: judge ?? matching)
    }

    static let matching: AnswerJudge = { _, response, reference in
        AnswerMatch().verdict(response: response, reference: reference)
    }
}
