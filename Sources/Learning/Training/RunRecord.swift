package import Foundation
import Tensors

/// What a run is, as `run.json`: written before its first step, completed at its end, and kept with its result.
package struct RunRecord: Codable, Sendable {
    /// What is trained, and by which program.
    package struct Subject: Codable, Sendable, Equatable {
        /// The program with its version.
        package var software: String
        package var model: String
        /// SHA-256 over the model's files.
        package var modelDigest: String?
        /// The version that the training began with, by its digest; nil for the model itself.
        package var parentDigest: String?
        /// The frozen teacher by its digest, where that is another version than the one that the training began with; `base` for the model itself.
        package var teacherDigest: String?
        /// The callback that gives rewards; nil for the judge.
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
        /// Lines of the manifest that were left out.
        package var skipped: [PairManifest.Problem]
        /// Pairs that are not trained on.
        package var validation: Int
        /// Prompts that are replayed, with their ``CheckedPairs/content``; nil where there are none.
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

/// What computes a run. Its bits depend on the kernels, which add in orders of their own, and not on the threads.
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

    /// Whether the other one gives the same bits.
    package func agrees(with other: RunMachine) -> Bool { kernels == other.kernels && blas == other.blas }

    package var description: String { "\(threads) threads, \(kernels) kernels, OpenBLAS \(blas)" }
}

/// What became of a run.
package struct RunResult: Codable, Sendable, Equatable {
    /// A pair that some steps could not use.
    package struct LeftOut: Codable, Sendable, Equatable {
        package var id: String
        /// Of the last time.
        package var reason: String
        package var times: Int
    }

    package var finished: Date
    package var steps: Int
    /// Steps that moved the weights.
    package var updates: Int
    /// By id.
    package var leftOut: [LeftOut]
    /// After the last step.
    package var validation: Validation?
    /// Why it ended before its last step.
    package var stopped: String?
}

extension RunRecord {
    private static func place(_ directory: URL) -> URL { directory.appendingPathComponent("run.json") }

    /// The record of a run's directory; nil where there is none that can be read.
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

    /// Lays a run's record beside its result.
    package static func copy(from directory: URL, to result: URL) throws {
        try Data(contentsOf: place(directory)).write(to: place(result), options: .atomic)
    }
}
