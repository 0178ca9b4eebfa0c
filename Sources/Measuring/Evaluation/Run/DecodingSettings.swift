import Foundation
package import Generation

/// Sampling options as the texts of a reproducibility block, and back. A report's texts suffice to repeat the decoding.
extension SamplingOptions {
    package var settings: [String: String] {
        [
            "temperature": String(temperature), "top_k": String(topK), "top_p": String(topP), "min_p": String(minP),
            "repetition_penalty": String(repetitionPenalty), "frequency_penalty": String(frequencyPenalty),
            "presence_penalty": String(presencePenalty), "max_tokens": String(maxTokens),
            "stop": stop.isEmpty ? "[]" : String(decoding: (try? JSONEncoder().encode(stop)) ?? Data("[]".utf8), as: UTF8.self),
        ]
    }

    /// - Throws: ``UnreadableSetting`` for a value that is not a number. Settings with other names are ignored.
    package init(settings: [String: String]) throws {
        self.init()
        func read<Value: LosslessStringConvertible>(_ name: String, _ target: inout Value) throws {
            guard let text = settings[name] else { return }
            guard let value = Value(text) else { throw UnreadableSetting(name: name, value: text, expected: "\(Value.self)") }
            target = value
        }
        try read("temperature", &temperature)
        try read("top_k", &topK)
        try read("top_p", &topP)
        try read("min_p", &minP)
        try read("repetition_penalty", &repetitionPenalty)
        try read("frequency_penalty", &frequencyPenalty)
        try read("presence_penalty", &presencePenalty)
        try read("max_tokens", &maxTokens)
        if let text = settings["stop"] {
            guard let stop = try? JSONDecoder().decode([String].self, from: Data(text.utf8)) else {
                throw UnreadableSetting(name: "stop", value: text, expected: "a JSON list of texts")
            }
            self.stop = stop
        }
    }
}

package struct UnreadableSetting: Error, Equatable, CustomStringConvertible {
    package let name: String
    package let value: String
    package let expected: String

    package var description: String {
        "the decoding setting \(name) should be \(expected), found \"\(value)\"; take it from a report's reproducibility block"
    }
}
