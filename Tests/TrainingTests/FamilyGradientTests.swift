import Foundation
import Generation
import Models
import Objectives
import Tensors
import TestSupport
import Testing
import Training
import Weights

/// Every family learns as PyTorch does: the gradient of each factor of an adapter by peft, under the name that peft gives it.
@Suite(.ownThread) struct FamilyGradientTests {
    /// Low-rank adapters go to experts where they are named, and leave what chooses them as it is; the plan says so.
    @Test func theRouterOfExpertsIsFrozen() throws {
        let model = try ExactnessTests.Checkpoint("qwen3_omni_moe/published").model
        let routers = model.parameters.filter { $0.kind == .router }
        #expect(routers.map(\.shape) == [[8, 64], [8, 64]] && routers.allSatisfy { $0.name.hasSuffix("mlp.gate.weight") })
        func names(_ plan: AdapterPlan) throws -> [String] { try TrainableWeights(plan, model: model, parent: nil).entries.map(\.name) }
        let plain = AdapterPlan.lowRank([.decoder], rank: 1, alpha: 1)
        #expect(try names(plain).count == 2 * 4 * 2 && names(plain).allSatisfy { $0.contains("self_attn") })
        #expect(try plain.frozen(in: model).count == 2 && plain.frozen(in: model)[0].contains("layers.0.mlp.gate and so on"))
        var lora = LoRA(rank: 1)
        lora.targets = .names(["gate_proj", "up_proj", "down_proj"])
        let experts = AdapterPlan([.decoder], .lowRank(lora))
        #expect(try names(experts).count { $0.contains(".experts.") } == 2 * 3 * 8 * 2 && names(experts).count == 2 * 3 * 8 * 2)
        #expect(try experts.frozen(in: model).count == 1)
        #expect(try !names(.full([.decoder])).contains { $0.contains("mlp.gate.") } && names(.full([.decoder])).contains { $0.contains(".experts.") })
        let dense = try ExactnessTests.Checkpoint("qwen3_asr/published").model
        #expect(try plain.frozen(in: dense).isEmpty)
    }

    /// Without targets, adapters go where peft puts them for "all-linear": to each linear layer but the head, and to no expert.
    @Test(arguments: ReferenceCases.others.filter { $0.hasSuffix("/published") })
    func theDefaultTargetsArePefts(path: String) throws {
        let model = try ExactnessTests.Checkpoint(path).model
        let all = try JSONDecoder().decode([String: [String]].self, from: Data(contentsOf: fixtures.appending(path: "all_linear.json")))
        let expected = try #require(all[String(path.split(separator: "/")[0])])
        let weights = try TrainableWeights(.lowRank(Parameter.Part.allCases, rank: 1), model: model)
        let found = Set(weights.entries.map { model.names.newest($0.parameter.moduleName) })
        #expect(found == Set(expected), "\(found.symmetricDifference(expected).sorted().prefix(6))")
    }

    @Test(arguments: ReferenceCases.others)
    func gradientsOfAnAdapterAgreeWithPyTorch(path: String) throws {
        let checkpoint = try ExactnessTests.Checkpoint(path)
        let adapter = try #require(checkpoint.cases.adapter)
        let goldens = try Safetensors(checkpoint.cases.goldens)
        let stored = try PEFTAdapter(
            directory: checkpoint.cases.directory.appendingPathComponent("adapter"), names: checkpoint.model.names)
        var adapters: [Int: LowRank] = [:]
        for (module, update) in stored.updates {
            let parameter = try #require(checkpoint.model.parameters.first { $0.name == module + ".weight" })
            adapters[parameter.index] = LowRank(
                a: try update.a.tensor(rows: update.rank, columns: parameter.stored.columns),
                b: try update.b.tensor(rows: parameter.stored.rows, columns: update.rank), scale: Float(update.scaling))
        }
        let weights = try TrainableWeights(
            .lowRank(Parameter.Part.allCases, rank: 2, alpha: 4), model: checkpoint.model,
            parent: WeightVersion(id: "python", adapters: adapters))
        let prompt = try checkpoint.prompt(adapter.case)
        let pass = GradientPass(
            model: checkpoint.model, arithmetic: .float32, objective: Objective(.supervised), weights: weights, frozenTeacher: nil,
            counts: BatchCounts(pairs: 1, sequenceTokens: 0))
        let tape = Tape()
        weights.watch(on: tape)
        let pair = PreparedPair(prompt: prompt, teacherPrompt: prompt, answers: [.init(source: .gold, tokens: adapter.answer)])
        let loss = pass([pair], on: tape).joined().reduce(0) { $0 + $1.coefficients.loss }
        #expect(abs(loss - adapter.loss) <= 1e-4 * adapter.loss, "\(loss), PyTorch \(adapter.loss)")
        var compared = 0
        for entry in weights.entries {
            let key = "base_model.model." + checkpoint.model.names.newest(entry.name) + ".weight"
            guard let golden = goldens.tensors["gradient/" + key] else { continue }
            let found = try #require(tape.gradient(of: entry.tensor)).values
            #expect(largestRelativeDifference(found, try golden.floats()) <= 1e-4, "\(key)")
            compared += 1
        }
        #expect(compared == 2 * stored.updates.count)
    }
}
