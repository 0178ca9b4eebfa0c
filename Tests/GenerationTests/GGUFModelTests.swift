import Audio
import Foundation
import Generation
import Models
import Tensors
import TestSupport
import Testing
import Tokenization
import Weights

private let folder = fixtures.appending(path: "gguf")
private let families = ["qwen2audio", "qwen2_5_omni", "qwen3_asr", "qwen3_omni_moe", "voxtral", "ultravox"]

private func pair(_ name: String) -> ModelFiles {
    .gguf(decoder: folder.appending(path: name + "/decoder.gguf"), projector: folder.appending(path: name + "/mmproj.gguf"))
}

/// Models from GGUF files as llama.cpp's converter lays them out, written by its Python package.
@Suite(.ownThread) struct GGUFModelTests {
    /// Every position of typed and spoken prompts against transformers, on the weights of the published form.
    @Test(arguments: families)
    func logProbabilitiesAgreeWithTransformers(family: String) throws {
        let reference = try ReferenceCases(family + "/published")
        let model = try LoadedModel(pair(family))
        try expectParity(model, reference, [])
    }

    /// Against transformers on the weights that gguf's Python package widens the blocks to: with the arithmetic that is exact.
    @Test func quantizedWeightsGiveWhatTheirWidenedOnesGive() throws {
        let exact = try LoadedModel(pair("quantized"), precision: .float32)
        let reference = try ReferenceCases("gguf/quantized")
        try #require(reference.cases.count == 2)
        try expectParity(exact, reference, ["Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"])
        let fast = try LoadedModel(pair("quantized"))
        #expect(exact.dtype == "float32" && exact.arithmetic == .float32 && fast.arithmetic == .narrow)
        #expect(fast.dtype.hasPrefix("Q"), "\(fast.dtype)")
    }

    private func expectParity(_ model: LoadedModel, _ reference: ReferenceCases, _ formats: Set<String>) throws {
        let found = Set(model.model.parameters.map(\.stored.format.name))
        #expect(found.isSuperset(of: formats), "\(found)")
        let goldens = try Safetensors(reference.goldens)
        for item in reference.cases {
            let clips = try item.clips.map { AudioClip(samples: try #require(reference.clips[$0]?.synthetic)) }
            let prompt = try model.expand(item.promptIDs, clips)
            #expect(prompt.tokens == item.inputIDs)
            let logits = try logits(of: prompt, model)
            let normalisers = logSumExpRows(logits)
            let expected = try #require(goldens.tensors["\(item.name)/next_logprob"]).floats()
            let next = expected.indices.map { logits[$0, Int(item.inputIDs[$0 + 1])] - normalisers[$0] }
            let worst = largestDifference(next, expected)
            #expect(worst < 1e-4, "\(model.name) \(item.name): off by \(worst)")
        }
    }

    private func logits(of prompt: Prompt, _ model: LoadedModel) throws -> Tensor {
        let clips = prompt.clips.map(\.segments)
        let audio = clips.isEmpty ? nil : model.model.embed(clips, versions: clips.map { _ in nil }, arithmetic: .float32)
        let pass = Pass(version: nil, rows: prompt.tokens.count, arithmetic: .float32)
        let hidden = model.model.decoder.hidden(
            tokens: prompt.tokens, positions: prompt.tokens.indices.map(Int32.init), audioSlots: prompt.clips.flatMap { Array($0.slots) },
            audio: audio, keyValues: .packed(PackedSegment.sequences([prompt.tokens.count], causal: true)), pass)
        return model.model.decoder.logits(hidden, pass)
    }

    /// All that is derived from metadata is what the directory's files say.
    @Test(arguments: families)
    func configurationsAreThoseOfTheDirectory(family: String) throws {
        let checkpoint = try RandomCheckpoint(family + "/published")
        let directory = try LoadedModel(directory: checkpoint.directory), file = try LoadedModel(pair(family))
        try expectSame(file.model.decoder.configuration, directory.model.decoder.configuration)
        let own = try #require(file.model.audio), theirs = try #require(directory.model.audio)
        #expect(own.placeholder == theirs.placeholder && own.cutting == theirs.cutting)
        #expect(own.longestSeconds == theirs.longestSeconds && own.secondsPerToken == theirs.secondsPerToken)
        #expect(file.model.parameters.map(\.name) == directory.model.parameters.map(\.name))
        #expect(file.model.parameters.map(\.shape) == directory.model.parameters.map(\.shape))
        #expect(file.endTokens == directory.endTokens && file.turnEnd == directory.turnEnd)
        let format = family == "ultravox" ? "F32" : "BF16"
        for words in ["decoder.gguf", "mmproj.gguf", format, "MB"] { #expect(file.summary.contains(words), "\(file.summary)") }
    }

    /// Files have what divides frequencies in float32.
    private func expectSame(_ own: DecoderConfiguration, _ theirs: DecoderConfiguration) throws {
        try #require(own.layers.count == theirs.layers.count)
        for (one, other) in zip(own.layers, theirs.layers) {
            #expect(largestRelativeDifference(one.frequencies, other.frequencies) < 1e-6)
            #expect((one.attention, one.hasBiases, one.innerSize) == (other.attention, other.hasBiases, other.innerSize))
            #expect((one.normalizesHeads, one.experts) == (other.normalizesHeads, other.experts))
        }
        #expect((own.vocabularySize, own.hiddenSize, own.maxPositions) == (theirs.vocabularySize, theirs.hiddenSize, theirs.maxPositions))
        #expect((own.normEpsilon, own.theta, own.tiesEmbeddings) == (theirs.normEpsilon, theirs.theta, theirs.tiesEmbeddings))
    }

    private struct Text: Decodable {
        let text: String
        let ids: [Int]
    }

    /// Ids by llama.cpp's vocabulary and name of the splitting are those of tokenizers with the published pipeline.
    @Test func tokensAreThoseOfTheDescribedTokenizer() throws {
        let texts = try JSONDecoder().decode([Text].self, from: Data(contentsOf: folder.appending(path: "tokens.json")))
        try #require(texts.count > 4)
        let tokenizer = try LoadedModel(pair("qwen2audio")).tokenizer
        for item in texts { #expect(try tokenizer.encode(item.text, specials: .parsed) == item.ids, "\(item.text)") }
    }

    @Test func aDirectoryOfOneDecoderAndOneProjectorIsAModel() throws {
        guard case .gguf(let decoder, let projector) = try ModelFiles(folder.appending(path: "qwen2audio")) else {
            Issue.record("expected GGUF files")
            return
        }
        #expect(decoder.lastPathComponent == "decoder.gguf" && projector.lastPathComponent == "mmproj.gguf")
        let alone = #expect(throws: (any Error).self) { try ModelFiles(decoder) }
        #expect("\(alone!)".contains("--mmproj"))
    }

    @Test func filesOfOtherModelsAreNamed() throws {
        func error(_ decoder: String, _ projector: String) -> String {
            let files = ModelFiles.gguf(decoder: folder.appending(path: decoder), projector: folder.appending(path: projector))
            return #expect(throws: (any Error).self) { try LoadedModel(files) }.map { "\($0)" } ?? ""
        }
        let crossed = error("qwen2audio/decoder.gguf", "qwen3_asr/mmproj.gguf")
        #expect(crossed.contains("qwen2") && crossed.contains("qwen3a") && crossed.contains("qwen3_asr"), "\(crossed)")
        let swapped = error("qwen2audio/mmproj.gguf", "qwen2audio/decoder.gguf")
        #expect(swapped.contains("expected a projector, of the architecture clip, found qwen2"), "\(swapped)")
        let other = error("split-00001-of-00002.gguf", "qwen2audio/mmproj.gguf")
        #expect(other.contains("architecture test"), "\(other)")
        #expect(error("qwen2audio/nothing.gguf", "qwen2audio/mmproj.gguf").contains("could not be opened"))
    }

    @Test func quantizedWeightsAreNotRoundedOnceMoreUnasked() throws {
        for precision in [ModelPrecision.bfloat16, .int8, .int4] {
            let error = #expect(throws: ModelError.self) { try LoadedModel(pair("quantized"), precision: precision) }
            #expect(error!.description.contains("--requantize") && error!.description.contains("Q"))
        }
        #expect(try LoadedModel(pair("quantized"), precision: .int4, requantizes: true).dtype == "int4")
        #expect(try LoadedModel(pair("qwen2audio"), precision: .int8).dtype == "int8")
    }
}

/// Chat templates as converters write them.
@Suite(.ownThread) struct GGUFTemplateTests {
    /// The converter writes for Qwen3-ASR a template that only joins texts; for other families no such template is one.
    @Test(arguments: [("qwen3_asr", true), ("qwen2audio", false)])
    func aTemplateWithoutSoundIsReplacedOrRefused(family: String, isServed: Bool) throws {
        let files = FileManager.default
        let directory = files.temporaryDirectory.appending(path: "cord-gguf-\(UUID().uuidString)")
        try files.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? files.removeItem(at: directory) }
        try files.copyItem(at: folder.appending(path: family + "/mmproj.gguf"), to: directory.appending(path: "mmproj.gguf"))
        var data = try Data(contentsOf: folder.appending(path: family + "/decoder.gguf"))
        // The vocabulary keeps its placeholder; the template, which comes last, loses it.
        let place = try #require(data.range(of: Data("<|AUDIO|>".utf8), options: .backwards))
        data.replaceSubrange(place, with: Data("<|NOTHING".utf8))
        try data.write(to: directory.appending(path: "decoder.gguf"))
        guard isServed else {
            let error = #expect(throws: GGUFError.self) { try LoadedModel(ModelFiles(directory)) }
            #expect(error!.description.contains("tokenizer.chat_template") && error!.description.contains("<|AUDIO|>"))
            return
        }
        let chat = try LoadedModel(ModelFiles(directory)).chat
        let messages = [TemplateMessage(role: "user", parts: [.audio, .text("What is said?")]), TemplateMessage(role: "assistant", "Nothing.")]
        let text = try chat.render(messages).map(\.text).joined()
        let expected = """
            <|im_start|>system\n<|im_end|>\n<|im_start|>user\n<|audio_start|><|audio_pad|><|audio_end|>What is said?<|im_end|>
            <|im_start|>assistant\nNothing.<|im_end|>\n<|im_start|>assistant\n
            """
        #expect(text == expected)
    }
}

/// Files that are damaged, value by value.
@Suite(.ownThread) struct HostileGGUFModelTests {
    private let directory = FileManager.default.temporaryDirectory.appending(path: "cord-gguf-\(UUID().uuidString)")

    /// The error of a pair whose decoder or projector has other bytes in the place of the first `old`, which are as many.
    private func error(_ file: String, _ name: String = "qwen2audio", _ change: (inout Data) throws -> Void) throws -> String {
        let files = FileManager.default
        try files.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? files.removeItem(at: directory) }
        for part in ["decoder.gguf", "mmproj.gguf"] {
            var data = try Data(contentsOf: folder.appending(path: name + "/" + part))
            if part == file { try change(&data) }
            try data.write(to: directory.appending(path: part))
        }
        let error = #expect(throws: (any Error).self) { try LoadedModel(try ModelFiles(directory)) }
        return error.map { "\($0)" } ?? ""
    }

    private func replace(_ old: String, _ new: String, in data: inout Data) throws {
        precondition(old.utf8.count == new.utf8.count)
        data.replaceSubrange(try #require(data.range(of: Data(old.utf8))), with: Data(new.utf8))
    }

    /// Writes the 32-bit number of a key.
    private func set(_ key: String, _ value: UInt32, in data: inout Data) throws {
        let place = try #require(data.range(of: Data(key.utf8))).upperBound + 4
        unsafe withUnsafeBytes(of: value.littleEndian) { unsafe data.replaceSubrange(place..<place + 4, with: Data($0)) }
    }

    @Test(arguments: [
        ("mmproj.gguf", "clip.audio.projection_dim", UInt32(96), "embeddings of 96 elements"),
        ("mmproj.gguf", "clip.audio.block_count", 0, "clip.audio.block_count: expected an integer from 1 to"),
        ("mmproj.gguf", "clip.audio.block_count", 3, "layers.2"),
        ("mmproj.gguf", "clip.audio.attention.head_count", 7, "encoder_attention_heads"),
        ("mmproj.gguf", "clip.audio.num_mel_bins", 80, "conv1"),
        ("mmproj.gguf", "clip.audio.feed_forward_length", 64, "fc1"),
        ("decoder.gguf", "qwen2.block_count", 4_000_000_000, "qwen2.block_count: expected an integer from 1 to"),
        ("decoder.gguf", "qwen2.embedding_length", 32, "embeddings of 64 elements"),
        ("decoder.gguf", "qwen2.attention.head_count_kv", 3, "num_key_value_heads"),
        ("decoder.gguf", "qwen2.feed_forward_length", 64, "mlp"),
        ("decoder.gguf", "tokenizer.ggml.eos_token_id", 4_000_000_000, "tokenizer.ggml.eos_token_id"),
    ])
    func aWrongNumberIsNamed(file: String, key: String, value: UInt32, words: String) throws {
        let found = try error(file) { try set(key, value, in: &$0) }
        #expect(found.contains(words), "\(key): \(found)")
    }

    @Test func wordsThatAreUnknownAreNamed() throws {
        for (file, old, new, named) in [
            ("decoder.gguf", "<|AUDIO|>", "<|AUDIX|>", "<|AUDIO|>"), ("decoder.gguf", "blk.1.attn_q.weight", "blk.1.attn_x.weight", "q_proj"),
            ("mmproj.gguf", "a.blk.1.ln1.bias", "a.blk.9.ln1.bias", "layers.1"), ("mmproj.gguf", "qwen2a", "qwen9a", "qwen9a"),
            ("decoder.gguf", "tokenizer.ggml.merges", "tokenizer.ggml.mergex", "tokenizer.ggml.merges"), ("decoder.gguf", "gpt2", "xpt2", "xpt2"),
            ("decoder.gguf", "tokenizer.chat_template", "tokenizer.chat_templatx", "tokenizer.chat_template"),
        ] {
            let found = try error(file) { try replace(old, new, in: &$0) }
            #expect(found.contains(named), "\(old): \(found)")
        }
    }

    @Test func truncatedFilesAreNamed() throws {
        for file in ["decoder.gguf", "mmproj.gguf"] {
            for part in [3, 10, 2, 1] {
                let found = try error(file) { $0 = $0.prefix($0.count * part / 11) }
                #expect(found.contains(file) && found.contains("truncated"), "\(found)")
            }
        }
    }

    /// The last tensor's bytes are the file's last; a scale of a block is a NaN there.
    @Test func aScaleThatIsNoNumberIsNamed() throws {
        let found = try error("decoder.gguf", "quantized") { data in
            let file = try GGUF(folder.appending(path: "quantized/decoder.gguf"))
            let tensor = try #require(file.tensors["blk.0.attn_q.weight"])
            let bytes = unsafe Data(tensor.bytes)
            let place = try #require(data.range(of: bytes)).lowerBound
            data.replaceSubrange(place..<place + 2, with: [0x00, 0x7E])
        }
        #expect(found.contains("blk.0.attn_q.weight") && found.contains("nan"), "\(found)")
    }
}
