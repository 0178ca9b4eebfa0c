/// Whose turn it is while requests of low priority and others compete: the others', until those of low priority have fallen behind the share of
/// the work that is theirs.
///
///     balance ← balance + share · work − work for those of low priority,  after every pass, within bounds
///
/// Work is rows of the decoder and positions of the encoder, which is how long a pass takes, roughly. Above 0, one request of low priority
/// goes before the others in each pass: they wait for the prompt or the clip of one, and no longer.
package struct FairShare {
    package static let share = 0.2
    /// What is owed at most: who was held up for long does not come first for long. What was taken in advance counts up to four times
    /// as much.
    package static let most = 512.0

    package private(set) var balance = 0.0

    package init() {}

    package var isOwed: Bool { balance > 0 }

    /// - Parameter competed: Whether both kinds had something to do; where they had not, nobody owes anything.
    package mutating func account(lowPriority: Int, others: Int, competed: Bool) {
        guard competed else {
            balance = 0
            return
        }
        let change = Self.share * Double(lowPriority + others) - Double(lowPriority)
        balance = min(max(balance + change, -4 * Self.most), Self.most)
    }
}
