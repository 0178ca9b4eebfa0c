/// The ways in which published byte-level tokenizers split text, by llama.cpp's names (`tokenizer.ggml.pre`).
package enum TextSplitting: String, CaseIterable, Sendable {
    case qwen2
    case llama = "llama-bpe"
    case tekken

    /// A regular expression for a piece.
    package var pattern: String {
        switch self {
        case .qwen2:
            #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
        case .llama:
            #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
        case .tekken:
            #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"#
                + #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|"#
                + #"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
        }
    }

    /// Whether the tokenizer normalises text first (NFC).
    package var normalizes: Bool { self == .qwen2 }

    /// Whether a piece that is a token becomes that token without merges.
    package var takesWholePieces: Bool { self != .qwen2 }

    /// Whether merges are ranked by the ids of their results.
    package var ranksByResult: Bool { self == .tekken }
}
