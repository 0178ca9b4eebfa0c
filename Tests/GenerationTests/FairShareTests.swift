import Testing

import Generation

@Suite struct FairShareTests {
    /// Passes of 64 rows for as long as `passes`, in which those that are owed their turn take a prompt of 300 rows.
    private func simulate(passes: Int) -> (yielding: Int, all: Int, longestWait: Int) {
        var share = FairShare()
        var (yielding, all, wait, longest) = (0, 0, 0, 0)
        for _ in 0..<passes {
            let mine = share.isOwed ? 300 : 0
            wait = mine > 0 ? 0 : wait + 1
            longest = max(longest, wait)
            share.account(yielding: mine, others: 64, competed: true)
            yielding += mine
            all += mine + 64
        }
        return (yielding, all, longest)
    }

    @Test func thoseThatYieldGetTheirShareOfTheWork() {
        let (yielding, all, longest) = simulate(passes: 10_000)
        #expect(abs(Double(yielding) / Double(all) - FairShare.share) < 0.01)
        // 300 rows are a fifth of 1,500: the others have 1,200 of them to themselves, 19 passes.
        #expect(longest <= 19)
    }

    @Test func nothingIsOwedWhereNobodyCompetes() {
        var share = FairShare()
        share.account(yielding: 0, others: 1000, competed: true)
        #expect(share.isOwed)
        share.account(yielding: 0, others: 1000, competed: false)
        #expect(!share.isOwed)
        share.account(yielding: 5000, others: 0, competed: false)
        share.account(yielding: 0, others: 1, competed: true)
        #expect(share.isOwed)
    }

    @Test func debtsAndAdvancesAreBounded() {
        var share = FairShare()
        for _ in 0..<1000 { share.account(yielding: 0, others: 1000, competed: true) }
        #expect(share.balance == FairShare.most)
        for _ in 0..<1000 { share.account(yielding: 1000, others: 1, competed: true) }
        #expect(share.balance == -4 * FairShare.most)
    }
}
