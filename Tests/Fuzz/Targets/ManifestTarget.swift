import Evaluation
import Foundation
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
            _ = try? PairManifest.read(file)
        })
}
