package import Models
package import Tensors
import Weights

/// The live version of a training: float32 tensors that the optimiser updates in place, over frozen ones.
///
/// It belongs to one trainer. ``view(id:)`` shares the storage and is valid until the next update; ``snapshot(id:)`` makes a permanent copy.
package final class TrainableWeights {
    /// One trained tensor.
    package struct Entry {
        /// The name in an adapter or checkpoint: a parameter's, or a module's with `.lora_A` or `.lora_B`.
        package let name: String
        package let parameter: Parameter
        package let tensor: Tensor
    }

    package let entries: [Entry]
    package let parent: WeightVersion?
    private let adapters: [Int: LowRank]
    private let replacements: [Int: Tensor]
    private let settings: AdapterSettings

    /// Begins at `parent` (nil: the base weights). If `parent` has an adapter on a selected layer, its values are the start.
    package init(
        _ plan: AdapterPlan, model: AudioLanguageModel, parent: WeightVersion? = nil, seed: UInt64 = 0
    ) throws {
        var entries: [Entry] = []
        var adapters = parent?.adapters ?? [:]
        var replacements = parent?.replacements ?? [:]
        for selected in try plan.selection(in: model) {
            let parameter = selected.parameter
            if let (rank, scale) = selected.adapter {
                let adapter =
                    parent?.adapters[parameter.index].map { LowRank(a: $0.a.copy(), b: $0.b.copy(), scale: $0.scale) }
                    ?? AdapterPlan.initial(parameter, rank: rank, scale: scale, seed: seed)
                adapters[parameter.index] = adapter
                entries.append(Entry(name: parameter.moduleName + ".lora_A", parameter: parameter, tensor: adapter.a))
                entries.append(Entry(name: parameter.moduleName + ".lora_B", parameter: parameter, tensor: adapter.b))
            } else {
                let tensor = parent?.replacements[parameter.index]?.copy() ?? parameter.stored.widened()
                replacements[parameter.index] = tensor
                entries.append(Entry(name: parameter.name, parameter: parameter, tensor: tensor))
            }
        }
        self.entries = entries
        self.parent = parent
        self.adapters = adapters
        self.replacements = replacements
        settings = AdapterSettings(
            isRankStabilized: parent?.settings.isRankStabilized == true || plan.settings?.isRankStabilized == true)
    }

    package var parameterCount: Int { entries.reduce(0) { $0 + $1.tensor.count } }

    /// Whether anything between the clip and the decoder is trained.
    package var trainsHearing: Bool { entries.contains { $0.parameter.part != .decoder } }

    /// A frozen encoder is the parent's; the base's has no name.
    private var hearing: String? { trainsHearing ? nil : parent?.hearing ?? "" }

    /// The current tensors as a version, without a copy. They change with the next update.
    package func view(id: String) -> WeightVersion {
        WeightVersion(id: id, hearing: hearing, adapters: adapters, replacements: replacements, settings: settings)
    }

    /// A permanent copy of the current tensors.
    ///
    /// - Parameter dropout: The dropout with which they were trained.
    package func snapshot(id: String, dropout: Double = 0) -> WeightVersion {
        let trained = Set(entries.map { ObjectIdentifier($0.tensor.buffer) })
        func kept(_ tensor: Tensor) -> Tensor {
            trained.contains(ObjectIdentifier(tensor.buffer)) ? tensor.copy() : tensor
        }
        return WeightVersion(
            id: id, hearing: hearing, adapters: adapters.mapValues { LowRank(a: kept($0.a), b: kept($0.b), scale: $0.scale) },
            replacements: replacements.mapValues(kept),
            settings: AdapterSettings(dropout: dropout, isRankStabilized: settings.isRankStabilized))
    }

    /// Asks a tape for the gradients of all entries.
    package func watch(on tape: Tape) { for entry in entries { tape.watch(entry.tensor) } }
}
