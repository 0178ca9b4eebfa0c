import Judging
import Testing

@Suite struct ReasoningStreamTests {
    /// The parts of a text that comes in pieces of `size` characters, and how many of these belong to the block.
    private func parted(_ text: String, after prompt: String = "", size: Int) -> (thought: String, said: String, tokens: Int) {
        var stream = ReasoningStream(after: prompt)
        var (thought, said) = ("", "")
        var rest = text[...]
        while !rest.isEmpty {
            let part = stream.take(String(rest.prefix(size)))
            rest = rest.dropFirst(size)
            thought += part.thought
            said += part.said
        }
        let end = stream.finish()
        return (thought + end.thought, said + end.said, stream.thoughtTokens)
    }

    @Test(
        arguments: [
            ("<think>12 + 7?</think>19", "", "12 + 7?", "19"),
            ("\n<think>\n12 + 7?\n\nHm.\n</think>\n\n19 it is.", "", "12 + 7?\n\nHm.", "19 it is."),
            ("<think>\n\n</think>\n\n19", "", "", "19"), ("<think>12 + 7", "", "12 + 7", ""), ("<think>", "", "", ""),
            ("12 + 7?</think>19", "<|im_start|>assistant\n<think>\n", "12 + 7?", "19"),
            ("12 + 7?</think>19", "", "", "12 + 7?</think>19"), ("19", "<think>\n\n</think>\n\n", "", "19"),
            ("[THINK]a < b[/THINK]yes", "", "a < b", "yes"), ("◁think▷é◁/think▷ü", "", "é", "ü"),
            ("<reasoning>a</reasoning>b", "", "a", "b"), ("<think>a</think>b<think>c</think>", "", "a", "b<think>c</think>"),
            ("<thin ice", "", "", "<thin ice"), ("The tag <think> opens.", "", "", "The tag <think> opens."), ("  ", "", "", "  "),
            ("<think>a</thin b</think>c", "", "a</thin b", "c"), (" 12", "", "", " 12"),
        ] as [(String, String, String, String)])
    func aBlockAtTheBeginningIsThoughtHoweverItComes(text: String, prompt: String, thought: String, said: String) {
        for size in 1...max(1, text.count) {
            let parts = parted(text, after: prompt, size: size)
            #expect(parts.thought == thought && parts.said == said, "in pieces of \(size): \(parts)")
        }
    }

    @Test func tokensOfTheBlockAreCountedWithItsTags() {
        #expect(parted("<think>ab</think>cd", size: 1).tokens == "<think>ab</think>".count)
        #expect(parted("ab</think>cd", after: "<think>", size: 1).tokens == "ab</think>".count)
        #expect(parted("<thin ice", size: 1).tokens == 0)
        #expect(parted("  ", size: 1).tokens == 0)
    }
}
