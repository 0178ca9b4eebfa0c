import Foundation
import FuzzTargets
import TestSupport
import Testing

/// The fuzz targets over their seeds, over shortened and changed ones, and over what was ever found: nothing traps or hangs.
@Suite(.serialized, .ownThread) struct FuzzTests {
    @Test(arguments: FuzzTarget.all.map(\.name)) func seedsAndFindingsGiveAValueOrAnError(name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let seeds = try target.seeds()
        #expect(!seeds.isEmpty)
        for input in seeds + target.findings { target.run(input) }
        target.run(Data())
        for seed in seeds.prefix(4) {
            target.run(seed.prefix(seed.count / 2))
            var changed = seed
            for place in stride(from: 7, to: changed.count, by: 1 + changed.count / 5) {
                changed[changed.startIndex + place] ^= 0x15
                target.run(changed)
            }
        }
    }
}
