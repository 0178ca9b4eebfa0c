import CordBench
import Foundation

/// Question sets that travel inside the program, by the names that requests and reports give them.
package enum BuiltInBenchmark: String, Sendable, CaseIterable {
    case cordBench1 = "cord-bench-1"

    package static let standard = BuiltInBenchmark.cordBench1

    package func questionSet() throws -> QuestionSet {
        switch self {
        case .cordBench1: try BenchmarkCatalog.questionSet(at: CordBench.directory, name: rawValue)
        }
    }

    /// What ``QuestionSet/hash()`` gives, known without reading the clips.
    package var hash: String {
        switch self {
        case .cordBench1: CordBench.hash
        }
    }
}
