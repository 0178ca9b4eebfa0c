package import Foundation
import Generation
package import Models
import Tensors
import Weights

/// The state that a training needs to resume, except for the tensors, which are in the same file.
///
/// Random streams are named by the seed and the step, so the step is the state of the generators.
struct TrainingState: Codable, Equatable {
    let options: TrainingOptions
    let plan: AdapterPlan
    let model: String
    let parent: String?
    /// The frozen teacher, if it is not the parent: a version's id, or nothing for the base.
    let teacher: String?
    let steps: Int
    let updates: Int
    let cursor: DataCursor?

    /// The state in a checkpoint, and its tensors.
    static func read(_ file: URL) throws -> (state: TrainingState, tensors: Safetensors) {
        let stored = try Safetensors(file)
        guard let text = stored.metadata["training"] else {
            throw TrainingError.checkpoint(path: file.path, reason: "it is no checkpoint of a training")
        }
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return (try decoder.decode(TrainingState.self, from: Data(text.utf8)), stored)
    }

    /// Why the state does not belong to the model and to the version that its training began with; nil if it does.
    func conflict(model name: String, parent wanted: WeightVersion?) -> String? {
        if model != name { return "it was made with the model \(model), not \(name)" }
        if parent != wanted?.id { return "its training began with \(parent ?? "no adapter"), not with \(wanted?.id ?? "no adapter")" }
        return nil
    }

    /// Whether a training with these options would take the next steps as this one would. A constant rate has no last step, so such a run may be
    /// extended.
    func agrees(with wanted: TrainingOptions) -> Bool {
        var options = options
        if options.schedule.shape == .constant { options.schedule.totalSteps = wanted.schedule.totalSteps }
        return options == wanted
    }
}

/// A run's position in its data.
package struct DataCursor: Codable, Sendable, Equatable {
    package let epoch: Int
    /// The number of finished batches of the epoch.
    package let batch: Int
    package let batchSize: Int
    /// The number of pairs in the manifest.
    package let pairs: Int
    /// A digest of the pairs' ids in order. Resuming on other data is refused.
    package let digest: String
    /// ``CheckedPairs/content``. Resuming with other clips or texts under the same ids is refused. Nil in checkpoints of programs that did not
    /// record it; those are compared by ids only.
    package let content: String?
    /// The number of prompts replayed per step, and their content digest; nil without replay.
    package let replayed: String?
    /// Nil in checkpoints of programs that did not record it.
    package let machine: RunMachine?

    package init(
        epoch: Int, batch: Int, batchSize: Int, pairs: Int, digest: String, content: String? = nil, replayed: String? = nil,
        machine: RunMachine? = nil
    ) {
        self.epoch = epoch
        self.batch = batch
        self.batchSize = batchSize
        self.pairs = pairs
        self.digest = digest
        self.content = content
        self.replayed = replayed
        self.machine = machine
    }

    /// Why a run at `wanted` cannot resume from here; nil if it can.
    func conflict(with wanted: DataCursor, acceptsOtherMachine: Bool) -> String? {
        if batchSize != wanted.batchSize { return "it was made with the batch size \(batchSize), not \(wanted.batchSize)" }
        if pairs != wanted.pairs { return "it was made with \(pairs) pairs, not \(wanted.pairs)" }
        if digest != wanted.digest { return "it was made with pairs of other ids, or in another order" }
        if let content, let other = wanted.content, content != other {
            return "it was made with the same ids, but some of their clips or texts have changed since"
        }
        if replayed != wanted.replayed { return "it was made with other replayed prompts, or with another share of them" }
        if let machine, let other = wanted.machine, !machine.agrees(with: other), !acceptsOtherMachine {
            return "it was made with \(machine), not \(other): the weights would differ in their last bits from those of a run in one piece"
        }
        return epoch == wanted.epoch && batch == wanted.batch ? nil : "it stands at batch \(batch) of epoch \(epoch), not where its steps say"
    }
}

extension Trainer {
    private var otherTeacher: String? { teacher?.id == weights.parent?.id ? nil : teacher?.id ?? "" }

    /// Writes parameters, optimiser moments, step and `cursor` as one safetensors file, atomically.
    package func save(to file: URL, cursor: DataCursor? = nil) throws {
        let state = TrainingState(
            options: options, plan: plan, model: engine.model.name, parent: weights.parent?.id, teacher: otherTeacher, steps: steps,
            updates: updates, cursor: cursor)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        let text = String(decoding: try encoder.encode(state), as: UTF8.self)
        var items: [SafetensorsWriter.Item] = []
        for (entry, (m, v)) in zip(weights.entries, moments) {
            items.append(.float32("parameter/" + entry.name, entry.tensor))
            items.append(.float32("m/" + entry.name, m))
            items.append(.float32("v/" + entry.name, v))
        }
        try SafetensorsWriter.write(items, metadata: ["training": text], to: file)
    }

    /// Restores a saved state into a trainer made in the same way; the next step then gives the bits it would have given. Returns the saved cursor.
    /// If it throws, nothing has changed.
    ///
    /// - Parameter changingOptions: Whether the trainer may continue with options that differ from the saved ones.
    @discardableResult
    package func restore(from file: URL, changingOptions: Bool = false) throws -> DataCursor? {
        func refused(_ reason: String) -> TrainingError { .checkpoint(path: file.path, reason: reason) }
        let (state, stored) = try TrainingState.read(file)
        if let conflict = state.conflict(model: engine.model.name, parent: weights.parent) { throw refused(conflict) }
        if state.teacher != otherTeacher { throw refused("its training had another frozen teacher") }
        guard state.steps >= 0, (0...state.steps).contains(state.updates) else {
            throw refused("it counts \(state.steps) steps with \(state.updates) updates")
        }
        if state.plan != plan { throw refused("it trains other tensors: \(state.plan)") }
        if !changingOptions, !state.agrees(with: options) {
            var longer = state.options
            longer.schedule.totalSteps = options.schedule.totalSteps
            let reason =
                longer == options
                ? """
                its learning rate falls to zero at step \(state.options.schedule.totalSteps): a run of \(options.schedule.totalSteps) steps \
                would have had other rates from the start; a constant schedule can be made longer
                """ : "it was made with other options: \(state.options)"
            throw refused(reason)
        }
        var loaded: [(from: Tensor, to: Tensor)] = []
        for (entry, (m, v)) in zip(weights.entries, moments) {
            for (prefix, tensor) in [("parameter/", entry.tensor), ("m/", m), ("v/", v)] {
                guard let item = stored.tensors[prefix + entry.name] else { throw refused("it has no \(prefix + entry.name)") }
                loaded.append((try item.tensor(rows: tensor.rows, columns: tensor.columns), tensor))
            }
        }
        guard loaded.count == stored.tensors.count else {
            throw refused("it has \(stored.tensors.count) tensors, \(loaded.count) are expected")
        }
        for (from, to) in loaded { unsafe to.pointer.update(from: from.pointer, count: to.count) }
        steps = state.steps
        updates = state.updates
        return state.cursor
    }
}

extension TrainableWeights {
    /// The weights of a checkpoint as a version.
    /// - Parameters:
    ///   - name: The model's name.
    ///   - parent: The version that the training began with; nil for the base weights.
    package static func version(
        from file: URL, model: AudioLanguageModel, name: String, parent: WeightVersion?
    ) throws -> WeightVersion {
        func refused(_ reason: String) -> TrainingError { .checkpoint(path: file.path, reason: reason) }
        let (state, stored) = try TrainingState.read(file)
        if let conflict = state.conflict(model: name, parent: parent) { throw refused(conflict) }
        let weights = try TrainableWeights(state.plan, model: model, parent: parent)
        for entry in weights.entries {
            guard let item = stored.tensors["parameter/" + entry.name] else { throw refused("it has no parameter/\(entry.name)") }
            let tensor = try item.tensor(rows: entry.tensor.rows, columns: entry.tensor.columns)
            unsafe entry.tensor.pointer.update(from: tensor.pointer, count: tensor.count)
        }
        return weights.view(id: "step-\(state.steps)")
    }
}
