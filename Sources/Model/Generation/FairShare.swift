/// Decides whose turn it is while requests of low priority compete with others. The others come first until low priority has fallen behind its
/// share of the work.
///
///     balance ← balance + share · work − work for those of low priority,  after every pass, within bounds
///
/// Work counts rows of the decoder and positions of the encoder, which roughly determine the duration of a pass. While the balance is above 0, one
/// request of low priority goes before the others in each pass: they wait for one prompt or clip at most.
package struct FairShare {
    package static let share = 0.2
    /// The upper bound of what is owed, so that a long wait does not lead to a long preference. Work done in advance may count up to four times as
    /// much.
    package static let most = 512.0

    package private(set) var balance = 0.0

    package init() {}

    package var isOwed: Bool { balance > 0 }

    /// - Parameter competed: Whether both kinds had work. If not, nothing is owed.
    package mutating func account(lowPriority: Int, others: Int, competed: Bool) {
        guard competed else {
            balance = 0
            return
        }
        let change = Self.share * Double(lowPriority + others) - Double(lowPriority)
        balance = min(max(balance + change, -4 * Self.most), Self.most)
    }
}
