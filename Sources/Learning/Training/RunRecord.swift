package import Foundation
import Tensors

/// The description of a run, `run.json`. It is written before the first step, completed at the end, and stored with the result.
package struct RunRecord: Codable, Sendable {
    /// What is trained, and by which program.
    package struct Subject: Codable, Sendable, Equatable {
        /// The program with its version.
        package var software: String
        package var model: String
        /// SHA-256 over the model's files.
        package var modelDigest: String?
        /// The digest of the version that the training began with; nil for the model itself.
        package var parentDigest: String?
        /// The digest of the frozen teacher, if it is not the version that the training began with; `base` for the model itself.
        package var teacherDigest: String?
        /// The reward callback; nil for the judge.
        package var reward: String?

        package init(
            software: String, model: String, modelDigest: String? = nil, parentDigest: String? = nil, teacherDigest: String? = nil,
            reward: String? = nil
        ) {
            self.software = software
            self.model = model
            self.modelDigest = modelDigest
            self.parentDigest = parentDigest
            self.teacherDigest = teacherDigest
            self.reward = reward
        }
    }

    package struct Pairs: Codable, Sendable, Equatable {
        package var count: Int
        /// ``CheckedPairs/content``.
        package var content: String?
        /// Skipped lines of the manifest.
        package var skipped: [PairManifest.Problem]
        /// The number of pairs held out for validation.
        package var validation: Int
        /// The number of replayed prompts, with their ``CheckedPairs/content``; nil if there are none.
        package var replayed: Int?
        package var replayedContent: String?
    }

    package struct Resumption: Codable, Sendable, Equatable {
        package var step: Int
        package var date: Date
        package var software: String?
        package var machine: RunMachine
    }

    package var started = Date()
    package var subject: Subject?
    package var machine: RunMachine
    package var options: TrainingOptions
    package var plan: AdapterPlan
    /// ``AdapterPlan/frozen(in:)``; nil where there is nothing to say.
    package var frozen: [String]?
    package var settings: TrainingRun.Settings
    package var pairs: Pairs
    package var resumptions: [Resumption] = []
    package var result: RunResult?
}

/// The machine of a run. Its bits depend on the kernels, which add in different orders, and not on the number of threads.
package struct RunMachine: Codable, Sendable, Equatable, CustomStringConvertible {
    package var threads: Int
    package var kernels: String
    package var blas: String

    package init(threads: Int, kernels: String, blas: String) {
        self.threads = threads
        self.kernels = kernels
        self.blas = blas
    }

    package static var current: RunMachine { RunMachine(threads: Threads.count, kernels: Threads.kernels, blas: BLAS.coreName) }

    /// Whether the other machine gives the same bits.
    package func agrees(with other: RunMachine) -> Bool { kernels == other.kernels && blas == other.blas }

    package var description: String { "\(threads) threads, \(kernels) kernels, OpenBLAS \(blas)" }
}

/// The outcome of a run.
package struct RunResult: Codable, Sendable, Equatable {
    /// A pair that some steps could not use.
    package struct LeftOut: Codable, Sendable, Equatable {
        package var id: String
        /// The reason of the last occurrence.
        package var reason: String
        package var times: Int
    }

    package var finished: Date
    package var steps: Int
    /// The number of steps that changed the weights.
    package var updates: Int
    /// Sorted by id.
    package var leftOut: [LeftOut]
    /// The validation after the last step.
    package var validation: Validation?
    /// Why the run ended before its last step.
    package var stopped: String?
}

extension RunRecord {
    private static func place(_ directory: URL) -> URL { directory.appendingPathComponent("run.json") }

    /// The record in a run's directory; nil if it is missing or unreadable.
    package init?(directory: URL) {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        guard let data = try? Data(contentsOf: Self.place(directory)), let record = try? decoder.decode(RunRecord.self, from: data) else {
            return nil
        }
        self = record
    }

    func write(to directory: URL) throws {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(self).write(to: Self.place(directory), options: .atomic)
    }

    /// Copies a run's record beside its result.
    package static func copy(from directory: URL, to result: URL) throws {
        try Data(contentsOf: place(directory)).write(to: place(result), options: .atomic)
    }
}
