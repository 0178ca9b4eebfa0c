package import Foundation
package import Judging

/// What an operator decides of what is kept and trained.
package struct WorkshopSettings: Sendable {
    /// Whether the folder's database is wanted as it is, though the contents beside it belong to another.
    package var acceptsStore = false
    /// Adapters that are loaded at the start and have their place among the versions, where they can be promoted.
    package var keptAdapters: [String] = []
    /// The one folder from which requests may name clips by path; nil allows none.
    package var audioFolder: URL?
    /// Endpoints of judging models that requests may name, and the key that they are asked with.
    package var judgeEndpoints: [String] = []
    package var judgeKey: String?
    /// Reward callbacks by the names that requests may use. What they are is the operator's alone to say: they run programs.
    package var rewards: [String: Reward] = [:]
    /// Steps that wait for their turn; more are refused. Likewise jobs.
    package var stepQueue = 16
    package var jobQueue = 64

    /// Seconds within which a batch's requests are asked: OpenAI's one `completion_window`.
    package var batchWindow: TimeInterval = 24 * 3600

    package init() {}
}
