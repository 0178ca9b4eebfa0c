import ArgumentParser
import Files
import Foundation
import Generation

struct Quantize: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quantize", abstract: "Write a model in 8 or 4 bits, as two GGUF files.",
        discussion: """
            Writes what --dtype computes at every load of the directory: OUT.gguf, the decoder, and mmproj-OUT.gguf, the projector with the
            audio encoder. Both give the same answers, to the bit, and open without being quantised anew.

              int8   every matrix of a linear layer in Q8_0
              int4   those of the decoder in Q4_0; its output head, the encoder and the
                     projector in Q8_0

            Embeddings, convolutions, norms, biases and matrices whose rows are no whole blocks of 32 stay as wide as they are.

              cord quantize ~/models/NAME name.gguf --dtype int4
              cord serve --model name.gguf --mmproj mmproj-name.gguf
            """)

    @Argument(help: "A model directory in the Hugging Face layout.")
    var model: String
    @Argument(help: "The decoder's file.")
    var output: String
    @Option(help: "int8 or int4.")
    var dtype: ModelPrecision

    func validate() throws {
        guard dtype == .int8 || dtype == .int4 else { throw ValidationError("--dtype: expected int8 or int4, found \(dtype.rawValue).") }
        guard output.hasSuffix(".gguf") else { throw ValidationError("OUT: expected a name that ends with .gguf, found \(output).") }
        if let error = FileError(folder: URL(fileURLWithPath: model)) { throw ValidationError("MODEL: \(error).") }
        guard FileManager.default.fileExists(atPath: model + "/config.json") else {
            throw ValidationError("MODEL: there is no config.json in \(model). Give a directory as published on Hugging Face.")
        }
    }

    func run() throws {
        let file = URL(fileURLWithPath: output)
        let quantization = try Quantization(of: URL(fileURLWithPath: model), dtype, to: file)
        for file in [quantization.decoderFile, quantization.projectorFile] where FileManager.default.fileExists(atPath: file.path) {
            throw ValidationError("OUT: there is a file \(file.path) already.")
        }
        let bar = ProgressBar("MiB")
        try quantization.write { bar.show($0 >> 20, of: quantization.byteCount >> 20) }
        bar.finish()
        for file in [quantization.decoderFile, quantization.projectorFile] {
            let bytes = try FileManager.default.attributesOfItem(atPath: file.path)[.size] as? Int ?? 0
            print("\(file.path)  \((Double(bytes) / 1e5).rounded() / 10) MB")
        }
    }
}
