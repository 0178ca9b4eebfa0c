import Foundation
import FuzzTargets

@_silgen_name("LLVMFuzzerRunDriver")
func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// `cord-fuzz list`, `cord-fuzz seed TARGET FOLDER`, and `cord-fuzz TARGET …` with libFuzzer's own arguments (`-help=1` lists them).
@main enum CordFuzz {
    nonisolated(unsafe) private static var run: @Sendable (Data) -> Void = { _ in }

    static func main() throws {
        let words = CommandLine.arguments
        if words.count == 2, words[1] == "list" { return print(FuzzTarget.all.map(\.name).joined(separator: "\n")) }
        if words.count == 4, words[1] == "seed", let target = target(words[2]) {
            for (index, seed) in (try target.seeds() + target.findings).enumerated() {
                try seed.write(to: URL(fileURLWithPath: words[3]).appending(path: "seed-\(index)"))
            }
            return
        }
        guard words.count > 1, let target = target(words[1]) else {
            FileHandle.standardError.write(
                Data("usage: cord-fuzz list | seed TARGET FOLDER | TARGET [libFuzzer's arguments]\n".utf8))
            exit(2)
        }
        unsafe run = target.run
        // libFuzzer never sees the target's name, which would be a corpus to it.
        var arguments = unsafe ([words[0]] + words.dropFirst(2)).map { unsafe strdup($0) }
        var count = unsafe CInt(arguments.count)
        unsafe arguments.withUnsafeMutableBufferPointer { buffer in
            var base = buffer.baseAddress!
            exit(
                unsafe runDriver(&count, &base) { bytes, count in
                    unsafe CordFuzz.run(bytes.map { unsafe Data(bytes: $0, count: count) } ?? Data())
                    return 0
                })
        }
    }

    private static func target(_ name: String) -> FuzzTarget? { FuzzTarget.all.first { $0.name == name } }
}
