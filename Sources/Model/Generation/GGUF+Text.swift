import Foundation
import Models
import Tokenization
import Weights

extension Tokenizer {
    /// The tokenizer of a decoder's file: `tokenizer.huggingface.json`, else llama.cpp's vocabulary.
    ///
    /// - Parameter control: a control token that is added where it has none so spelled.
    convenience init(of file: GGUF, adding control: String?) throws {
        if file.metadata["tokenizer.huggingface.json"] != nil {
            let json = try file.string("tokenizer.huggingface.json")
            try self.init(data: Data(json.utf8), path: file.path + ": tokenizer.huggingface.json", adding: control)
            return
        }
        let model = try file.string("tokenizer.ggml.model")
        guard model == "gpt2" else { throw file.error("tokenizer.ggml.model", expected: "gpt2, which is byte-level BPE", found: model) }
        let tokens = try file.strings("tokenizer.ggml.tokens")
        let numbers = try file.integers("tokenizer.ggml.token_type", default: Array(repeating: 1, count: tokens.count))
        let kinds = numbers.compactMap(BytePairVocabulary.Kind.init)
        guard kinds.count == tokens.count, numbers.count == tokens.count else {
            throw file.error("tokenizer.ggml.token_type", expected: "a number from 1 to 6 for each of \(tokens.count) tokens", found: "others")
        }
        let name = try file.string("tokenizer.ggml.pre", default: "default")
        guard let published = TextSplitting(rawValue: name) else {
            let known = TextSplitting.allCases.map(\.rawValue).joined(separator: ", ")
            throw file.error("tokenizer.ggml.pre", expected: known + ", or a tokenizer.huggingface.json", found: name)
        }
        let splitting = BytePairVocabulary.Splitting(
            pattern: published.pattern, normalizes: published.normalizes, takesWholePieces: published.takesWholePieces,
            ranksByResult: published.ranksByResult)
        let vocabulary = BytePairVocabulary(
            tokens: tokens, kinds: kinds, merges: try file.strings("tokenizer.ggml.merges"), splitting: splitting)
        try self.init(vocabulary, path: file.path, adding: control)
    }
}

extension ChatTemplate {
    /// A template with the tokens that it may name, of a decoder's file.
    init(_ source: String, of file: GGUF) throws {
        let tokens = try file.strings("tokenizer.ggml.tokens")
        let constants = try [("bos_token", "bos"), ("eos_token", "eos"), ("pad_token", "padding"), ("unk_token", "unknown")]
            .compactMap { name, key -> (name: String, text: String)? in
                let key = "tokenizer.ggml.\(key)_token_id"
                guard file.metadata[key] != nil, !tokens.isEmpty else { return nil }
                return (name, tokens[try file.integer(key, in: 0...tokens.count - 1)])
            }
        do throws(TemplateError) { try self.init(source, constants: constants) } catch {
            throw ModelError("\(file.path): tokenizer.chat_template: \(error)")
        }
    }
}
