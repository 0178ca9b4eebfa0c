import API
import ArgumentParser
import Foundation
import Server
import Workshop

extension Gap {
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a running server a question set, which cord gap run and the console then measure on.",
            discussion: """
                SET is a folder with a manifest and its clips, such as cord speak writes, an archive of one, or a manifest alone of \
                questions without clips, which are asked typed. \(RowFormat.help(.questions))

                EXAMPLES
                  cord gap add spoken/
                  cord gap add mmau.zip --name mmau
                  cord gap run --benchmark mmau
                """)
        @OptionGroup(title: "Server") var server: RunningServer
        @Argument(help: "The folder or file.") var set: String
        @Option(help: "What the set is called. Without it, as the folder or file.") var name: String?
        @Option(help: "Its format. Without it, the server makes it out.") var format: BenchmarkRequest.Format?

        func run() async throws {
            let upload = try MultipartUpload(set)
            // Up to the first dot: set.tar.gz is called set.
            let name = name ?? String(upload.name.prefix { $0 != "." })
            try await server.with(upload, purpose: "evals") { file in
                let request = BenchmarkRequest(name: name, fileId: file.id, format: format)
                try await server.call("POST", "/v1/benchmarks", body: try WireEncoder.encode(request), as: Benchmark.self) {
                    print("\($0.name): \($0.items) questions; measure with cord gap run --benchmark \($0.name)")
                }
            }
        }
    }
}

extension BenchmarkRequest.Format: ExpressibleByArgument {}
