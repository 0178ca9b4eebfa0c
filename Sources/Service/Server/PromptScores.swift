import API
import Generation
import Tokenization
import Workshop

extension Inquiry {
    /// vLLM's `prompt_logprobs`: one element per token of the prompt.
    ///
    /// - Parameter scored: Every token of the prompt but the first.
    func promptLogprobs(_ scored: [TokenLogProbability]) -> [[String: PromptLogprob]?] {
        let slots = Set(request.prompt.audioSlots)
        return [nil]
            + scored.enumerated().map { index, token in
                // A slot holds audio, so no token there has a probability.
                slots.contains(index + 1) ? nil : promptLogprob(token)
            }
    }

    private func promptLogprob(_ value: TokenLogProbability) -> [String: PromptLogprob] {
        func word(_ token: Int32, _ logProbability: Float, rank: Int?) -> PromptLogprob {
            let text = String(decoding: Array(tokenizer.bytes(of: Int(token))), as: UTF8.self)
            return PromptLogprob(logprob: Double(logProbability), rank: rank, decodedToken: text)
        }
        var found = [String(value.token): word(value.token, value.logProbability, rank: nil)]
        for (index, candidate) in value.top.enumerated() {
            found[String(candidate.token)] = word(candidate.token, candidate.logProbability, rank: index + 1)
        }
        return found
    }
}

extension TextLogprobs {
    /// Adds a token.
    ///
    /// - Parameters:
    ///   - value: Nil for the first token of a prompt, which has no predecessor.
    ///   - offset: The token's offset in the text; advanced past the token.
    mutating func append(_ token: Int32, _ value: TokenLogProbability?, _ tokenizer: Tokenizer, offset: inout Int) {
        let text = Self.spelling(token, tokenizer)
        tokens.append(text)
        textOffset.append(offset)
        offset += String(decoding: Array(tokenizer.bytes(of: Int(token))), as: UTF8.self).unicodeScalars.count
        tokenLogprobs.append(value.map { Double($0.logProbability) })
        topLogprobs.append(
            value.map { value in
                let candidates = value.top.map { (Self.spelling($0.token, tokenizer), Double($0.logProbability)) }
                // If two tokens have the same text, the likelier one stands for both.
                return Dictionary(candidates + [(text, Double(value.logProbability))], uniquingKeysWith: { max($0, $1) })
            })
    }

    /// A token as text, or as its bytes if they are not valid text.
    private static func spelling(_ token: Int32, _ tokenizer: Tokenizer) -> String {
        let bytes = Array(tokenizer.bytes(of: Int(token)))
        return String(validating: bytes, as: UTF8.self)
            ?? "bytes:" + bytes.map { "\\x" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
