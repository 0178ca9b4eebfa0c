package import Foundation
package import Judging

/// The operator's settings for what is stored and trained.
package struct WorkshopSettings: Sendable {
    /// Whether to accept a database whose contents belong to another one.
    package var acceptsStore = false
    /// The adapters loaded at the start that are stored as versions, so that they can be promoted.
    package var keptAdapters: [String] = []
    /// The only folder from which requests may name clips by path; nil allows none.
    package var audioFolder: URL?
    /// The judging endpoints that requests may name, and the key for them.
    package var judgeEndpoints: [String] = []
    package var judgeKey: String?
    /// The reward callbacks that requests may use, by name. Only the operator can define them, because they run programs.
    package var rewards: [String: Reward] = [:]
    /// The maximum numbers of waiting steps and jobs; further ones are refused.
    package var stepQueue = 16
    package var jobQueue = 64

    /// The seconds within which a batch's requests are sent: OpenAI's only `completion_window`.
    package var batchWindow: TimeInterval = 24 * 3600

    package init() {}
}
