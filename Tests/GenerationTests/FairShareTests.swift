import Testing

import Generation

@Suite struct FairShareTests {
    /// Passes of 64 rows for as long as `passes`, in which those that are owed their turn take a prompt of 300 rows.
    private func simulate(passes: Int) -> (lowPriority: Int, all: Int, longestWait: Int) {
        var share = FairShare()
        var (lowPriority, all, wait, longest) = (0, 0, 0, 0)
        for _ in 0..<passes {
            let mine = share.isOwed ? 300 : 0
            wait = mine > 0 ? 0 : wait + 1
            longest = max(longest, wait)
            share.account(lowPriority: mine, others: 64, competed: true)
            lowPriority += mine
            all += mine + 64
        }
        return (lowPriority, all, longest)
    }

    @Test func thoseOfLowPriorityGetTheirShareOfTheWork() {
        let (lowPriority, all, longest) = simulate(passes: 10_000)
        #expect(abs(Double(lowPriority) / Double(all) - FairShare.share) < 0.01)
        // 300 rows are a fifth of 1,500: the others have 1,200 of them to themselves, 19 passes.
        #expect(longest <= 19)
    }

    @Test func nothingIsOwedWhereNobodyCompetes() {
        var share = FairShare()
        share.account(lowPriority: 0, others: 1000, competed: true)
        #expect(share.isOwed)
        share.account(lowPriority: 0, others: 1000, competed: false)
        #expect(!share.isOwed)
        share.account(lowPriority: 5000, others: 0, competed: false)
        share.account(lowPriority: 0, others: 1, competed: true)
        #expect(share.isOwed)
    }

    @Test func debtsAndAdvancesAreBounded() {
        var share = FairShare()
        for _ in 0..<1000 { share.account(lowPriority: 0, others: 1000, competed: true) }
        #expect(share.balance == FairShare.most)
        for _ in 0..<1000 { share.account(lowPriority: 1000, others: 1, competed: true) }
        #expect(share.balance == -4 * FairShare.most)
    }
}
