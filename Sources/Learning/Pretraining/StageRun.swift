import Foundation
import Generation
import Models
import Tensors
import Training
import Weights

/// The length and the learning rate of a stage.
package struct StageSettings: Sendable, Equatable, Codable {
    package var steps: Int
    /// Examples of a step.
    package var batchSize: Int
    /// The peak, after `warmupSteps`; from there a line to zero at the last step.
    package var learningRate: Double
    package var warmupSteps = 20
    package var seed: UInt64

    package init(steps: Int, batchSize: Int, learningRate: Double, seed: UInt64) {
        self.steps = steps
        self.batchSize = batchSize
        self.learningRate = learningRate
        self.seed = seed
    }
}

/// One stage of a model's making: which tensors it trains, and what a step's gradient is.
protocol Stage {
    /// Names its folder and its log.
    var name: String { get }
    static var plan: AdapterPlan { get }
    var settings: StageSettings { get }
    /// Adds the gradient of step `step`, a function of the weights, the seed and the step alone, to `tape`; returns metrics by name.
    func learn(step: Int, _ weights: TrainableWeights, on tape: Tape) throws -> [String: Double]
}

/// Progress of a stage.
package struct StageProgress: Sendable {
    package let stage: String
    package let step: Int
    package let steps: Int
    package let metrics: [String: Double]
    package let seconds: Double
}

/// Takes a stage's steps: Muon for matrices, AdamW for tables and vectors, a log, checkpoints. An interrupted stage goes on from its
/// last checkpoint with the bits of an uninterrupted one.
///
///     directory/log.jsonl             a line a step
///     directory/state.safetensors     parameters, moments and the step
struct StageRun {
    let model: LoadedModel
    let directory: URL
    let checkpointEvery: Int

    private struct Line: Encodable {
        let step: Int
        let metrics: [String: Double]
        let seconds: Double
    }

    private struct State: Codable, Equatable {
        let stage: String
        let settings: StageSettings
        let step: Int
    }

    /// Runs `stage` from the model's weights to its end and returns the trained version.
    func run(_ stage: some Stage, progress: (StageProgress) throws -> Void) throws -> WeightVersion {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let name = stage.name
        let settings = stage.settings
        let weights = try TrainableWeights(type(of: stage).plan, model: model.model, seed: settings.seed)
        let optimizers = weights.entries.map { ParameterOptimizer($0) }
        let first = try restore(stage: name, settings, weights, optimizers)
        let log = try StepLog(directory.appendingPathComponent("log.jsonl"), after: first)
        let schedule = Schedule(.linear, warmupSteps: settings.warmupSteps, totalSteps: settings.steps)
        for step in first..<max(first, settings.steps) {
            let start = ContinuousClock.now
            let tape = Tape(recomputing: false)
            weights.watch(on: tape)
            var metrics = try stage.learn(step: step, weights, on: tape)
            let rate = settings.learningRate * schedule.factor(step: step)
            for (entry, optimizer) in zip(weights.entries, optimizers) {
                guard let gradient = tape.gradient(of: entry.tensor) else { continue }
                optimizer.update(entry.tensor, gradient: gradient, rate: rate, step: step + 1)
            }
            metrics["learning_rate"] = rate
            let seconds = start.duration(to: .now) / .seconds(1)
            try log.append(Line(step: step + 1, metrics: metrics, seconds: seconds))
            if (step + 1) % checkpointEvery == 0 || step + 1 == settings.steps {
                try save(State(stage: name, settings: settings, step: step + 1), weights, optimizers)
            }
            try progress(
                StageProgress(stage: name, step: step + 1, steps: settings.steps, metrics: metrics, seconds: seconds))
        }
        return weights.snapshot(id: name)
    }

    private var file: URL { directory.appendingPathComponent("state.safetensors") }

    private func tensors(_ weights: TrainableWeights, _ optimizers: [ParameterOptimizer]) -> [(String, Tensor)] {
        zip(weights.entries, optimizers).flatMap { entry, optimizer in
            [("parameter/" + entry.name, entry.tensor)]
                + optimizer.moments.enumerated().map { ("moment\($0)/" + entry.name, $1) }
        }
    }

    private func save(_ state: State, _ weights: TrainableWeights, _ optimizers: [ParameterOptimizer]) throws {
        let text = String(decoding: try JSONEncoder().encode(state), as: UTF8.self)
        try SafetensorsWriter.write(
            tensors(weights, optimizers).map { .float32($0, $1) }, metadata: ["stage": text], to: file)
    }

    /// The step to go on from; 0 without a checkpoint.
    private func restore(
        stage: String, _ settings: StageSettings, _ weights: TrainableWeights, _ optimizers: [ParameterOptimizer]
    ) throws -> Int {
        guard FileManager.default.fileExists(atPath: file.path) else { return 0 }
        let stored = try Safetensors(file)
        let state = try JSONDecoder().decode(State.self, from: Data((stored.metadata["stage"] ?? "{}").utf8))
        guard state.stage == stage, state.settings == settings else {
            throw PretrainingError.checkpoint(
                file.path, "it is of stage \(state.stage) with \(state.settings); give another output folder")
        }
        for (name, tensor) in tensors(weights, optimizers) {
            guard let item = stored.tensors[name] else {
                throw PretrainingError.checkpoint(file.path, "it has no \(name)")
            }
            let loaded = try item.tensor(rows: tensor.rows, columns: tensor.columns)
            unsafe tensor.pointer.update(from: loaded.pointer, count: tensor.count)
        }
        return state.step
    }
}

/// Moves one tensor: Muon where it is a matrix inside the network, AdamW for embeddings and vectors.
private struct ParameterOptimizer {
    private static let muon = Muon()
    private static let adamW: AdamW = {
        var adamW = AdamW()
        adamW.beta2 = 0.98
        return adamW
    }()

    private let isMatrix: Bool
    let moments: [Tensor]

    init(_ entry: TrainableWeights.Entry) {
        isMatrix = entry.tensor.rows > 1 && entry.parameter.kind != .table
        moments = (0..<(isMatrix ? 1 : 2)).map { _ in Tensor(zeros: entry.tensor.rows, entry.tensor.columns) }
    }

    func update(_ parameter: Tensor, gradient: Tensor, rate: Double, step: Int) {
        if isMatrix {
            Self.muon.update(parameter, moments[0], gradient: gradient, rate: rate)
        } else {
            Self.adamW.update(parameter, moments[0], moments[1], gradient: gradient, rate: rate, step: step)
        }
    }
}

package enum PretrainingError: Error, CustomStringConvertible {
    case checkpoint(String, String)
    case speech(String, String)

    package var description: String {
        switch self {
        case .checkpoint(let path, let reason): "cannot go on from \(path): \(reason)"
        case .speech(let path, let reason): "cannot use the spoken questions of \(path): \(reason)"
        }
    }
}
