import API
import ArgumentParser
import Foundation

extension Gap {
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a running server a question set; cord gap run --benchmark measures on it.",
            discussion: """
                SET is a folder of clips with a manifest, as cord speak writes, an archive of one, or JSON lines that hold their clips. \
                cord gap formats says which manifests are read.
                """)

        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: ArgumentHelp("A folder, an archive or a file.", valueName: "set")) var path: String
        @Option(help: "What the set is called. Without it, as the folder or file.") var name: String?
        @Option(help: ArgumentHelp("One of \(formats). Without it, made out from the set.", valueName: "format"))
        var format: BenchmarkRequest.Format?

        private static var formats: String { BenchmarkRequest.Format.allCases.map(\.rawValue).joined(separator: ", ") }

        func run() async throws {
            let set = try LocalFile(path)
            let name = name ?? String(set.filename.prefix { $0 != "." })
            let added = try await set.send(to: server, purpose: "evals") { file in
                let request = BenchmarkRequest(name: name, fileId: file.id, format: format)
                return try await server.bytes("POST", "/v1/benchmarks", body: try WireEncoder.encode(request))
            }
            if server.json { return print(String(decoding: added, as: UTF8.self)) }
            let benchmark = try WireDecoder.response(Benchmark.self, from: added)
            print("\(benchmark.name) has \(benchmark.items) items. Measure on it: cord gap run --benchmark \(benchmark.name)")
        }
    }
}

extension BenchmarkRequest.Format: ExpressibleByArgument {}
