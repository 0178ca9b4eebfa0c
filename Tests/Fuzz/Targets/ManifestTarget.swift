import Evaluation
import Foundation
import Objectives
import Training

extension FuzzTarget {
    /// Question sets in every format, and training pairs.
    static let manifests = FuzzTarget(
        name: "manifests", seeds: { try files("evaluation/sets", ["jsonl"]) },
        run: { data in
            guard let scratch = try? ScratchFolder("manifest"), let file = try? scratch.file("manifest.jsonl", data) else {
                return
            }
            for format in [nil] + ManifestFormat.allCases { _ = try? ManifestReader().read(file, format: format) }
            for method in [Objective.Method.cord, .supervised] { _ = try? PairManifest(file, for: .pairs(Objective(method))) }
            // The same bytes as a table, too.
            guard let table = try? scratch.file("metadata.csv", data) else { return }
            _ = try? ManifestReader().read(table)
            _ = try? PairManifest(table, for: .pairs(Objective(.supervised)))
        })
}
