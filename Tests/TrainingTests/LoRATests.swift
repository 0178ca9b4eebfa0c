import Foundation
import Generation
import JSON
import Models
import Objectives
import Tensors
import TestSupport
import Testing
import Training
import Weights

/// Options of peft's `LoraConfig`: adapters that peft saved with them, losses and gradients by PyTorch (`Tests/Fixtures/training/lora.py`).
@Suite(.ownThread) struct LoRATests {
    struct Case: Decodable {
        struct Options: Decodable {
            let target_modules: TargetModules
            let r: Int
            let lora_alpha: Double
            let use_rslora: Bool?
            let lora_dropout: Double
            let rank_pattern: [String: Int]?
            let alpha_pattern: [String: Double]?
        }
        struct Replayed: Decodable {
            let objective: ExactnessTests.File.Settings
            let streams: [UInt64]
            let loss: Double
        }
        let name: String
        let options: Options
        let streams: [UInt64]
        let plain: Double
        let loss: Double
        let replayed: Replayed

        var plan: AdapterPlan {
            var lora = LoRA(rank: options.r, alpha: options.lora_alpha)
            lora.isRankStabilized = options.use_rslora ?? false
            lora.targets = options.target_modules
            lora.ranks = options.rank_pattern ?? [:]
            lora.alphas = options.alpha_pattern ?? [:]
            return AdapterPlan(AdapterPlan.Part.allCases, .lowRank(lora))
        }
    }

    static let file = Result {
        try JSONDecoder().decode([Case].self, from: Data(contentsOf: ExactnessTests.directory.appending(path: "options.json")))
    }

    static func load() throws -> LoadedModel {
        let checkpoint = try RandomCheckpoint("qwen2audio/grouped7")
        return try withExtendedLifetime(checkpoint) { try LoadedModel(directory: checkpoint.directory, precision: .float32) }
    }

    private static func gradientPass(
        _ weights: TrainableWeights, _ model: AudioLanguageModel, _ objective: Objective = Objective(), dropout: Double,
        _ pairs: [ExactnessTests.File.Pair], replays: Int = 0
    ) -> GradientPass {
        GradientPass(
            model: model, arithmetic: .float32, objective: objective, weights: weights, frozenTeacher: nil,
            counts: ExactnessTests.counts(pairs, replays: replays), dropout: dropout)
    }

    private static func loss(_ scored: [[ScoredAnswer]], pairs: Int? = nil) -> Double {
        scored.joined().reduce(0) { $0 + $1.coefficients.loss } / Double(pairs ?? scored.count)
    }

    @Test(arguments: cases(in: "training/options.json") { _ in try file.get() }.indices)
    func adaptersThatPeftSavedGoOnAsInPyTorch(index: Int) throws {
        let item = try Self.file.get()[index]
        let loaded = try Self.load()
        let parent = try loaded.version(fromPEFT: ExactnessTests.directory.appending(path: "options/\(item.name)"), id: item.name)
        #expect(parent.settings == AdapterSettings(dropout: item.options.lora_dropout, isRankStabilized: item.options.use_rslora ?? false))
        try item.plan.check(
            rank: item.options.r, alpha: item.options.lora_alpha, isRankStabilized: item.options.use_rslora ?? false, against: parent,
            in: loaded.model)
        // The plan selects what peft selected, with its ranks and scales.
        let fresh = try TrainableWeights(item.plan, model: loaded.model)
        let weights = try TrainableWeights(item.plan, model: loaded.model, parent: parent)
        #expect(Set(parent.adapters.keys) == Set(fresh.view(id: "fresh").adapters.keys))
        for (parameter, adapter) in fresh.view(id: "fresh").adapters {
            let saved = try #require(parent.adapters[parameter])
            #expect(adapter.scale == saved.scale && adapter.a.rows == saved.a.rows)
        }
        let goldens = try Safetensors(ExactnessTests.directory.appending(path: "options.safetensors"))
        let checkpoint = try ExactnessTests.Checkpoint("qwen2audio/grouped7")
        let source = try ExactnessTests.file.get().pairs
        var pairs = try ExactnessTests.prepared(source, checkpoint, Objective())
        for place in pairs.indices { pairs[place].stream = item.streams[place] }

        let plain = Self.gradientPass(weights, loaded.model, dropout: 0, source)(pairs, on: Tape())
        #expect(relativeDifference(Self.loss(plain), item.plain) <= 1e-4, "\(Self.loss(plain)), PyTorch \(item.plain)")
        let pass = Self.gradientPass(weights, loaded.model, dropout: item.options.lora_dropout, source)
        let tape = Tape()
        weights.watch(on: tape)
        let loss = Self.loss(pass(pairs, on: tape))
        #expect(relativeDifference(loss, item.loss) <= 1e-4, "\(loss), PyTorch \(item.loss)")
        for entry in weights.entries {
            let expected = try #require(goldens.tensors["\(item.name)/\(entry.name)"]).floats()
            let found = try #require(tape.gradient(of: entry.tensor)).values
            #expect(largestRelativeDifference(found, expected) <= 1e-4, "\(entry.name)")
        }
        #expect(goldens.tensors.keys.count { $0.hasPrefix(item.name + "/") } == weights.entries.count)
    }

    /// The frozen teacher has no dropout; each replayed prompt draws masks of its own.
    @Test(arguments: cases(in: "training/options.json") { _ in try file.get() }.indices)
    func replayedPromptsAreDroppedOutAsInPyTorch(index: Int) throws {
        let item = try Self.file.get()[index]
        let loaded = try Self.load()
        let parent = try loaded.version(fromPEFT: ExactnessTests.directory.appending(path: "options/\(item.name)"), id: item.name)
        let weights = try TrainableWeights(item.plan, model: loaded.model, parent: parent)
        let goldens = try Safetensors(ExactnessTests.directory.appending(path: "options.safetensors"))
        let checkpoint = try ExactnessTests.Checkpoint("qwen2audio/grouped7")
        let source = try ExactnessTests.file.get()
        let objective = item.replayed.objective.objective
        var pairs = try ExactnessTests.prepared(source.pairs, checkpoint, objective) + ExactnessTests.replayed(source.replays, checkpoint)
        for (place, stream) in (item.streams + item.replayed.streams).enumerated() { pairs[place].stream = stream }
        let pass = Self.gradientPass(
            weights, loaded.model, objective, dropout: item.options.lora_dropout, source.pairs, replays: source.replays.count)
        let tape = Tape()
        weights.watch(on: tape)
        let loss = Self.loss(pass(pairs, on: tape), pairs: source.pairs.count)
        #expect(relativeDifference(loss, item.replayed.loss) <= 1e-4, "\(loss), PyTorch \(item.replayed.loss)")
        for entry in weights.entries {
            let expected = try #require(goldens.tensors["replayed/\(item.name)/\(entry.name)"]).floats()
            let found = try #require(tape.gradient(of: entry.tensor)).values
            #expect(largestRelativeDifference(found, expected) <= 1e-4, "\(entry.name)")
        }
    }

    /// A mask follows from names: neither the other pairs of a pass, nor their order, nor computing layers again changes it.
    @Test func dropoutIsIndependentOfThePlaceInTheBatch() throws {
        let item = try Self.file.get()[0]
        let loaded = try Self.load()
        let parent = try loaded.version(fromPEFT: ExactnessTests.directory.appending(path: "options/\(item.name)"), id: item.name)
        let weights = try TrainableWeights(item.plan, model: loaded.model, parent: parent)
        let checkpoint = try ExactnessTests.Checkpoint("qwen2audio/grouped7")
        let source = try ExactnessTests.file.get().pairs
        var pairs = try ExactnessTests.prepared(source, checkpoint, Objective())
        for place in pairs.indices { pairs[place].stream = item.streams[place] }
        let pass = Self.gradientPass(weights, loaded.model, dropout: 0.4, source)
        func measures(_ pairs: [PreparedPair], recomputing: Bool = true) -> (answers: [[Float]], gradient: [Float]) {
            let tape = Tape(recomputing: recomputing)
            weights.watch(on: tape)
            let scored = pass(pairs, on: tape)
            return (scored.map { $0.flatMap { $0.measures.map(\.logProbability) } }, tape.gradient(of: weights.entries[0].tensor)!.values)
        }
        let (together, kept) = (measures(pairs), measures(pairs, recomputing: false))
        #expect(together.answers == kept.answers && together.gradient == kept.gradient)
        #expect(measures([pairs[1]]).answers == [together.answers[1]])
        #expect(measures(pairs.reversed()).answers == together.answers.reversed())
        for place in pairs.indices { pairs[place].stream += 1 }
        #expect(measures(pairs).answers != together.answers)
    }

    /// A step draws the masks that its score has told; the next step draws others. Whole parameters have no adapters to drop from.
    @Test func aStepDrawsDropoutByItsNumber() async throws {
        var options = StepFixture.options(.supervised, learningRate: 1e-9)
        options.adapterDropout = 0.3
        let trainer = try StepFixture.trainer(options)
        let pairs = StepFixture.pairs(2)
        let score = try await trainer.score(pairs).metrics.gradNorm
        let (first, second) = (try await trainer.step(pairs).metrics.gradNorm, try await trainer.step(pairs).metrics.gradNorm)
        #expect(score == first && abs(second - first) > 1e-3 * first, "\(score), \(first), \(second)")
        #expect(await trainer.snapshot(id: "after").settings.dropout == 0.3)
        #expect(throws: TrainingError.self) { try StepFixture.trainer(options, plan: .full([.projector])) }
    }

    /// E[x ⊙ m / (1 − p)] = x; and its gradient has the same mask.
    @Test func dropoutLeavesTheExpectationAlone() throws {
        let x = Tensor([Float](repeating: 2, count: 200 * 50), rows: 200, columns: 50)
        let dropout = Dropout(0.3, from: 7)
        let tape = Tape()
        tape.watch(x)
        let y = dropout(x, module: "a.b", tape)
        tape.backward(from: y, gradient: Tensor([Float](repeating: 2, count: x.count), rows: 200, columns: 50))
        #expect(tape.gradient(of: x)?.values == y.values)
        let kept = y.values.count { $0 != 0 }
        // Of 10,000, four standard deviations.
        #expect(abs(Double(kept) - 7000) < 4 * (10_000 * 0.3 * 0.7).squareRoot(), "\(kept)")
        #expect(Set(y.values) == [0, 2 / 0.7])
        #expect(dropout(x, module: "a.c", nil).values != y.values)
        #expect(Dropout(0.3, from: 8)(x, module: "a.b", nil).values != y.values)
    }

    @Test func whatCannotBeGivenIsRefusedByName() throws {
        let model = try Self.load().model
        func refusal(_ change: (inout LoRA) -> Void, _ parts: [AdapterPlan.Part] = [.decoder]) -> String? {
            var lora = LoRA(rank: 4)
            change(&lora)
            do {
                _ = try TrainableWeights(AdapterPlan(parts, .lowRank(lora)), model: model)
                return nil
            } catch { return "\(error)" }
        }
        #expect(refusal { $0.targets = .names(["q_proj", "down_proj"]) } == nil)
        for (text, expected) in [
            (refusal { $0.targets = .names(["q_proj", "fc1"]) }, "found \"fc1\""),
            (refusal { $0.targets = .names(["proj"]) }, "found \"proj\""),
            (refusal({ $0.targets = .names(["conv1"]) }, [.encoder]), "selects model.audio_tower.conv1 too"),
            (refusal { $0.targets = .names(["lm_head"]) }, "found \"lm_head\""),
            (refusal { $0.targets = .expression(".*self_attn") }, "selects model.language_model.layers.0.self_attn too"),
            (refusal { $0.targets = .expression("q_proj") }, "whole names like model.language_model"),
            (refusal { $0.targets = .expression("(q_proj") }, "target_modules"),
            (refusal { $0.ranks = ["r_proj": 2] }, "rank_pattern: \"r_proj\""),
            (refusal { $0.ranks = ["q_proj": 2, "self_attn.q_proj": 3] }, "expected one value for model.language_model.layers.0.self_attn.q_proj"),
            (refusal { $0.ranks = ["q_proj": 0] }, "rank 0"),
            (refusal { $0.alphas = ["r_proj": 2] }, "alpha_pattern: \"r_proj\""),
            (refusal { $0.alphas = ["q_proj": 2, "self_attn.q_proj": 3] }, "alpha_pattern: expected one value"),
            (refusal { $0.alphas = ["q_proj": 0] }, "alpha 0"),
        ] {
            #expect(text?.contains(expected) == true, "\(text ?? "nothing") for \(expected)")
        }
    }

    /// What goes out as peft writes it comes back the same.
    @Test func settingsAreWrittenAndReadAgain() throws {
        let loaded = try Self.load()
        var lora = LoRA(rank: 3, alpha: 16)
        lora.isRankStabilized = true
        lora.targets = .names(["q_proj", "o_proj"])
        lora.ranks = ["o_proj": 5]
        lora.alphas = ["o_proj": 6]
        let plan = AdapterPlan([.decoder], .lowRank(lora))
        #expect(try JSONDecoder().decode(AdapterPlan.self, from: JSONEncoder().encode(plan)) == plan)
        let version = try TrainableWeights(plan, model: loaded.model).snapshot(id: "made", dropout: 0.1)
        let folder = try TemporaryFolder()
        try TensorExport.writeAdapter(version, of: loaded.model, baseModel: nil, to: folder.url.appending(path: "a"))
        let config = try JSONValue(parsing: Data(contentsOf: folder.url.appending(path: "a/adapter_config.json")))
        #expect(try config.number("lora_alpha") == 16 && config.boolean("use_rslora") && config.number("lora_dropout") == 0.1)
        let alphas = try config.object("alpha_pattern")
        #expect(alphas.keys.count == 1 && alphas.keys.allSatisfy { $0.hasSuffix("o_proj") })
        let read = try loaded.version(fromPEFT: folder.url.appending(path: "a"), id: "read")
        #expect(read.settings == AdapterSettings(dropout: 0.1, isRankStabilized: true))
        for (index, adapter) in version.adapters {
            #expect(read.adapters[index]?.scale == adapter.scale && read.adapters[index]?.a.values == adapter.a.values)
        }
        try plan.check(rank: nil, alpha: 16, isRankStabilized: true, against: read, in: loaded.model)
        #expect(throws: TrainingError.self) { try plan.check(rank: nil, alpha: nil, isRankStabilized: false, against: read, in: loaded.model) }
        lora.alphas = ["o_proj": 7]
        let other = AdapterPlan([.decoder], .lowRank(lora))
        #expect(throws: TrainingError.self) { try other.check(rank: nil, alpha: nil, against: read, in: loaded.model) }
        #expect(throws: TrainingError.self) { try plan.check(rank: nil, alpha: 8, against: read, in: loaded.model) }
    }
}
