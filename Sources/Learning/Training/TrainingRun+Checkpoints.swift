import Files
package import Foundation
import Generation
import Models

/// A run's checkpoints, and which of them are kept.
extension TrainingRun {
    var checkpoints: URL { directory.appendingPathComponent("checkpoints") }

    private func cursor(step: Int) -> DataCursor {
        var digest: UInt64 = 0xcbf2_9ce4_8422_2325
        for pair in pairs {
            for byte in Array(pair.id.utf8) + [0] { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        return DataCursor(
            epoch: step / batchesPerEpoch, batch: step % batchesPerEpoch, batchSize: settings.batchSize,
            pairs: pairs.count, digest: String(digest, radix: 16), content: content, replayed: replay.map { "\(replayedRows) of \($0.content)" },
            machine: machine)
    }

    /// - Parameter best: The step of the best validation.
    func save(_ trainer: Trainer, step: Int, best: Int?) async throws {
        let digits = String(step)
        let place = checkpoints.appendingPathComponent("step-" + String(repeating: "0", count: max(0, 7 - digits.count)) + digits)
        if settings.keep != nil, !trainer.plan.isFull {
            let (adapter, model) = (await trainer.snapshot(id: place.lastPathComponent), trainer.engine.model)
            try? FileManager.default.removeItem(at: place)
            try TensorExport.writeAdapter(adapter, of: model.model, baseModel: model.name, to: place)
            try RunRecord.copy(from: directory, to: place)
        }
        try await trainer.save(to: place.appendingPathExtension("safetensors"), cursor: cursor(step: step))
        try removeOld(best: best)
    }

    /// Removes the checkpoints that no rule keeps, except for the newest, from which the run resumes.
    private func removeOld(best: Int?) throws {
        let files = try Self.checkpoints(of: directory)
        let steps = files.compactMap(Self.step)
        let rules = settings.keep ?? [.last(settings.checkpointsKept)]
        let kept = Set(rules.flatMap { $0.kept(of: steps, best: best) } + steps.suffix(1))
        for file in files where Self.step(of: file).map(kept.contains) == false {
            try? FileManager.default.removeItem(at: file.deletingPathExtension())
            try FileManager.default.removeItem(at: file)
        }
    }

    private static func step(of checkpoint: URL) -> Int? { Int(checkpoint.deletingPathExtension().lastPathComponent.dropFirst("step-".count)) }

    func resume(_ trainer: Trainer) async throws -> Int {
        guard let newest = try Self.checkpoints(of: directory).last else { return 0 }
        func refused(_ reason: String) -> TrainingError { .checkpoint(path: newest.path, reason: reason) }
        guard let found = try await trainer.restore(from: newest) else { throw refused("it is no checkpoint of a run") }
        let step = await trainer.steps
        if let conflict = found.conflict(with: cursor(step: step), acceptsOtherMachine: acceptsOtherMachine) { throw refused(conflict) }
        return step
    }

    /// The checkpoint of a run's directory at a step; the newest if `step` is nil.
    package static func checkpoint(of directory: URL, step: Int?) throws -> URL {
        if let error = FileError(folder: directory) { throw error }
        let files = (try? checkpoints(of: directory)) ?? []
        guard let found = step == nil ? files.last : files.last(where: { Self.step(of: $0) == step }) else {
            let steps = files.compactMap(Self.step).map(String.init).joined(separator: ", ")
            throw TrainingError.checkpoint(
                path: directory.path, reason: files.isEmpty ? "the folder holds none" : "there is none of step \(step ?? 0); there are \(steps)")
        }
        return found
    }

    /// Checkpoints of a run's directory, oldest first.
    package static func checkpoints(of directory: URL) throws -> [URL] {
        try FileManager.default.contentsOfDirectory(
            at: directory.appendingPathComponent("checkpoints"), includingPropertiesForKeys: nil
        )
        .filter { $0.lastPathComponent.hasPrefix("step-") && $0.pathExtension == "safetensors" }
        .sorted { $0.lastPathComponent < $1.lastPathComponent }
    }
}
