import Audio
package import Foundation
import JSON
import Models
import Tokenization
import Weights

/// Writes a Hugging Face directory as two GGUF files, in the formats that `--dtype` would give it at load time.
package struct Quantization {
    private let model: LoadedModel
    private let decoder: AudioLanguageModel.GGUFPart
    private let projector: AudioLanguageModel.GGUFPart

    /// The paths of the two files.
    package let decoderFile: URL
    package let projectorFile: URL

    /// Opens the model with its weights mapped.
    ///
    /// - Parameters:
    ///   - precision: int8 or int4.
    ///   - file: The path of the decoder; the projector's file is beside it, with the prefix `mmproj-`.
    package init(of directory: URL, _ precision: ModelPrecision, to file: URL) throws {
        let checkpoint = try Checkpoint(model: directory)
        let width = try ModelWidth(precision, of: checkpoint, requantizes: false)
        model = try LoadedModel(directory: directory, precision: .float32)
        var (decoder, projector) = try model.model.gguf(width.storage, config: checkpoint.config)
        let fileType = GGUFWriter.Value.uint32(precision == .int4 ? 2 : 7)  // llama.cpp's "mostly Q4_0", "mostly Q8_0"
        let general: [(key: String, value: GGUFWriter.Value)] = [
            ("general.name", .string(model.name)), ("general.file_type", fileType), ("general.quantization_version", .uint32(2)),
        ]
        let text = try Self.text(of: model, directory)
        decoder.metadata += general + text + Self.sampling(model.defaults)
        projector.metadata += general
        (self.decoder, self.projector) = (decoder, projector)
        decoderFile = file
        projectorFile = file.deletingLastPathComponent().appending(path: "mmproj-" + file.lastPathComponent)
    }

    package var byteCount: Int { (decoder.tensors + projector.tensors).reduce(0) { $0 + $1.byteCount } }

    /// Writes both files, reads them back, and compares everything derived from their metadata with the directory's.
    ///
    /// - Parameter progress: Called with the bytes written so far.
    /// - Throws: ``ModelError`` if GGUF cannot express the directory; no file is left then.
    package func write(_ progress: (_ bytes: Int) -> Void) throws {
        var done = 0
        func wrote(_ bytes: Int) {
            done += bytes
            progress(done)
        }
        try GGUFWriter.write(projector.metadata, projector.tensors, to: projectorFile, wrote: wrote)
        do {
            try GGUFWriter.write(decoder.metadata, decoder.tensors, to: decoderFile, wrote: wrote)
            try verify()
        } catch {
            for file in [projectorFile, decoderFile] { try? FileManager.default.removeItem(at: file) }
            throw error
        }
    }

    private func verify() throws {
        let written = try LoadedModel(.gguf(decoder: decoderFile, projector: projectorFile))
        let (own, theirs) = (written.model, model.model)
        for (what, isSame) in [
            ("the decoder's configuration", own.decoder.configuration == theirs.decoder.configuration),
            ("how clips are cut", own.audio?.cutting == theirs.audio?.cutting),
            ("the log-mel features", own.audio?.extractor.configuration.windowSamples == theirs.audio?.extractor.configuration.windowSamples),
            ("what stands in the place of sound", own.audio?.placeholder == theirs.audio?.placeholder),
            ("the tokens that end an answer", written.endTokens == model.endTokens),
            ("how tokens are chosen", written.defaults == model.defaults),
        ] where !isSame {
            throw ModelError("\(model.directory.path): \(what) cannot be told in GGUF files; load the directory with --dtype instead")
        }
    }

    /// llama.cpp's vocabulary, the tokenizer itself, the chat template and the tokens that it may name.
    private static func text(of model: LoadedModel, _ directory: URL) throws -> [(key: String, value: GGUFWriter.Value)] {
        let json = try Data(contentsOf: directory.appending(path: "tokenizer.json"))
        let file = try JSONValue(parsing: json), tokenizer = model.tokenizer
        let merges = try file.array("model.merges").map { merge in
            if case .string(let line) = merge { return line }
            return try JSONValue.object(["merge": merge]).strings("merge").joined(separator: " ")
        }
        let ids = 0..<max(tokenizer.vocabularySize, model.model.vocabularySize)
        let kinds = ids.map { id in
            let kind: BytePairVocabulary.Kind =
                tokenizer.token(for: id) == nil ? .unused : tokenizer.specialIDs.contains(id) ? .control : .normal
            return kind.rawValue
        }
        let (template, constants) = try ChatTemplate.source(directory: directory)
        var values: [(key: String, value: GGUFWriter.Value)] = [
            ("tokenizer.ggml.model", .string("gpt2")), ("tokenizer.ggml.pre", .string(splitting(file))),
            ("tokenizer.ggml.tokens", .strings(ids.map { tokenizer.token(for: $0) ?? "[PAD\($0)]" })),
            ("tokenizer.ggml.token_type", .int32s(kinds)), ("tokenizer.ggml.merges", .strings(merges)),
            ("tokenizer.huggingface.json", .string(String(decoding: json, as: UTF8.self))),
            ("tokenizer.chat_template", .string(template)), ("tokenizer.ggml.eot_token_id", .uint32(Int(model.turnEnd))),
        ]
        for (name, key) in [("bos_token", "bos"), ("eos_token", "eos"), ("pad_token", "padding"), ("unk_token", "unknown")] {
            guard let text = constants.first(where: { $0.name == name })?.text, let id = tokenizer.id(of: text) else { continue }
            values.append(("tokenizer.ggml.\(key)_token_id", .uint32(id)))
        }
        return values
    }

    /// llama.cpp's name for how text is split, or one unknown to it if there is none.
    private static func splitting(_ file: JSONValue) -> String {
        let steps = (try? file.array("pre_tokenizer.pretokenizers", default: [])) ?? []
        let pattern = steps.lazy.compactMap { try? $0.string("pattern.Regex") }.first
        return TextSplitting.allCases.first { $0.pattern == pattern }?.rawValue ?? "unknown"
    }

    private static func sampling(_ options: SamplingOptions) -> [(key: String, value: GGUFWriter.Value)] {
        [
            ("general.sampling.temp", .float32(options.temperature)), ("general.sampling.top_k", .uint32(options.topK)),
            ("general.sampling.top_p", .float32(options.topP)), ("general.sampling.min_p", .float32(options.minP)),
            ("general.sampling.penalty_repeat", .float32(options.repetitionPenalty)),
            ("cord.sampling.max_tokens", .uint32(options.maxTokens)),
        ]
    }
}
